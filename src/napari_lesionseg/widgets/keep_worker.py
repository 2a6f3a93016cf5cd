"""Keeping a correction in a study, without the window waiting for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.child_jobs import describe_scan
from napari_lesionseg.widgets.dicom_parcel import pack
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.keep_child")


class KeepWorker(QObject):
    """Puts a corrected scan into a study (see ``keep_correction``), in a child process."""

    kept = Signal(str)
    """The id of its case in the study."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = JobRunner(CHILD, self)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)

    @property
    def running(self) -> bool:
        """Whether a correction is being kept."""
        return self._runner.running

    def keep(self, study: Path, scan: Volume, mask: Mask, corrected: Iterable[int], model: str) -> None:
        """Put ``mask`` as it is now into ``study``."""
        request = {**describe_scan(scan), "study": str(study), "corrected": sorted(corrected), "model": model}
        arrays: dict[str, npt.NDArray[Any]] = {
            "scan": scan.geometry.to_stored(scan.array),
            "mask": mask.array.copy(),
        }
        if scan.dicom is not None:
            arrays["dicom"] = pack(scan.dicom)
        self._runner.submit(request, arrays)

    def close(self) -> None:
        """Stop, and end the child."""
        self._runner.close()

    def _on_done(self, told: dict[str, str]) -> None:
        self._runner.close()
        self.kept.emit(told["case"])

    def _on_failed(self, sentence: str) -> None:
        self._runner.close()
        self.failed.emit(sentence)
