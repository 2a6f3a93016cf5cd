"""Generated NIfTI headers for the geometry gate: sound ones, and ones with each kind of fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

FAULTS = (
    "forms apart",
    "forms turned",
    "unit",
    "no code",
    "odd code",
    "voxel sizes differ",
    "shear",
    "qfac",
    "negative pixdim",
    "quaternion too long",
    "no numbers",
    "singular",
    "nearly a half turn",
)


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A random rotation or reflection: along the axes, tilted from them, or any."""
    signed = np.eye(3)[:, rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    how = rng.integers(4)
    if how == 0:
        return signed
    axis = rng.normal(size=3) if how > 1 else np.eye(3)[rng.integers(3)]
    angle = np.radians(rng.uniform(-35, 35) if how < 3 else rng.uniform(-180, 180))
    return turn(axis, angle) @ signed


def turn(axis: np.ndarray, angle: float) -> np.ndarray:
    """The matrix of a turn by ``angle`` about ``axis`` (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def random_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    """Sides as long as those of scans, but few enough voxels for many files."""
    sides = [int(rng.integers(2, 600)), int(rng.integers(2, 600)), 1]
    while sides[0] * sides[1] > 60_000:
        sides[int(rng.integers(2))] //= 2
    sides[2] = max(1, min(400, 60_000 // (sides[0] * sides[1])))
    return tuple(sides[axis] for axis in rng.permutation(3))  # type: ignore[return-value]


def sound_header(rng: np.random.Generator) -> Any:
    """A header with one clear place: sform, qform or both, any orientation, usual sizes and units."""
    kind = nib.Nifti2Header if rng.random() < 0.2 else nib.Nifti1Header
    header = kind(endianness="<" if rng.random() < 0.7 else ">")
    header.set_data_dtype(np.uint8)
    header.set_data_shape(random_shape(rng))
    spacing = np.round(rng.uniform(0.3, 5.0, 3), int(rng.integers(1, 8)))
    affine = np.eye(4)
    affine[:3, :3] = rotation(rng) * spacing
    affine[:3, 3] = rng.uniform(-600, 600, 3)
    forms = rng.integers(3)
    header["pixdim"][1:4] = spacing
    if forms != 1:
        header.set_sform(affine, int(rng.integers(1, 5)))
    if forms != 0:
        header.set_qform(affine, int(rng.integers(1, 5)))
    header["xyzt_units"] = rng.choice([0, 2, 8, 10, 18, 26])
    header["magic"] = header.single_magic
    header["vox_offset"] = 352 if kind is nib.Nifti1Header else 544
    return header


def spoil(header: Any, fault: str, rng: np.random.Generator) -> None:
    """Put ``fault`` into a sound header."""
    if fault in FAULTS[:2] + ("voxel sizes differ", "shear", "nearly a half turn"):
        _spoil_forms(header, fault, rng)
    else:
        _spoil_fields(header, fault, rng)


def _spoil_forms(header: Any, fault: str, rng: np.random.Generator) -> None:
    affine = header.get_best_affine()
    both = affine.copy()
    if fault == "forms apart":
        both[:3, 3] += rng.normal(size=3) * 10.0 ** rng.uniform(-3, 2)
        header.set_sform(affine, int(rng.integers(1, 5)))
        header.set_qform(both, int(rng.integers(1, 5)))
    elif fault == "forms turned":
        both[:3, :3] = turn(rng.normal(size=3), 10.0 ** rng.uniform(-5, 0)) @ both[:3, :3]
        header.set_sform(affine, int(rng.integers(1, 5)))
        header.set_qform(both, int(rng.integers(1, 5)))
    elif fault == "voxel sizes differ":
        header.set_sform(affine, int(rng.integers(1, 5)))
        header["pixdim"][1 + int(rng.integers(3))] *= 1 + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-6, -0.1)
    elif fault == "shear":
        both[:3, 1] += both[:3, 0] * 10.0 ** rng.uniform(-6, 0)
        header["pixdim"][1:4] = np.linalg.norm(both[:3, :3], axis=0)
        header.set_sform(both, int(rng.integers(1, 5)))
    else:
        half = np.diag(rng.permutation([1.0, -1.0, -1.0]))
        affine[:3, :3] = turn(rng.normal(size=3), 10.0 ** rng.uniform(-5, -1)) @ half * header["pixdim"][1:4]
        header["sform_code"] = 0
        header.set_qform(affine, 1)


def _spoil_fields(header: Any, fault: str, rng: np.random.Generator) -> None:
    if fault == "unit":
        header["xyzt_units"] = rng.choice([1, 3, 4, 5, 6, 7, 9, 11, 255])
    elif fault == "no code":
        header["sform_code"] = header["qform_code"] = 0
    elif fault == "odd code":
        header[str(rng.choice(["sform_code", "qform_code"]))] = rng.choice([-1, 6, 7, 100, -300])
    elif fault == "qfac":
        header["pixdim"][0] = rng.choice([0, 0.5, -0.5, 3, -3, -1, 1, 1e30, np.nan])
    elif fault == "negative pixdim":
        header["pixdim"][1 + int(rng.integers(3))] *= -1
    elif fault == "quaternion too long":
        header[f"quatern_{rng.choice(list('bcd'))}"] = rng.choice([0.9, 1.0, 1.0001, 2.0, -1.5])
    elif fault == "no numbers":
        name = str(rng.choice(["quatern_b", "qoffset_x", "srow_x", "pixdim"]))
        header[name] = rng.choice([np.nan, np.inf, 1e30])
    else:
        header[str(rng.choice(["srow_x", "srow_y", "srow_z", "pixdim"]))] = 0


def write(path: Path, header: Any) -> None:
    """Write ``header`` with voxels of 0, unchecked."""
    voxels = int(np.prod(header.get_data_shape()))
    path.write_bytes(header.binaryblock + bytes(4 + voxels))
