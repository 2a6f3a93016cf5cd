"""Comparing: keeps the counts of every slice, and counts only the touched slice anew after a stroke."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from napari_lesionseg.review.metrics import SliceScores, one_slice_score, slice_scores, worst_slice
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
        self._timer = QTimer(panel)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._count_all)
        layers = context.layers
        panel.truth_toggled.connect(layers.comparison.set_truth_visible)
        panel.outline_toggled.connect(layers.comparison.set_truth_outline)
        panel.errors_toggled.connect(layers.set_errors_visible)
        panel.slice_requested.connect(self.session.set_slice)
        panel.worst_requested.connect(self._on_worst)
        listen(layers.comparison.truth_shown, panel.show_truth_shown, panel)
        listen(layers.comparison.errors_shown, panel.show_errors_shown, panel)
        listen(self.session.truth_changed, self._on_truth, panel)
        listen(self.session.mask_changed, self._on_mask, panel)
        listen(self.session.slice_changed, self._on_slice, panel)
        self._on_truth(self.session.truth)

    def _on_truth(self, truth: Mask | None) -> None:
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
        worst = None if self.scores is None else worst_slice(self.scores)
        if worst is None:
            self.context.say("Mask and truth agree in every voxel.")
        else:
            self.session.set_slice(worst)

    def _show(self, *_: object) -> None:
        self.panel.show_scores(self.scores, self.session.slice_index)
