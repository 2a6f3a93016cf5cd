"""Lesions: counted beside the window, a while after the last edit; every change of one is a step of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.lesion_states import Voxel
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.lesions_panel import UNCHECKED, LesionsPanel
from napari_lesionseg.widgets.parts import listen

if TYPE_CHECKING:
    from napari_lesionseg.review.counted_lesions import Listed
    from napari_lesionseg.review.lesion_overview import Overview
    from napari_lesionseg.review.tools.lesion_edits import Part

PAUSE_MS = 300  # After the last edit.


class LesionsPresenter:
    """Answers the lesions' panel."""

    def __init__(self, panel: LesionsPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.seen: Overview | None = None
        self._version = 0  # Of what the table is of; it grows with each change.
        self._counted = -1  # The version the table shows.
        self._counting = self._gone = False
        self._timer = QTimer(panel)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._count)
        panel.shown.connect(self._count_later)
        panel.destroyed.connect(self._on_gone)
        panel.place_requested.connect(self.context.layers.go_to)
        panel.accept_requested.connect(self._on_accept)
        panel.reject_requested.connect(self._on_reject)
        panel.relabel_requested.connect(self._on_relabel)
        panel.merge_requested.connect(self._on_merge)
        panel.split_requested.connect(self._on_split)
        panel.cut_requested.connect(self._on_cut)
        session = self.session
        for signal in (session.mask_changed, session.truth_changed, session.lungs_changed, session.prediction_changed):
            listen(signal, self._on_changed, panel)
        listen(session.scan_changed, self._on_scan, panel)
        listen(session.editable_changed, panel.show_editable, panel)
        listen(session.lesion_states.changed, self._show, panel)
        self._on_scan()

    def _on_gone(self) -> None:
        self._gone = True

    def _on_scan(self, _: object = None) -> None:
        self.seen = None
        self._on_changed()
        self.panel.show_editable(self.session.scan is not None and self.session.editable)
        self._show()

    def _on_changed(self, _: object = None) -> None:
        self._version += 1
        self._count_later()

    def _count_later(self) -> None:
        if self._counted != self._version and self.session.scan is not None:
            self._timer.start(PAUSE_MS)

    def _count(self) -> None:
        session, version = self.session, self._version
        scan, mask = session.scan, session.mask
        in_sight = self.panel.isVisibleTo(self.panel.window())
        if self._counting or not in_sight or scan is None or mask is None:
            return  # Whoever is counting looks again at the end; a folded panel when it is unfolded.
        from napari_lesionseg.review.counted_lesions import Known  # cc3d and scipy: not while the dock opens.
        from napari_lesionseg.review.lesion_overview import overview

        self._counting = True
        known = Known(scan, session.truth, session.lungs, session.probability)

        def done(seen: Overview) -> None:
            self._counting = False
            if self._gone:
                return
            if version == self._version:
                self.seen, self._counted = seen, version
                self._show()
            elif not self._timer.isActive():
                self._count_later()

        def failed(error: Exception) -> None:
            self._counting = False
            if self._gone:
                return
            if version == self._version:
                self.context.report(error)
            else:  # The mask was changed while it was counted.
                self._count_later()

        run_in_background(lambda: overview(mask, known), done, failed)

    # ---- what the reviewer wants

    def _on_accept(self) -> None:
        states, accepted = self.session.lesion_states, self._accepted()
        chosen = self.panel.chosen
        if all(lesion.place in accepted for lesion in chosen):
            for lesion in chosen:
                states.forget(self._inside(lesion.place))
            return
        for lesion in chosen:
            if lesion.place not in accepted:
                states.accept(lesion.place, lesion.label)

    def _on_reject(self) -> None:
        chosen = self.panel.chosen
        if self._edit("reject", "relabel", [lesion.place for lesion in chosen], 0):
            for lesion in chosen:
                self.session.lesion_states.reject(lesion.place, lesion.label)

    def _on_relabel(self, label: int) -> None:
        self._edit("relabel", "relabel", self._places(), label)

    def _on_merge(self, bridge: bool) -> None:
        self._edit("merge", "merge", self._places(), bridge)

    def _on_split(self, count: int) -> None:
        """Split beside the window: a large lesion takes a second."""
        from napari_lesionseg.review.tools.given import given_by
        from napari_lesionseg.review.tools.lesion_edits import split

        given, place, version = given_by(self.session), self._places()[0], self._version
        name = f"split {_names(self.panel.chosen)}"

        def done(edited: Any) -> None:
            if self._gone:
                return
            if version != self._version:
                self.context.say("The mask was changed meanwhile; split the lesion again.")
                return
            try:
                self.session.write_slices(edited, name)
            except LesionsegError as error:
                self.context.report(error)

        def failed(error: Exception) -> None:
            if not self._gone:
                self.context.report(error)

        run_in_background(lambda: split(given, place, count), done, failed)

    def _on_cut(self) -> None:
        self._edit("cut", "cut", self._places()[0])

    def _places(self) -> list[Voxel]:
        return [lesion.place for lesion in self.panel.chosen]

    def _edit(self, verb: str, tool: str, *arguments: Any) -> bool:
        """Use a tool of ``lesion_edits`` on the chosen lesions, as one step of the session, or say why not."""
        from napari_lesionseg.review.tools import lesion_edits
        from napari_lesionseg.review.tools.given import given_by

        try:
            edited = getattr(lesion_edits, tool)(given_by(self.session), *arguments)
            return self.session.write_slices(edited, f"{verb} {_names(self.panel.chosen)}")
        except LesionsegError as error:
            self.context.report(error)
            return False

    def _inside(self, place: Voxel) -> Callable[[Voxel], bool]:
        """Whether a voxel belongs to the lesion at ``place``."""
        from napari_lesionseg.review.tools.given import given_by
        from napari_lesionseg.review.tools.lesion_edits import holds, lesion_at

        part: Part = lesion_at(given_by(self.session), place)
        return lambda voxel: holds(part, voxel)

    # ---- what the reviewer sees

    def _accepted(self) -> set[Voxel]:
        """The places of the listed lesions that are accepted: an accepted voxel may not be the one that is listed."""
        mask, seen = self.session.mask, self.seen
        if mask is None or seen is None:
            return set()
        places = self.session.lesion_states.accepted_in(mask.array)
        listed = {lesion.place for lesion in seen.lesions if lesion.match != "missed"}
        known = set(places) & listed
        for place in places:
            if place not in known:  # An edit moved the place that is listed.
                inside = self._inside(place)
                known |= {one for one in listed if inside(one)}
        return known

    def _show(self) -> None:
        accepted = self._accepted()
        self.panel.show_overview(self.seen, accepted)
        self.panel.show_sums(*_sums(self.seen, self.session.lungs_checked))
        self.panel.show_state(self._decided(len(accepted)))

    def _decided(self, accepted: int) -> str:
        mask, seen = self.session.mask, self.seen
        if mask is None:
            return "Open a scan to see its lesions."
        if seen is None:
            return "Counting…"
        rejected = len(self.session.lesion_states.rejected_in(mask.array))
        return f"{accepted} accepted, {rejected} rejected"


def _sums(seen: Overview | None, checked: bool) -> tuple[str, str]:
    """All lesions in one line, and its tool tip."""
    if seen is None:
        return "", ""
    ours = sum(1 for lesion in seen.lesions if lesion.match != "missed")
    sides = "" if seen.right_ml is None else f" (right {seen.right_ml:.1f}, left {seen.left_ml or 0.0:.1f})"
    share = seen.lung_share if checked else None
    text = f"{ours} {'lesion' if ours == 1 else 'lesions'} · {seen.total_ml:.1f} ml{sides} · "
    text += "– % of the lungs" if share is None else f"{100 * share:.1f} % of the lungs"
    return text, "Of both lungs with all lesions in them" if share is not None else UNCHECKED


def _names(lesions: list[Listed]) -> str:
    numbers = [str(lesion.number) for lesion in lesions]
    if len(numbers) == 1:
        return f"lesion {numbers[0]}"
    return f"lesions {', '.join(numbers[:-1])} and {numbers[-1]}"
