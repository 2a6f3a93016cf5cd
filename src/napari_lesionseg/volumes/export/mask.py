"""The one door for masks out: which writer a format has, and what is refused before it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.export.segments import Segment, default_segments
from napari_lesionseg.volumes.volume import Mask, Volume

ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "nifti": (".nii.gz", ".nii"),
    "nrrd": (".seg.nrrd", ".nrrd"),
    "metaimage": (".mha",),
    "dicom-seg": (".dcm",),
    "rtstruct": (".dcm",),
}
"""The formats of masks, with the endings of their file names; the first format of an ending is what it means."""
_DICOM: Final = {"dicom-seg": "A DICOM SEG", "rtstruct": "An RTSTRUCT"}


def export_mask(
    path: str | Path,
    mask: Mask,
    scan: Volume | None = None,
    *,
    format: str | None = None,
    segments: Sequence[Segment] | None = None,
    pseudonym: str = "ANONYMOUS",
) -> None:
    """Write ``mask`` in one of the formats of ``ENDINGS``; it is read back and proved before it has its name.

    Parameters
    ----------
    path
        An existing file is replaced, unless the scan or the mask was read from it.
    scan
        What the mask was drawn on. The DICOM formats refer to its slices; all formats say if it went through lossy
        compression.
    format
        Left out, the ending tells; ``.dcm`` then means DICOM SEG.
    segments
        What the labels mean; left out, lesions.
    pseudonym
        What the DICOM formats call the patient.

    Raises
    ------
    LesionsegError
        If the format or ending is unknown, the mask lies on another grid than the scan, a DICOM format has no DICOM
        scan to refer to, an input would be overwritten, or the file cannot be written or does not read back equal.
        Nothing has been saved then.
    """
    path, kind = Path(path), check_format(path, format)
    refuse_other_grid(mask, scan)
    refuse_input(path, mask, scan)
    if kind in _DICOM:
        _write_dicom(path, mask, scan, kind, segments, pseudonym)
    elif kind == "nifti":
        nifti.write_mask(path, mask, lossy=scan is not None and scan.lossy)
    elif kind == "nrrd":
        from napari_lesionseg.volumes.export.nrrd import write_nrrd

        write_nrrd(path, mask, scan, segments)
    else:
        from napari_lesionseg.volumes.export.metaimage import write_metaimage

        write_metaimage(path, mask, scan)


def check_format(path: Path, format: str | None) -> str:
    """The format, told by the ending where ``format`` is None.

    Raises
    ------
    LesionsegError
        If there is no such format, or its files do not end so.
    """
    name = path.name.lower()
    if format is None:
        found = next((kind for kind, endings in ENDINGS.items() if name.endswith(endings)), None)
        if found is None:
            endings = dict.fromkeys(ending for known in ENDINGS.values() for ending in known)
            raise LesionsegError(f"{path} has an ending of no mask format; choose one of {', '.join(endings)}.")
        return found
    if format not in ENDINGS:
        raise LesionsegError(f"There is no mask format {format!r}; choose one of {', '.join(ENDINGS)}.")
    if not name.endswith(ENDINGS[format]):
        raise LesionsegError(f"{path} does not end in {' or '.join(ENDINGS[format])}; choose such a name.")
    return format


def refuse_other_grid(mask: Mask, scan: Volume | None) -> None:
    """Raise one sentence if ``mask`` does not lie on the grid of ``scan``."""
    if scan is not None and not mask.geometry.same_grid(scan.geometry):
        raise LesionsegError(
            f"The mask lies on another grid (shape {mask.geometry.shape}) than the scan (shape {scan.geometry.shape}); "
            "export the mask that was drawn on this scan."
        )


def refuse_input(path: Path, *inputs: Mask | Volume | None) -> None:
    """Raise one sentence if ``path`` is a file that one of ``inputs`` was read from, or lies among its slices."""
    for source in (volume.source for volume in inputs if volume is not None):
        if source is None:
            continue
        if _same_file(path, source) or (path.exists() and source.is_dir() and _inside(path, source)):
            raise LesionsegError(f"{path} was opened here, and inputs are never overwritten; choose another name.")
    slices = [volume.source for volume in inputs if isinstance(volume, Volume) and volume.dicom and volume.source]
    if path.exists() and any(_same_file(path.parent, source.parent) for source in slices):
        raise LesionsegError(f"{path} lies beside the slices of the scan and exists already; choose another name.")


def _write_dicom(
    path: Path, mask: Mask, scan: Volume | None, kind: str, segments: Sequence[Segment] | None, pseudonym: str
) -> None:
    if scan is None or scan.dicom is None:
        raise LesionsegError(
            f"{_DICOM[kind]} refers to the slices of a DICOM series, and this scan was not read from one; "
            "open the DICOM series, or choose NIfTI or NRRD."
        )
    described = default_segments(mask) if segments is None else segments
    if kind == "dicom-seg":
        from napari_lesionseg.volumes.export.dicom_seg import write_dicom_seg

        write_dicom_seg(path, mask, scan, described, pseudonym=pseudonym)
    else:
        from napari_lesionseg.volumes.export.rtstruct import write_rtstruct

        write_rtstruct(path, mask, scan, described, pseudonym=pseudonym)


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # One of them does not exist.
        return os.path.abspath(one) == os.path.abspath(other)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
