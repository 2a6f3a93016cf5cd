"""Segmenting: model, device, threshold, progress."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QProgressBar, QWidget
from superqt import QLabeledDoubleSlider

from napari_lesionseg.widgets.ask_panel import AskPanel
from napari_lesionseg.widgets.parts import button, chooser, column, note, row, set_silently

DEVICES = {
    "auto": "The fastest device of this computer",
    "cpu": "The processor",
    "cuda": "An NVIDIA graphics card",
    "mps": "An Apple graphics processor",
}


class SegmentPanel(QWidget):
    """Says that the scan should be segmented and from which probability on; shows how far it is."""

    segment_requested = Signal(str, str)
    """Model folder, device."""
    cancel_requested = Signal()
    threshold_requested = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.model = chooser("segment_model", "The model that marks lesions")
        self.device = chooser("segment_device", "Where the model runs")
        for name, tip in DEVICES.items():
            self.device.addItem(name, name)
            self.device.setItemData(self.device.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setObjectName("threshold")
        self.threshold.setToolTip("Probability from which a voxel is lesion; corrected slices keep their mask")
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.01)  # type: ignore[arg-type]  # superqt annotates the whole-numbered slider
        self.segment = button("segment", "Segment", "Mark the lesions of the whole scan")
        self.cancel = button("segment_cancel", "Cancel", "Stop and discard what there is so far")
        self.ask = AskPanel()
        self.bar = QProgressBar()
        self.bar.setObjectName("segment_progress")
        self.state = note("segment_state")
        column(
            self,
            row(self.model, label="Model"),
            row(self.device, label="Device"),
            row(self.threshold, label="Threshold"),
            row(self.segment, self.cancel),
            self.ask,
            self.bar,
            self.state,
        )
        self.segment.clicked.connect(self._on_segment)
        self.cancel.clicked.connect(self.cancel_requested)
        self.threshold.valueChanged.connect(self.threshold_requested)
        self._has_scan = False
        self.show_idle("Open a scan to segment it.")

    def show_models(self, models: Iterable[tuple[str, Path, str]], chosen: str = "") -> None:
        """Offer models as (name, folder, tool tip), and choose ``chosen``, else the one that was chosen."""
        before = chosen or self.model.currentText()
        self.model.clear()
        for name, folder, tip in models:
            self.model.addItem(name, str(folder))
            self.model.setItemData(self.model.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(max(0, self.model.findText(before)))

    def show_has_scan(self, has_scan: bool) -> None:
        """Offer to segment if there is a scan."""
        self._has_scan = has_scan
        self.show_idle("" if has_scan else "Open a scan to segment it.")

    def show_threshold(self, threshold: float) -> None:
        """Show the threshold."""
        set_silently(self.threshold, threshold)

    def show_running(self, text: str) -> None:
        """Show that work has begun, of which nothing more is known."""
        self.segment.setEnabled(False)
        self.cancel.setEnabled(True)
        self.bar.setVisible(True)
        self.bar.setRange(0, 1)  # Qt's moving bar would draw the whole window, scan included, many times a second.
        self.bar.setValue(0)
        self.state.setText(text)
        self.state.setVisible(True)

    def show_progress(self, done: int, total: int, seconds_left: float) -> None:
        """Show slices done, of all, and the time still to go."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        left = f", about {seconds_left:.0f} s left" if seconds_left >= 0 else ""
        self.state.setText(f"Slice {done} of {total}{left}")

    def show_idle(self, text: str) -> None:
        """Show that nothing is running, and how the last run ended."""
        self.segment.setEnabled(self._has_scan and self.model.count() > 0)
        self.cancel.setEnabled(False)
        self.bar.setVisible(False)
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def _on_segment(self) -> None:
        self.segment_requested.emit(self.model.currentData(), self.device.currentData())
