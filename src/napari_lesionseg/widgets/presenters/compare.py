"""Comparing: keeps the counts of every slice, and counts only the touched slice anew after a stroke."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from napari_lesionseg.review.metrics import SliceScores, one_slice_score, slice_scores, worst_slices
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.compare_panel import ComparePanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import listen

AT_ONCE = 8  # Slices that are counted without a pause.
PAUSE_MS = 40


class ComparePresenter:
    """Answers the compare panel."""

    def __init__(self, panel: ComparePanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.scores: SliceScores | None = None
        self._walked: set[int] = set()  # The worst slices that were gone to.
        self._timer = QTimer(panel)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._count_all)
        layers = context.layers
        panel.truth_toggled.connect(layers.comparison.set_truth_visible)
        panel.outline_toggled.connect(layers.comparison.set_truth_outline)
        panel.errors_toggled.connect(layers.set_errors_visible)
        panel.curtain_toggled.connect(layers.set_curtain_visible)
        panel.curtain_requested.connect(layers.comparison.curtain.move_to)
        panel.hide_requested.connect(layers.overlays.set_hidden)
        panel.slice_requested.connect(self.session.set_slice)
        panel.worst_requested.connect(self._on_worst)
        listen(layers.comparison.truth_shown, panel.show_truth_shown, panel)
        listen(layers.comparison.errors_shown, panel.show_errors_shown, panel)
        listen(layers.comparison.curtain.shown, panel.show_curtain, panel)
        listen(self.session.truth_changed, self._on_truth, panel)
        listen(self.session.mask_changed, self._on_mask, panel)
        listen(self.session.slice_changed, self._on_slice, panel)
        self._on_truth(self.session.truth)

    def _on_truth(self, truth: Mask | None) -> None:
        self._walked.clear()
        self.panel.show_has_truth(truth is not None)
        if self.context.opening.showing and truth is not None:
            self._count_soon()  # The new case is seen first.
        else:
            self._count_all()
        if truth is not None:
            self.context.layers.comparison.set_truth_visible(self.panel.truth.isChecked())

    def _on_mask(self, slices: tuple[int, ...] | None) -> None:
        mask, truth = self.session.mask, self.session.truth
        if mask is None or truth is None or self.scores is None:
            return
        many = slices is None or len(slices) > AT_ONCE
        if many:
            self._walked.clear()  # Another mask has other worst slices.
        for z in (self.session.slice_index,) if slices is None or many else slices:
            self.scores = self.scores.with_slice(z, one_slice_score(mask.array[z], truth.array[z]))
        if many:
            self._timer.start(PAUSE_MS)  # A slider sends many of these: the other slices can wait for its rest.
        self._show()

    def _count_soon(self) -> None:
        self.scores = None
        self._timer.start(PAUSE_MS)
        self._show()

    def _on_slice(self, _z: int) -> None:
        if self._timer.isActive() and not self.context.opening.showing:
            self._count_all()
        self._show()

    def _count_all(self) -> None:
        self._timer.stop()
        mask, truth = self.session.mask, self.session.truth
        self.scores = None if mask is None or truth is None else slice_scores(mask.array, truth.array)
        self._show()

    def _on_worst(self) -> None:
        """Go to the worst slice, then to the next worst; after the last of them, to the worst again."""
        if self._timer.isActive():
            self._count_all()
        worst = [] if self.scores is None else worst_slices(self.scores)
        ahead = [z for z in worst if z not in self._walked]
        if not worst:
            self.context.say("Mask and truth agree in every voxel.")
            return
        if not ahead:
            self._walked.clear()
            ahead = worst
        self._walked.add(ahead[0])
        self.session.set_slice(ahead[0])
        left = len(ahead) - 1
        more = (
            f"{left} more {'slice has' if left == 1 else 'slices have'} errors." if left else "It is the last of them."
        )
        self.context.say(f"Slice {ahead[0]} is the worst that you have not been to. {more}")

    def _show(self, *_: object) -> None:
        mask = self.session.mask
        voxel_ml = 0.0 if mask is None else mask.geometry.voxel_ml
        self.panel.show_scores(self.scores, voxel_ml, self.session.slice_index)
