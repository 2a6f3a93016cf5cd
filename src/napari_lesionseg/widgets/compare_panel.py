"""Comparing the mask with the truth."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_lesionseg.review.error_map import ERROR_COLOURS, ERROR_NAMES
from napari_lesionseg.review.metrics import SliceScores
from napari_lesionseg.widgets.parts import LABEL_WIDTH, button, check, chooser, column, note, row, set_silently, slider
from napari_lesionseg.widgets.slice_strip import MEASURES, SliceStrip


class ComparePanel(QWidget):
    """Says what of the truth should be shown; shows how far the mask agrees with it."""

    truth_toggled = Signal(bool)
    outline_toggled = Signal(bool)
    errors_toggled = Signal(bool)
    curtain_toggled = Signal(bool)
    curtain_requested = Signal(float)
    """The share of the picture, from its left, that shows the mask; the rest shows the truth."""
    hide_requested = Signal(bool)
    """Whether all that lies over the scan is to be hidden."""
    slice_requested = Signal(int)
    worst_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.truth = check("show_truth", "Truth", "Show the ground truth")
        self.outline = check("truth_outline", "Outline", "Draw the truth as an outline instead of filled")
        self.errors = check("show_errors", "Error map", "Colour where mask and truth agree and differ")
        self.curtain = check("curtain", "Curtain", "The mask left of a line, the truth right of it; drag the line")
        self.curtain_place = slider("curtain_place", "Where the curtain is, in per cent from the left", 0, 100)
        self.hide_ = button("hide_overlays", "Hide", "See the scan alone as long as this is held down")
        self.legend = note("error_legend", _legend())
        self.legend.setToolTip("Hit: in mask and truth. False positive: in the mask only. Missed: in the truth only.")
        self.numbers = {name: _number(name) for name in ("slice_dice", "slice_iou", "scan_dice", "scan_iou")}
        self.strip = SliceStrip()
        self._strips = [self.strip]
        self.measure = chooser("strip_measure", "What the bars show of every slice")
        for name, measure in MEASURES.items():
            self.measure.addItem(measure.title, name)
        tip = "Go to the slice with the lowest Dice, then to the next worst"
        self.worst = button("worst_slice", "Worst slice", tip)
        self.state = note("compare_state")
        controls = row(self.truth, self.outline, self.errors), row(self.curtain, self.curtain_place, self.hide_)
        layout = column(self, *controls, self.legend)
        layout.addLayout(self._table())
        layout.addWidget(self.strip)
        layout.addLayout(row(self.measure, self.worst))
        layout.addWidget(self.state)
        self.truth.setChecked(True)
        self.outline.setChecked(True)
        self.curtain_place.setValue(50)
        self.truth.toggled.connect(self.truth_toggled)
        self.outline.toggled.connect(self.outline_toggled)
        self.errors.toggled.connect(self.errors_toggled)
        self.curtain.toggled.connect(self.curtain_toggled)
        self.curtain_place.valueChanged.connect(lambda per_cent: self.curtain_requested.emit(per_cent / 100))
        self.hide_.pressed.connect(lambda: self.hide_requested.emit(True))
        self.hide_.released.connect(lambda: self.hide_requested.emit(False))
        self.measure.currentIndexChanged.connect(self._on_measure)
        self.strip.slice_requested.connect(self.slice_requested)
        self.worst.clicked.connect(self.worst_requested)
        self.show_has_truth(False)

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        for column_, text in enumerate(("Dice", "IoU"), 1):
            grid.addWidget(QLabel(text), 0, column_, Qt.AlignmentFlag.AlignRight)
            grid.setColumnStretch(column_, 1)
        for row_, (text, key) in enumerate((("This slice", "slice"), ("Scan", "scan")), 1):
            grid.addWidget(QLabel(text), row_, 0)
            grid.addWidget(self.numbers[f"{key}_dice"], row_, 1, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(self.numbers[f"{key}_iou"], row_, 2, Qt.AlignmentFlag.AlignRight)
        return grid

    def show_has_truth(self, has_truth: bool) -> None:
        """Offer comparing if there is a truth."""
        controls = (self.truth, self.outline, self.errors, self.curtain, self.curtain_place, self.measure)
        for control in (*controls, self.worst, self.strip):
            control.setEnabled(has_truth)
        self.state.setText("" if has_truth else "Load a truth to compare with.")
        self.state.setVisible(not has_truth)
        if not has_truth:
            set_silently(self.errors, False)
            set_silently(self.curtain, False)
            self.show_scores(None, 0.0, 0)

    def show_truth_shown(self, shown: bool) -> None:
        """Show whether the truth is on the screen."""
        set_silently(self.truth, shown)

    def show_errors_shown(self, shown: bool) -> None:
        """Show whether the error map is on the screen."""
        set_silently(self.errors, shown)

    def show_curtain(self, drawn: bool, place: float) -> None:
        """Show whether the curtain is on the screen, and at which share of the picture."""
        set_silently(self.curtain, drawn)
        set_silently(self.curtain_place, round(place * 100))

    def show_scores(self, scores: SliceScores | None, voxel_ml: float, z: int) -> None:
        """Show the scores of slice ``z`` and of the scan; None while there is nothing to compare."""
        shown = None if scores is None else {"slice": scores.one(z), "scan": scores.scan}
        for key, label in self.numbers.items():
            part, measure = key.split("_")
            label.setText(_text(None if shown is None else getattr(shown[part], measure)))
        for strip in self._strips:
            strip.show_scores(scores, voxel_ml, z)

    def show_also_on(self, strip: SliceStrip) -> None:
        """Show the bars on another strip, too."""
        shown = self._strips
        shown.append(strip)
        strip.destroyed.connect(lambda *_: shown.remove(strip))  # The window may go before the panel.

    def _on_measure(self) -> None:
        for strip in self._strips:
            strip.show_measure(str(self.measure.currentData()))


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _legend() -> str:
    squares = (f'<span style="color:{ERROR_COLOURS[label]}">■</span> {name}' for label, name in ERROR_NAMES.items())
    return "&nbsp;&nbsp; ".join(squares)


def _number(name: str) -> QLabel:
    made = QLabel("–")
    made.setObjectName(name)
    made.setToolTip("– where neither mask nor truth has a lesion")
    made.setStyleSheet("font-weight: bold;")
    return made
