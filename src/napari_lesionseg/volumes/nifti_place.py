"""Where a NIfTI header says that a scan lies, and whether it says so in one way only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.gate import (
    AGREE_MM,
    MOST_SHEAR,
    Affine,
    Choice,
    Claim,
    Shape,
    apart_mm,
    settle,
    shear,
    usable,
)
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.nifti_header import HEADER_ERRORS, NiftiHeader
from napari_lesionseg.volumes.nifti_second import second_affine

_UNITS = {1: ("m", 1000.0, "metres"), 3: ("um", 0.001, "micrometres")}
_LAS = "no position is stored: axes to left, front and head, the scan's centre at 0"
_LPS = "no position is stored: axes to left, back and head, the first voxel at 0"
_SQUARE_ERROR = 2.0**-23  # Of 1 − b² − c² − d², from which the quaternion's fourth number is a root.


def place(
    path: Path, header: NiftiHeader, answer: str | None, like: Geometry | None
) -> tuple[Geometry, tuple[str, ...]]:
    """The grid of a file, and what a user should know about it; see ``gate.settle``.

    Parameters
    ----------
    answer
        What a person chose: ``"sform"``, ``"qform"``, ``"pixdim"``, ``"las"``, ``"lps"``, and where the unit is in
        question ``"mm"``, ``"m"`` or ``"um"``, after a hyphen if both are.
    """
    forms = _forms(header)
    first = _first_reader(path, header)
    problems, choices = tuple(_problems(header, forms)), _choices(header, forms)
    claim = Claim(header.layout.shape, first, problems, choices, stored=bool(forms))
    return settle(path, claim, lambda: second_affine(header), answer, like)


def _first_reader(path: Path, header: NiftiHeader) -> Affine:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(header.nifti.get_best_affine(), dtype=np.float64)
    except HEADER_ERRORS as error:
        raise LesionsegError(
            f"{path} has no usable position in space (its rotation is no rotation); export it again."
        ) from error


def _forms(header: NiftiHeader) -> dict[str, Affine]:
    """The affines that the header's codes declare, in the header's own unit."""
    forms, fields = {}, header.unrepaired
    if int(fields["sform_code"]) > 0:
        forms["sform"] = np.asarray(header.nifti.get_sform(), dtype=np.float64)
    if int(fields["qform_code"]) > 0:
        try:
            forms["qform"] = np.asarray(header.nifti.get_qform(), dtype=np.float64)
        except HEADER_ERRORS:
            forms["qform"] = np.full((4, 4), np.nan)
    return forms


def _problems(header: NiftiHeader, forms: dict[str, Affine]) -> list[str]:
    """What a person has to decide, in words."""
    fields, shape, told = header.unrepaired, header.layout.shape, []
    unit = int(fields["xyzt_units"]) & 7
    if unit in _UNITS:
        told.append(f"its unit is {_UNITS[unit][2]}, not millimetres")
    elif unit not in (0, 2):
        told.append(f"its unit of length (code {unit}) does not exist")
    if not forms:
        told.append("neither its sform nor its qform has a code, so nothing says where left is")
    told += [
        f"the code of its {name} ({code}) does not exist"
        for name in ("sform", "qform")
        if not 0 <= (code := int(fields[f"{name}_code"])) <= 5
    ]
    bad = [name for name, affine in forms.items() if not usable(shape, affine)]
    told += [f"its {name} gives no usable position in space" for name in bad]
    if "sform" not in forms or bad:
        return told
    if "qform" in forms and (apart := apart_mm(shape, forms["sform"], forms["qform"])) > _rounding(header, shape):
        told.append(f"its qform and sform lie {apart:.3g} mm apart")
    if (apart := apart_mm(shape, forms["sform"], _with_pixdim(header, forms["sform"]))) > AGREE_MM:
        told.append(f"the voxel sizes of its sform and its pixdim differ, by {apart:.3g} mm over the scan")
    if (slant := shear(forms["sform"])) > MOST_SHEAR:
        told.append(f"its sform is sheared (two axes are {90 - np.degrees(np.arcsin(min(slant, 1))):.3g}° apart)")
    return told


def _choices(header: NiftiHeader, forms: dict[str, Affine]) -> dict[str, Choice]:
    """Every place the header may mean, by form and by unit; each unit is named only where it is in question."""
    fields, places = header.unrepaired, {}
    for name, affine in forms.items():
        places[name] = (affine, f"its {name}, code {int(fields[f'{name}_code'])}")
    if (
        "sform" in forms
        and apart_mm(header.layout.shape, forms["sform"], sized := _with_pixdim(header, forms["sform"])) > AGREE_MM
    ):
        places["pixdim"] = (sized, "the directions of its sform, the voxel sizes of its pixdim")
    if not forms:
        places = {"las": (header.nifti.get_base_affine(), _LAS), "lps": (_lps(header), _LPS)}
    places = {name: place for name, place in places.items() if usable(header.layout.shape, place[0])}
    unit = int(fields["xyzt_units"]) & 7
    if unit in (0, 2):
        return {name: Choice(affine, meaning) for name, (affine, meaning) in places.items()}
    choices = {}
    for name, (affine, meaning) in places.items():
        start = f"{name}-" if len(places) > 1 else ""
        choices[f"{start}mm"] = Choice(affine, f"{meaning}, numbers taken as millimetres")
        if unit in _UNITS:
            short, factor, long = _UNITS[unit]
            choices[f"{start}{short}"] = Choice(np.diag([factor] * 3 + [1.0]) @ affine, f"{meaning}, {long} made mm")
    return choices


def _with_pixdim(header: NiftiHeader, sform: Affine) -> Affine:
    """The directions of the sform with the voxel sizes of pixdim, as SimpleITK combines them."""
    sized = sform.copy()
    with np.errstate(all="ignore"):
        sized[:3, :3] *= np.asarray(header.unrepaired["pixdim"][1:4], np.float64) / np.linalg.norm(
            sform[:3, :3], axis=0
        )
    return sized


def _lps(header: NiftiHeader) -> Affine:
    i, j, k = (float(side) for side in header.nifti["pixdim"][1:4])
    return np.diag([-i, -j, k, 1.0])


def _rounding(header: NiftiHeader, shape: Shape) -> float:
    """How far apart, in mm, a sound qform and sform may lie: near a half turn the quaternion is a root of almost 0."""
    if header.version == 2:
        return AGREE_MM
    b, c, d = (float(header.nifti[f"quatern_{name}"]) for name in "bcd")
    square = max(1.0 - b * b - c * c - d * d, _SQUARE_ERROR)
    turn = 2 * _SQUARE_ERROR / np.sqrt(square)
    sides = np.asarray(header.nifti["pixdim"][1:4], np.float64) * (np.array(shape) - 1)
    with np.errstate(all="ignore"):
        return float(AGREE_MM + turn * np.linalg.norm(sides))
