"""The header of a NIfTI file, checked before a voxel is touched."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.streams import MOST_BESIDE, Stream
from napari_lesionseg.volumes.volume import LOSSY_NOTE
from napari_lesionseg.volumes.voxels import Layout

HEADER_ERRORS = (HeaderDataError, WrapStructError, ImageFileError, ValueError, KeyError, TypeError, OverflowError)
FIRST, SECOND = 348, 540  # Bytes of the header in NIfTI-1 and NIfTI-2.

# nibabel tells each header it repairs on stderr; our caller says in one sentence what a user has to know.
_quiet = logging.Logger("napari_lesionseg.nifti")
_quiet.addHandler(logging.NullHandler())


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """A header that is sound but for its place in space.

    Parameters
    ----------
    raw
        Its bytes, 348 or 540.
    nifti
        What nibabel makes of them, with its repairs.
    layout
        How the voxels lie.
    skip
        Bytes between the header's end (of a pair: the start of the ``.img``) and the first voxel.
    """

    raw: bytes
    nifti: Any
    layout: Layout
    skip: int

    @property
    def version(self) -> int:
        """1 or 2."""
        return 2 if len(self.raw) == SECOND else 1

    @property
    def lossy(self) -> bool:
        """Whether we wrote it from a scan that went through lossy compression."""
        return bool(self.nifti["descrip"].item() == LOSSY_NOTE.encode())

    @property
    def unrepaired(self) -> Any:
        """The fields exactly as stored."""
        return type(self.nifti)(self.raw, check=False)


def read_header(path: Path, stream: Stream, *, pair: bool = False) -> NiftiHeader:
    """Read the header at the start of ``stream``.

    Parameters
    ----------
    path
        The file's name, for the sentence.
    pair
        Whether this is the ``.hdr`` of a pair; the voxels then lie in another file.

    Raises
    ------
    LesionsegError
        If this is no NIfTI-1 or NIfTI-2 header (nifti1.h, nifti2.h) of one 3-D volume of real numbers.
    """
    raw, nifti = _parse(path, stream, pair)
    shape = _shape(path, nifti)
    dtype = nifti.get_data_dtype()
    if dtype.kind not in "iuf":
        what = nib.nifti1.data_type_codes.label[int(nifti["datatype"])]  # "RGB", "complex64" …
        raise LesionsegError(f"{path} holds {what} voxels, not single numbers; export a grey-level CT scan.")
    try:
        slope, intercept = nifti.get_slope_inter()
    except HEADER_ERRORS as error:
        raise LesionsegError(f"{path} has a slope or intercept that is not a number; export it again.") from error
    skip = float(nifti["vox_offset"]) - (0 if pair else len(raw))
    if not 0 <= skip <= MOST_BESIDE:  # Not so for NaN either.
        raise not_nifti(path)
    layout = Layout(shape, dtype, 1.0 if slope is None else float(slope), 0.0 if slope is None else float(intercept))
    return NiftiHeader(raw, nifti, layout, int(skip))


def _parse(path: Path, stream: Stream, pair: bool) -> tuple[bytes, Any]:
    raw = stream.read(FIRST)
    if len(raw) < FIRST:
        raise not_nifti(path)
    if np.frombuffer(raw[:4], "<i4")[0] in (SECOND, np.int32(SECOND).byteswap()):
        raw += stream.read(SECOND - FIRST)
    if pair and len(raw) == FIRST and raw[344:346] not in (b"ni", b"n+"):
        raise LesionsegError(
            f"{path} is an Analyze header, which does not say where left is; convert the scan's DICOM to .nii.gz."
        )
    kind: Any = nib.Nifti2Header if len(raw) > FIRST else nib.Nifti1Header
    try:
        nifti = kind(raw, check=False)
        nifti.check_fix(logger=_quiet)
    except HEADER_ERRORS as error:
        raise not_nifti(path) from error
    magic = nifti["magic"].item()
    if magic != (nifti.pair_magic if pair else nifti.single_magic):
        raise not_nifti(path)
    return raw, nifti


def _shape(path: Path, nifti: Any) -> tuple[int, int, int]:
    try:
        shape: tuple[int, ...] = nifti.get_data_shape()
    except HEADER_ERRORS as error:
        raise not_nifti(path) from error
    if len(shape) > 3 and set(shape[3:]) == {1}:
        shape = shape[:3]
    if len(shape) != 3:
        raise LesionsegError(f"{path} has {len(shape)} dimensions, a scan needs three; export one volume.")
    if min(shape) < 1:
        raise LesionsegError(f"{path} is empty (shape {shape}); export the scan again.")
    i, j, k = (int(n) for n in shape)
    return (i, j, k)


def not_nifti(path: Path) -> LesionsegError:
    """The refusal of a file that is no NIfTI at all."""
    return LesionsegError(f"{path} is not a NIfTI file; convert the scan to .nii or .nii.gz.")
