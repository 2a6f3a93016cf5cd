"""Saving the mask on the scan's own grid."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lesionseg.widgets.open_panel import FILTER
from napari_lesionseg.widgets.parts import button, column, note, row


class ExportPanel(QWidget):
    """Says where the mask should be saved; shows what was saved."""

    export_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.proposal = Path("mask.nii.gz")
        self.export = button("export", "Export mask…", "Save the mask as NIfTI, on the scan's own grid (Shift-X)")
        self.state = note("export_state")
        column(self, row(self.export), self.state)
        self.export.clicked.connect(self._on_export)
        self.show_has_scan(False)

    def show_has_scan(self, has_scan: bool) -> None:
        """Offer to export if there is a scan."""
        self.export.setEnabled(has_scan)
        self.state.setText("")
        self.state.setVisible(False)

    def show_state(self, text: str, tip: str = "") -> None:
        """Show what was saved, or that something is to be saved."""
        self.state.setText(text)
        self.state.setToolTip(tip)
        self.state.setVisible(bool(text))

    def _on_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export mask", str(self.proposal), FILTER)
        if path:
            self.export_requested.emit(path if path.endswith((".nii", ".nii.gz")) else f"{path}.nii.gz")
