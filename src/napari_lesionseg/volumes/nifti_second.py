"""The second reader of a NIfTI header: SimpleITK, or our own lines where it cannot read."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from napari_lesionseg.volumes.gate import Affine, itk_affine
from napari_lesionseg.volumes.nifti_header import NiftiHeader

_TEXTS: tuple[str, ...] = ("data_type", "db_name", "descrip", "aux_file", "intent_name", "regular")
_NUMBERS: tuple[str, ...] = (
    "extents",
    "session_error",
    "dim_info",
    "intent_code",
    "slice_code",
    "slice_start",
    "slice_end",
    "slice_duration",
)
_NUMBERS += (
    "toffset",
    "cal_max",
    "cal_min",
    "glmax",
    "glmin",
    "intent_p1",
    "intent_p2",
    "intent_p3",
    "scl_slope",
    "scl_inter",
)
_OF_FORM = {
    "sform_code": ("srow_x", "srow_y", "srow_z"),
    "qform_code": ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
}


def second_affine(header: NiftiHeader) -> tuple[str, Affine | None]:
    """The second reader's name and the RAS affine (mm) it computes; None if it refuses to."""
    if header.version == 1:
        return "SimpleITK", itk_affine(_harmless(header), ".nii", "NiftiImageIO")
    return "the standard", _by_the_standard(header.raw)  # SimpleITK reads NIfTI-1 only.


def _harmless(header: NiftiHeader) -> bytes:
    """The header as stored, with its words about space, but of one small volume of bytes and without any text."""
    fields: Any = header.unrepaired
    for name in _TEXTS + _NUMBERS:
        fields[name] = b"" if name in _TEXTS else 0
    fields["sizeof_hdr"], fields["magic"], fields["vox_offset"] = 348, b"n+1", 352
    fields["datatype"], fields["bitpix"] = 2, 8
    fields["dim"] = [3, *header.layout.shape, 1, 1, 1, 1]
    fields["pixdim"][4:] = 1
    for code, names in _OF_FORM.items():
        for name in names if int(fields[code]) == 0 else ():
            fields[name] = 0
    return bytes(fields.binaryblock) + bytes(4)


def _by_the_standard(raw: bytes) -> Affine:
    """The affine of a NIfTI-2 header, by the offsets and methods 2 and 3 of nifti2.h; no line of nibabel is used."""
    order = "<" if struct.unpack_from("<i", raw)[0] == 540 else ">"
    qform_code, sform_code = struct.unpack_from(f"{order}2i", raw, 344)
    affine = np.eye(4)
    if sform_code > 0:
        affine[:3] = np.array(struct.unpack_from(f"{order}12d", raw, 400)).reshape(3, 4)
        return affine
    qfac, *sides = struct.unpack_from(f"{order}4d", raw, 104)
    b, c, d, *offset = struct.unpack_from(f"{order}6d", raw, 352)
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    axis = np.array([b, c, d])
    for column, unit in enumerate(np.eye(3)):  # v + 2 q × (q × v + a v) turns v by the quaternion (a, q).
        turned = unit + 2 * np.cross(axis, np.cross(axis, unit) + a * unit)
        affine[:3, column] = turned * sides[column] * (-1 if column == 2 and qfac < 0 else 1)
    affine[:3, 3] = offset
    return affine
