"""Opening files: scan, truth, and a mask to go on from."""

from __future__ import annotations

from qtpy.QtCore import Signal, SignalInstance
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.layer_styles import scan_name
from napari_lesionseg.widgets.parts import button, column, note, row

FILTER = "NIfTI (*.nii *.nii.gz)"


class OpenPanel(QWidget):
    """Three buttons, and what is open."""

    scan_requested = Signal(str)
    truth_requested = Signal(str)
    mask_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.folder = ""  # Where file dialogs start.
        scan = button("open_scan", "Open scan…", "Open a CT scan (NIfTI, .nii or .nii.gz); or drop one on the canvas")
        self._truth = button("load_truth", "Load truth…", "Load the ground truth to compare with, drawn on this scan")
        self._mask = button("load_mask", "Load mask…", "Load a mask drawn earlier, and go on correcting it")
        self._info = note("scan_info")
        column(self, row(scan, self._truth, self._mask), self._info)
        scan.clicked.connect(lambda: self._ask("Open scan", self.scan_requested))
        self._truth.clicked.connect(lambda: self._ask("Load truth", self.truth_requested))
        self._mask.clicked.connect(lambda: self._ask("Load mask", self.mask_requested))
        self.show_scan(None)

    def show_scan(self, scan: Volume | None) -> None:
        """Say which scan is open, None for no scan."""
        self._truth.setEnabled(scan is not None)
        self._mask.setEnabled(scan is not None)
        if scan is None:
            self._info.setText("No scan is open.")
            return
        z, y, x = scan.array.shape
        size = " × ".join(f"{side:.3g}" for side in scan.geometry.spacing)
        kind = "HU" if scan.intensity == "HU" else "grey levels"
        self._info.setText(f"<b>{scan_name(scan)}</b><br>{z} slices of {y} × {x} · {size} mm · {kind}")
        self._info.setToolTip("\n".join([str(scan.source or "generated"), *scan.warnings]))

    def _ask(self, title: str, requested: SignalInstance) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, self.folder, FILTER)
        if path:
            requested.emit(path)
