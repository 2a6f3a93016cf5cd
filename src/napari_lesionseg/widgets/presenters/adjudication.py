"""Double reading: a case is read blind, and two finished readings are settled in three colours."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.adjudication_layers import AdjudicationLayers
from napari_lesionseg.widgets.adjudication_panel import AdjudicationPanel
from napari_lesionseg.widgets.case_opening import OpenCase
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.presenters.study_asker import StudyAsker
from napari_lesionseg.widgets.shortcuts import bind_keys

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lesionseg.review.adjudication import Adjudication, Where
    from napari_lesionseg.review.agreement_map import Take
    from napari_lesionseg.review.disagreements import Voxel
    from napari_lesionseg.study import Study
    from napari_lesionseg.study.readings import ReadingState
    from napari_lesionseg.study.records import Revision


class AdjudicationPresenter:
    """Answers the panel of readings."""

    def __init__(self, panel: AdjudicationPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.opening, self.layers = context.opening, AdjudicationLayers(context.layers)
        self._asker = StudyAsker(panel, context)
        self.adjudication: Adjudication | None = None
        self._prepared: tuple[str, Adjudication] | None = None  # Of the case that is being opened.
        self._number: int | None = None  # The disagreement that was gone to.
        self._place: Voxel | None = None  # A voxel of the lesion that a take is about.
        panel.read_requested.connect(self._on_read)
        panel.finish_requested.connect(self._on_finish)
        panel.adjudicate_requested.connect(self._on_adjudicate)
        panel.take_requested.connect(self.take)
        panel.step_requested.connect(self._on_step)
        panel.map_toggled.connect(self.layers.set_visible)
        panel.settle_requested.connect(self._on_settle)
        hear(self.opening.opened, self._on_opened, panel)
        hear(self.opening.closed, self._on_closed, panel)
        listen(self.session.mask_changed, self._show_left, panel)
        self._bind(context.viewer)

    def _bind(self, viewer: ViewerModel) -> None:
        """Hear keys and mouse for as long as the panel exists."""
        viewer.mouse_drag_callbacks.append(self._on_pressed)
        takes = ("A", "B", "both", "agreed")
        bind_keys(viewer, self.panel, {f"take_{take}": partial(self._on_key, take) for take in takes})
        self.panel.destroyed.connect(lambda: viewer.mouse_drag_callbacks.remove(self._on_pressed))

    # ---- blind readings

    def _on_read(self) -> None:
        self._reopen("reading")

    def _on_finish(self) -> None:
        left = self._leave("reading")
        if left is None:
            return
        now, mask = left

        def finish(study: Study) -> None:
            from napari_lesionseg.study.readings import Readings

            Readings(study).finish(now.draft, mask, now.history.length)

        self._asker.ask(finish, lambda _: self._done(now.id, f"Your reading of case {now.id} is finished."))

    # ---- settling two

    def _on_adjudicate(self) -> None:
        now = self.opening.now
        if now is None:
            return
        case = now.id

        def prepare(study: Study) -> tuple[Adjudication, Revision]:
            from napari_lesionseg.review.adjudication import Adjudication
            from napari_lesionseg.study.readings import Readings

            readings = Readings(study)
            return Adjudication(*readings.masks(case)), readings.pair(case)[0]

        def prepared(found: tuple[Adjudication, Revision]) -> None:
            self._prepared = case, found[0]
            self._reopen("adjudicate", found[1])

        self.context.say("Comparing the two readings…")
        self._asker.ask(prepare, prepared)

    def begin(self, adjudication: Adjudication, *, fresh: bool) -> None:
        """Show two readings of the open scan; where nobody has drawn yet, the mask begins with what both have."""
        self.adjudication, self._number, self._place = adjudication, None, None
        if fresh:
            adjudication.begin(self.session)
        self.layers.show(adjudication.map)
        self.layers.set_visible(self.panel.map.isChecked())
        self.panel.show_active(True)
        self.panel.show_figures(asdict(adjudication.agreement))
        self._show_left()
        self._on_step(1)

    def end(self) -> None:
        """Show the mask alone again."""
        self.adjudication = None
        self.layers.clear()
        self.panel.show_active(False)

    def take(self, take: str, where: str, voxel: Voxel | None = None) -> None:
        """Take A, B, both or what is agreed, in the slice, the lesion at ``voxel`` or the scan."""
        if self.adjudication is None:
            return
        try:
            self.adjudication.take(self.session, cast("Take", take), cast("Where", where), voxel or self._place)
        except LesionsegError as error:
            self.context.say(str(error))
        self._show_left()
        self._show_place()

    def _on_key(self, take: str, _viewer: object) -> None:
        if self.adjudication is not None:
            # Beside the scan there is no lesion either: the take says so.
            self.take(take, "lesion", self.layers.voxel_under_mouse() or (-1, -1, -1))

    def _on_pressed(self, _viewer: Any, _event: Any) -> None:
        voxel = self.layers.voxel_under_mouse()
        if self.adjudication is not None and voxel is not None and self.adjudication.map[voxel]:
            self._place, self._number = voxel, None
            self._show_place()

    def _on_step(self, by: int) -> None:
        mask = self.session.mask
        if self.adjudication is None or mask is None:
            return
        self._number = self.adjudication.step(self._number, by, mask)
        if self._number is not None:
            self._place = self.adjudication.pieces[self._number].place
            self.context.layers.go_to(self._place)
        self._show_place()

    def _on_settle(self) -> None:
        left = self._leave("adjudicate")
        if left is None:
            return
        now, mask = left

        def settle(study: Study) -> None:
            from napari_lesionseg.study.readings import Readings

            Readings(study).settle(now.id, now.reviewer, mask, now.draft, now.history.length)

        self._asker.ask(settle, lambda _: self._done(now.id, f"The two readings of case {now.id} are settled."))

    # ---- what is shown

    def _on_opened(self, case_id: str) -> None:
        prepared, self._prepared = self._prepared, None
        now = self.opening.now
        if now is not None and now.mode == "adjudicate" and prepared is not None and prepared[0] == case_id:
            self.begin(prepared[1], fresh=now.history.length == 0)
        self._read_state(case_id)

    def _on_closed(self, _case_id: str) -> None:
        self.end()
        self.panel.show_state("Open a case of a study to read it blind, or to settle two readings.")

    def _read_state(self, case_id: str) -> None:
        def read(study: Study) -> ReadingState:
            from napari_lesionseg.study.readings import Readings

            return Readings(study).state(case_id)

        self._asker.ask(read, self._show_state)

    def _show_state(self, state: ReadingState) -> None:
        now = self.opening.now
        if now is None or now.id != state.case:
            return
        reading, settling = now.mode == "reading", now.mode == "adjudicate"
        self.panel.show_state(
            "" if settling else _words(state, reading),
            read=now.draws and (not state.complete or state.settled),
            finish=reading,
            adjudicate=state.complete and not state.settled and not settling and not reading,
        )

    def _show_left(self, *_: object) -> None:
        mask = self.session.mask
        if self.adjudication is not None and mask is not None:
            self.panel.show_left(len(self.adjudication.undecided(mask)), len(self.adjudication.pieces))

    def _show_place(self) -> None:
        mask = self.session.mask
        if self.adjudication is None or mask is None:
            return
        if self._number is None:
            at = self._place
            self.panel.show_disagreement("" if at is None else f"The lesion that was clicked, in slice {at[0]}")
            return
        piece, pieces = self.adjudication.pieces[self._number], self.adjudication.pieces
        ml = piece.voxels * mask.geometry.voxel_ml
        decided = "decided" if self.adjudication.is_decided(self._number, mask) else "undecided"
        self.panel.show_disagreement(
            f"{self._number + 1} of {len(pieces)}: only {piece.side}, {ml:.2f} ml, slice {piece.place[0]}, {decided}"
        )

    # ---- small change

    def _reopen(self, mode: Any, base: Revision | None = None) -> None:
        now, study = self.opening.now, self.context.study
        if now is not None and study is not None:
            self.opening.open(study, now.id, self.context.settings.reviewer, mode, base)

    def _leave(self, mode: str) -> tuple[OpenCase, Mask] | None:
        """Leave the open case if it is open in ``mode`` and all is on the disk; the case, and a copy of its mask."""
        now = self.opening.now
        if now is None or now.mode != mode:
            return None
        if not self.context.recorder.flush():
            self.context.complain("The last edits are not on the disk yet; try again as soon as they are saved.")
            return None
        mask = Mask(now.mask.array.copy(), now.mask.geometry)
        self.opening.leave()  # Its lock is given back: the draft ends with what is kept now.
        self.session.mark_exported()  # Nothing on the screen waits to be saved: the journal has it.
        return now, mask

    def _done(self, case_id: str, sentence: str) -> None:
        self.context.say(sentence)
        self.opening.kept.emit(case_id)  # The list of cases shows it.


def _words(state: ReadingState, reading: bool) -> str:
    if reading:
        return "You read this case blind: no other reviewer sees what you draw until both have finished."
    if state.settled:
        return "Two readings of this case are settled."
    if state.complete:
        return f"{state.readers[0]} and {state.readers[1]} have finished their readings."
    if state.readers:
        left = [f"{name} has {'finished' if name in state.finished else 'begun'}" for name in state.readers]
        return f"{' and '.join(left)} a blind reading."
    return "Nobody has read this case blind."
