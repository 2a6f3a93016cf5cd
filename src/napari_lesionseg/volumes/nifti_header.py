"""The header of a NIfTI file, checked before a voxel is touched."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import IO

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from napari_lesionseg.errors import LesionsegError

HEADER_ERRORS = (HeaderDataError, WrapStructError, ImageFileError, ValueError, KeyError, TypeError, OverflowError)
FIRST, SECOND = 348, 540  # Bytes of the header in NIfTI-1 and NIfTI-2.

# nibabel tells each header it repairs on stderr; our caller says in one sentence what a user has to know.
_quiet = logging.Logger("napari_lesionseg.nifti")
_quiet.addHandler(logging.NullHandler())


def read_header(path: Path, file: IO[bytes], most: int) -> nib.Nifti1Header:
    """Read the header at the start of ``file``, and leave the file at its first voxel.

    Parameters
    ----------
    path
        The file's name, for the sentence.
    most
        Bytes that ``file`` can hold at the very most; a header that declares more is lying.

    Raises
    ------
    LesionsegError
        If this is no single-file NIfTI-1 or NIfTI-2 header of one 3-D volume of real numbers.
    """
    header = _parse(path, file)
    shape = _shape(path, header)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise LesionsegError(f"{path} holds {dtype} voxels, not single numbers; export a grey-level CT scan.")
    wanted = math.prod(shape) * dtype.itemsize  # Whole numbers of any size: a product in int64 can wrap around.
    if wanted > most:
        raise LesionsegError(f"{path} is truncated: its header declares {wanted} bytes of voxels; copy it again.")
    skip = float(header["vox_offset"]) - header.sizeof_hdr
    if not 0 <= skip <= most:  # Not so for NaN either.
        raise _not_nifti(path)
    _skip(file, int(skip))
    return header


def _parse(path: Path, file: IO[bytes]) -> nib.Nifti1Header:
    start = file.read(FIRST)
    if len(start) < FIRST:
        raise _not_nifti(path)
    second = np.frombuffer(start[:4], "<i4")[0] in (SECOND, np.int32(SECOND).byteswap())
    try:
        header: nib.Nifti1Header
        if second:
            header = nib.Nifti2Header(start + file.read(SECOND - FIRST), check=False)
        else:
            header = nib.Nifti1Header(start, check=False)
        header.check_fix(logger=_quiet)
    except HEADER_ERRORS as error:
        raise _not_nifti(path) from error
    if header["magic"].item() != header.single_magic:
        raise _not_nifti(path)
    return header


def _shape(path: Path, header: nib.Nifti1Header) -> tuple[int, ...]:
    try:
        shape: tuple[int, ...] = header.get_data_shape()
    except HEADER_ERRORS as error:
        raise _not_nifti(path) from error
    if len(shape) > 3 and set(shape[3:]) == {1}:
        shape = shape[:3]
    if len(shape) != 3:
        raise LesionsegError(f"{path} has {len(shape)} dimensions, a scan needs three; export one volume.")
    if min(shape) < 1:
        raise LesionsegError(f"{path} is empty (shape {shape}); export the scan again.")
    return tuple(int(n) for n in shape)


def _skip(file: IO[bytes], count: int) -> None:
    """Read on past extensions; a lying offset costs no memory."""
    while count > 0 and (piece := file.read(min(count, 1 << 20))):
        count -= len(piece)


def _not_nifti(path: Path) -> LesionsegError:
    return LesionsegError(f"{path} is not a NIfTI file; convert the scan to .nii or .nii.gz.")
