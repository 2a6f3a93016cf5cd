"""Learning from the corrections: study, model, length, live curves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QSpinBox, QToolButton, QWidget

from napari_lesionseg.widgets.curve_view import CurveView
from napari_lesionseg.widgets.parts import button, chooser, column, note, path_label, row, widen
from napari_lesionseg.widgets.segment_panel import DEVICES


class RetrainPanel(QWidget):
    """Says that a model should learn from the corrected scan; shows how it goes."""

    train_requested = Signal(str, int, str)
    """Model folder, epochs, device."""
    stop_requested = Signal()
    load_requested = Signal()
    study_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.study = path_label("study_folder", "The study folder that keeps corrections and training runs")
        choose = QToolButton()
        choose.setObjectName("choose_study")
        choose.setText("…")
        choose.setToolTip("Choose another study folder")
        self.model = chooser("retrain_model", "The model to start from")
        self.device = chooser("retrain_device", "Where the training runs")
        self.device.addItems(list(DEVICES))
        self.epochs = QSpinBox()
        self.epochs.setObjectName("retrain_epochs")
        self.epochs.setToolTip("How often the training goes through the corrected slices")
        self.epochs.setRange(1, 200)
        self.epochs.setValue(5)
        self.epochs.setSuffix(" epochs")
        widen(self.epochs, 112)
        self.train = button("retrain", "Retrain", "Learn from the corrected slices of this scan, in the background")
        self.stop = button("retrain_stop", "Stop", "Stop the training; what it has saved stays in the study")
        self.load = button("load_model", "Load new model", "Use the new model in Segment")
        self.curves = CurveView()
        self.state = note("retrain_state")
        column(
            self,
            row(self.study, choose, label="Study"),
            row(self.model, label="Start from"),
            row(self.epochs, self.device, label="Train"),
            row(self.train, self.stop, self.load),
            self.state,
            self.curves,
        )
        choose.clicked.connect(self._on_choose)
        self.train.clicked.connect(self._on_train)
        self.stop.clicked.connect(self.stop_requested)
        self.load.clicked.connect(self.load_requested)
        self._has_scan = False
        self.load.setEnabled(False)
        self.show_idle("Correct some slices, then retrain.")

    def show_study(self, folder: Path) -> None:
        """Show the study folder."""
        self.study.setText(str(folder))
        self.study.setToolTip(f"The study folder that keeps corrections and training runs:\n{folder}")

    def show_models(self, models: Iterable[tuple[str, Path, str]], chosen: str = "") -> None:
        """Offer models as (name, folder, tool tip)."""
        before = chosen or self.model.currentText()
        self.model.clear()
        for name, folder, tip in models:
            self.model.addItem(name, str(folder))
            self.model.setItemData(self.model.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(max(0, self.model.findText(before)))

    def show_has_scan(self, has_scan: bool) -> None:
        """Offer to train if there is a scan."""
        self._has_scan = has_scan
        if not self.stop.isEnabled():
            self.train.setEnabled(has_scan)

    def show_running(self, text: str) -> None:
        """Show that a training is under way."""
        self.train.setEnabled(False)
        self.stop.setEnabled(True)
        self.load.setEnabled(False)
        self.show_state(text)

    def show_idle(self, text: str, *, has_model: bool = False) -> None:
        """Show that no training is under way, and how the last one ended."""
        self.train.setEnabled(self._has_scan)
        self.stop.setEnabled(False)
        self.load.setEnabled(has_model)
        self.show_state(text)

    def show_state(self, text: str) -> None:
        """Show a sentence."""
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def show_curves(self, epochs: int) -> None:
        """Show empty curves for a training of so many epochs."""
        self.curves.clear(epochs)

    def _on_choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose or make a study folder", self.study.text())
        if folder:
            self.study_chosen.emit(folder)

    def _on_train(self) -> None:
        self.train_requested.emit(self.model.currentData(), self.epochs.value(), self.device.currentText())
