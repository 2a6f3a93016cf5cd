"""Looking for the lungs of one scan in a child process, or reading them from a file there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.child_jobs import describe_scan
from napari_lesionseg.widgets.dicom_parcel import pack
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.lungs_child")


class LungsWorker(QObject):
    """Gives the lungs of one scan at a time; another request takes the place of the one under way."""

    found = Signal(object, object)
    """The scan, and its lungs (a ``Mask``: 1 in the lungs)."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self, command: tuple[str, ...] = CHILD) -> None:
        super().__init__()
        self.runner = JobRunner(command, self)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self._scan: Volume | None = None  # The scan under way; None when idle.

    @property
    def running(self) -> bool:
        """Whether lungs are being looked for."""
        return self._scan is not None

    def start(self, scan: Volume, path: Path | None = None) -> None:
        """Look for the lungs of ``scan``, or read them from the mask in ``path``."""
        self.cancel()
        self._scan = scan
        out = self.runner.folder / "lungs.npy"
        request = {**describe_scan(scan), "path": None if path is None else str(path), "out": str(out)}
        arrays = {} if path is not None else {"scan": scan.geometry.to_stored(scan.array)}
        if path is not None and scan.dicom is not None:
            arrays["dicom"] = pack(scan.dicom)  # A mask that refers to the scan's slices is placed by them.
        self.runner.submit(request, arrays)

    def cancel(self) -> None:
        """Stop at once; does nothing when idle."""
        if self.running:
            self._scan = None
            self.runner.cancel()

    def close(self) -> None:
        """Stop, and end the child."""
        self._scan = None
        self.runner.close()

    def _on_done(self, told: dict[str, Any]) -> None:
        scan = self._scan

        def load() -> Mask | None:
            return None if scan is None else Mask(np.load(told["out"], allow_pickle=False), scan.geometry)

        def loaded(lungs: Mask | None) -> None:
            if lungs is not None and self._scan is scan:  # Not cancelled meanwhile.
                self._scan = None
                self.found.emit(scan, lungs)

        run_in_background(load, loaded, lambda error: self._on_failed(str(error)))

    def _on_failed(self, sentence: str) -> None:
        if self.running:
            self._scan = None
            self.failed.emit(sentence)
