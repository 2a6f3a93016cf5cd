"""Exporting a mask in a child process, without the window waiting for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.review.exports import ANONYMOUS
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.export.segments import LESION
from napari_lesionseg.widgets.child_jobs import describe_scan
from napari_lesionseg.widgets.dicom_parcel import pack
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.export_child")
NOT_MASKS: Final = ("csv", "pdf")  # They are made of the scan too, and do not keep the mask.


@dataclass(frozen=True)
class ExportChoice:
    """How a mask should be exported: a key of ``review.exports.FORMATS``, a lesion type's name, a patient's alias."""

    format: str = "nifti"
    lesion: str = LESION.name
    pseudonym: str = ANONYMOUS

    @property
    def keeps_mask(self) -> bool:
        """Whether the mask can be read back from the file."""
        return self.format not in NOT_MASKS


class ExportWorker(QObject):
    """Saves one mask at a time."""

    saved = Signal()
    failed = Signal(str)
    """One sentence; nothing was saved."""

    def __init__(self, command: tuple[str, ...] = CHILD) -> None:
        super().__init__()
        self.runner = JobRunner(command, self)
        self.runner.done.connect(lambda _: self.saved.emit())
        self.runner.failed.connect(self.failed)

    @property
    def running(self) -> bool:
        """Whether a mask is being saved."""
        return self.runner.running

    def save(
        self,
        path: Path,
        mask: Mask,
        scan: Volume,
        choice: ExportChoice,
        model: str = "",
        lungs: Mask | None = None,
    ) -> None:
        """Save ``mask``, which must not change any more.

        ``model`` predicted it before it was corrected; ``lungs`` were checked by a person.
        """
        request = {
            **describe_scan(scan),
            "path": str(path),
            "format": choice.format,
            "lesion": choice.lesion,
            "pseudonym": choice.pseudonym,
            "model": model,
        }
        arrays: dict[str, npt.NDArray[Any]] = {"mask": mask.array}
        if scan.dicom is not None:
            arrays["dicom"] = pack(scan.dicom)
        if not choice.keeps_mask:
            arrays["scan"] = scan.geometry.to_stored(scan.array)
            if lungs is not None:
                arrays["lungs"] = lungs.array
        self.runner.submit(request, arrays)

    def close(self) -> None:
        """Stop, and end the child."""
        self.runner.close()
