"""Opening files: scan, truth, and a mask to go on from."""

from __future__ import annotations

from qtpy.QtCore import Signal, SignalInstance
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.layer_styles import scan_name
from napari_lesionseg.widgets.parts import amber_note, button, column, note, row

FILTER = (
    "Scans and masks (*.nii *.nii.gz *.hdr *.img *.nrrd *.nhdr *.mha *.mhd *.dcm *.dicom *.ima *.zip DICOMDIR)"
    ";;All files (*)"
)
NOTES = 2  # So many warnings of a scan are shown in full; the tool tip has all of them.


class OpenPanel(QWidget):
    """Buttons to open files, what is being read, and what is open."""

    scan_requested = Signal(str)
    truth_requested = Signal(str)
    mask_requested = Signal(str)
    study_requested = Signal(str)
    """The folder of a study."""
    stop_requested = Signal()
    choosing = Signal()
    """The user is choosing a file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = ""  # Where file dialogs start.
        scan = button("open_scan", "Open scan…", "Open a CT scan: NIfTI, NRRD, MHA, a DICOM file, a zip of a series")
        folder = button("open_folder", "Open folder…", "Open a folder of DICOM files; or drop it on the canvas")
        study = button("open_study", "Open study…", "Open the folder of a study, to go through its cases")
        self._truth = button("load_truth", "Load truth…", "Load the ground truth to compare with, drawn on this scan")
        self._mask = button("load_mask", "Load mask…", "Load a mask drawn earlier, and go on correcting it")
        self._state = note("reading")
        self._stop = button("stop_reading", "Stop", "Stop reading this file")
        self._info, self._notes = note("scan_info"), amber_note("scan_notes")
        column(
            self,
            row(scan, folder, study),
            row(self._truth, self._mask),
            row(self._state, self._stop),
            self._info,
            self._notes,
        )
        scan.clicked.connect(lambda: self._ask("Open scan", self.scan_requested))
        folder.clicked.connect(self._ask_folder)
        study.clicked.connect(self._ask_study)
        self._truth.clicked.connect(lambda: self._ask("Load truth", self.truth_requested))
        self._mask.clicked.connect(lambda: self._ask("Load mask", self.mask_requested))
        self._stop.clicked.connect(self.stop_requested)
        self.show_reading("")
        self.show_scan(None)

    def show_reading(self, name: str) -> None:
        """Say what is being read, ``""`` for nothing."""
        self._state.setText(f"Reading {name}…")
        self._state.setMinimumWidth(1)  # A long name must not widen the dock.
        self._state.setVisible(bool(name))
        self._stop.setVisible(bool(name))

    def show_progress(self, done: int, total: int) -> None:
        """Say how much of it is read."""
        self._state.setText(f"Reading slice {done} of {total}…")

    def show_scan(self, scan: Volume | None) -> None:
        """Say which scan is open and what to know about it, None for no scan."""
        self._truth.setEnabled(scan is not None)
        self._mask.setEnabled(scan is not None)
        warnings = () if scan is None else scan.warnings
        more = f"\n… and {len(warnings) - NOTES} more (see the tool tip)" if len(warnings) > NOTES else ""
        self._notes.setText("\n".join(warnings[:NOTES]) + more)
        self._notes.setToolTip("\n".join(warnings))
        self._notes.setVisible(bool(warnings))
        if scan is None:
            self._info.setText("No scan is open.")
            self._info.setToolTip("")
            return
        z, y, x = scan.array.shape
        size = " × ".join(f"{side:.3g}" for side in scan.geometry.spacing)
        kind = "HU" if scan.intensity == "HU" else "grey levels"
        lossy = " · lossy" if scan.lossy else ""
        self._info.setText(f"<b>{scan_name(scan)}</b><br>{z} slices of {y} × {x} · {size} mm · {kind}{lossy}")
        self._info.setToolTip(str(scan.source or "generated"))

    def _ask(self, title: str, requested: SignalInstance) -> None:
        self.choosing.emit()
        path, _ = QFileDialog.getOpenFileName(self, title, self.folder, FILTER)
        if path:
            requested.emit(path)

    def _ask_folder(self) -> None:
        self.choosing.emit()
        path = QFileDialog.getExistingDirectory(self, "Open a folder of DICOM files", self.folder)
        if path:
            self.scan_requested.emit(path)

    def _ask_study(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open the folder of a study", self.folder)
        if path:
            self.study_requested.emit(path)
