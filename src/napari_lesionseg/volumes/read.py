"""The one door for scans and masks of every format: the content of a file decides who reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from pydicom.tag import BaseTag

Kind = Literal["nifti", "itk", "dicom"]
Progress = Callable[[int, int], None]
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "NIfTI": (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz"),
    "NRRD": (".nrrd", ".nhdr"),
    "MetaImage": (".mha", ".mhd"),
    "DICOM": (".dcm", ".dicom", ".ima", ".zip"),
}
"""What can be opened, with the usual endings; a DICOM file, a DICOMDIR and a folder need none."""
_ROOMS: Final[dict[str, Kind]] = {"NIfTI": "nifti", "NRRD": "itk", "MetaImage": "itk", "DICOM": "dicom"}
_NIFTI_STARTS = tuple(n.to_bytes(4, order) for n in (348, 540) for order in ("little", "big"))
_MASK_CLASSES = {"SEG": "segmentation", "RTSTRUCT": "structure set"}
_DIRECTORY, _CLASS, _MODALITY = 0x00041220, 0x00080016, 0x00080060  # DirectoryRecordSequence, SOP class, modality
_FIRST_BYTES = 1 << 16  # Where these tags are: elements are sorted.
_LOOKED_AT = 50  # Files of a folder that are tried before it is said to hold no DICOM.


def read_scan(
    path: str | Path, *, series: str | None = None, geometry: str | None = None, progress: Progress | None = None
) -> Volume:
    """Read a scan from a file or a DICOM folder.

    Parameters
    ----------
    series
        Which DICOM series, where there are several: its UID, or its number in the list (from 1).
    geometry
        The answer to a ``GeometryQuestion``, for example ``"sform"`` or ``"resample"``.
    progress
        Called with the DICOM slices read so far, and all.

    Raises
    ------
    GeometryQuestion
        If the file can be placed in space in more than one way.
    LesionsegError
        If it cannot be read, is no format known here, or holds a mask.
    """
    path = Path(path)
    kind = _kind(path)
    if kind == "dicom":
        _refuse_mask_as_scan(path)
        from napari_lesionseg.volumes.dicom.read import read_series

        return read_series(path, series, geometry=geometry, progress=progress)
    if series is not None:
        raise LesionsegError(f"{path} is no DICOM, only that has series to choose from; leave --series out.")
    if kind == "itk":
        from napari_lesionseg.volumes.itk_formats import read_scan as read_itk_scan

        return read_itk_scan(path, geometry=geometry)
    from napari_lesionseg.volumes import nifti  # nibabel brings pydicom: not for a glance at what a file may be.

    return nifti.read_scan(path, geometry=geometry)


def read_mask(
    path: str | Path,
    like: Volume | Geometry | None = None,
    *,
    geometry: str | None = None,
    only: Collection[str] = (),
) -> Mask:
    """Read a mask, and check that it lies on the grid of ``like``.

    Parameters
    ----------
    like
        The scan that the mask belongs to, or its grid. DICOM masks are matched to the slices of a scan by their
        references and geometry.
    geometry
        The answer to a ``GeometryQuestion``.
    only
        The answer to a ``SegmentQuestion``: names of the regions of a DICOM mask to read; by default all.

    Raises
    ------
    GeometryQuestion
        If the file can be placed in space in more than one way.
    SegmentQuestion
        If regions of a DICOM mask overlap.
    LesionsegError
        If it cannot be read, is no mask, or lies on another grid.
    """
    path = Path(path)
    kind = _kind(path)
    grid = like.geometry if isinstance(like, Volume) else like
    if kind == "dicom":
        return _read_dicom_mask(path, like, only)
    if only:
        raise LesionsegError(f"{path} is no DICOM mask, only that has regions with names; leave --segment out.")
    if kind == "itk":
        from napari_lesionseg.volumes.itk_formats import read_mask as read_itk_mask

        return read_itk_mask(path, grid, geometry=geometry)
    from napari_lesionseg.volumes import nifti

    return nifti.read_mask(path, grid, geometry=geometry)


def is_scan_path(path: str | Path) -> bool:
    """Whether ``path`` looks like something to open: by its ending, its first bytes, or what a folder holds."""
    path = Path(path)
    if _by_ending(path) is not None or path.name.upper() == "DICOMDIR":
        return True
    if path.is_dir():
        files = (Path(folder, name) for folder, _, names in os.walk(path) for name in sorted(names))
        return any("dicom" in (_by_ending(file), _by_content(file)) for file in islice(files, _LOOKED_AT))
    return _by_content(path) is not None


def is_mask_path(path: str | Path) -> bool:
    """Whether ``path`` is a DICOM SEG or RTSTRUCT, which is read on the grid of its scan."""
    path = Path(path)
    return path.is_file() and _kind(path) == "dicom" and _modality_of_file(path) in _MASK_CLASSES


def _kind(path: Path) -> Kind:
    if path.is_dir() or path.name.upper() == "DICOMDIR":
        return "dicom"
    kind = _by_content(path) or _by_ending(path)
    if kind is None and path.is_file():
        kind = "dicom" if _dicom_modality(path) is not None else None
    if kind is None:
        if not path.is_file():
            raise LesionsegError(f"{path} does not exist or is not a file; check the name.")
        raise LesionsegError(f"{path} is not NIfTI, NRRD, MetaImage or DICOM; convert it to .nii.gz.")
    return kind


def _by_ending(path: Path) -> Kind | None:
    name = path.name.lower()
    return next((_ROOMS[title] for title, endings in FORMATS.items() if name.endswith(endings)), None)


def _by_content(path: Path) -> Kind | None:
    """What the first bytes say; None where they say nothing."""
    try:
        with open(path, "rb") as file:
            start = file.read(348)
    except OSError:
        return None
    if start[128:132] == b"DICM" or start[:4] == b"PK\x03\x04":
        return "dicom"
    if start[:7] == b"NRRD000":
        return "itk"
    if start[:4] in _NIFTI_STARTS:
        return "nifti"
    return None


def _dicom_modality(path: Path) -> str | None:
    """The modality of a DICOM file, also one without preamble; ``""`` if it names none, None if it is no DICOM."""
    from pydicom.filereader import read_partial

    from napari_lesionseg.volumes.dicom.inflate import DEFLATED, inflates_too_far

    wanted: list[BaseTag | int] = [_DIRECTORY, _CLASS, _MODALITY]
    try:
        with open(path, "rb") as file:
            start = file.read(_FIRST_BYTES)  # pydicom goes through a file of zeros to its end, which may be far.
            if DEFLATED in start and not inflates_too_far(path):
                start += file.read()  # In one piece or not at all.
        header = read_partial(BytesIO(start), lambda tag, *_: tag > _MODALITY, force=True, specific_tags=wanted)
    except Exception:  # Made to read anything, pydicom may stumble over anything: then it is no DICOM.
        return None
    if "SOPClassUID" not in header and not header.get("file_meta"):
        return None
    return str(header.get("Modality", ""))


def _refuse_mask_as_scan(path: Path) -> None:
    if path.is_file() and (what := _MASK_CLASSES.get(_modality_of_file(path))):
        raise LesionsegError(f"{path} is a DICOM {what}, not a scan; open the scan first, then this as its mask.")


def _modality_of_file(path: Path) -> str:
    if path.name.upper() == "DICOMDIR" or path.suffix.lower() == ".zip":
        return ""
    return _dicom_modality(path) or ""


def _read_dicom_mask(path: Path, like: Volume | Geometry | None, only: Collection[str]) -> Mask:
    if not path.is_file():
        raise LesionsegError(f"{path} is a folder, not a mask; choose the DICOM SEG or RTSTRUCT file in it.")
    modality = _modality_of_file(path)
    if modality == "SEG":
        from napari_lesionseg.volumes.dicom.seg import read_dicom_seg

        return read_dicom_seg(path, like, only=only)
    if modality == "RTSTRUCT":
        from napari_lesionseg.volumes.dicom.rtstruct import read_rtstruct

        return read_rtstruct(path, like, only=only)
    raise LesionsegError(
        f"{path} is not a mask (DICOM {modality or 'of no known kind'}); choose a SEG or RTSTRUCT file."
    )
