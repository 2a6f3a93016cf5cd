"""What the headers of NRRD and MetaImage have in common: text that is checked word by word."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.gate import MOST_SHEAR, Affine, Choice, Claim, shear, usable
from napari_lesionseg.volumes.streams import Encoding
from napari_lesionseg.volumes.voxels import Layout

LONGEST = 1 << 20  # Bytes of a header: Slicer's lists of segments are long.
TO_RAS = {"lps": (-1.0, -1.0, 1.0), "ras": (1.0, 1.0, 1.0), "las": (-1.0, 1.0, 1.0)}
UNITS = {"m": 1000.0, "cm": 10.0, "um": 0.001, "µm": 0.001}
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NATURAL = re.compile(r"\d{1,18}")


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """A header in text, checked.

    Parameters
    ----------
    layout
        How the voxels lie.
    claim
        Where they lie in space.
    voxels
        The file that holds them, from byte ``start`` on; counted from the end of the file if that is None.
    skip
        Bytes to pass over before the first voxel, after inflating.
    harmless
        The lines about space as stored, about one volume of bytes: what SimpleITK is shown.
    """

    layout: Layout
    claim: Claim
    voxels: Path
    start: int | None
    encoding: Encoding
    skip: int
    harmless: bytes


def bad(path: Path, what: str) -> LesionsegError:
    """The refusal of a header, with its reason."""
    return LesionsegError(f"{path} has {what}; export it again as .nii.gz.")


def floats(path: Path, name: str, text: str, count: int) -> list[float]:
    """Parse exactly ``count`` finite numbers."""
    words = text.split()
    if len(words) != count or not all(_FLOAT.fullmatch(word) and len(word) < 40 for word in words):
        raise bad(path, f"no {count} numbers in its {name}")
    numbers = [float(word) for word in words]
    if not all(math.isfinite(number) for number in numbers):
        raise bad(path, f"no {count} numbers in its {name}")
    return numbers


def naturals(path: Path, name: str, text: str) -> list[int]:
    """Parse whole numbers from 0 on."""
    words = text.split()
    if not words or not all(_NATURAL.fullmatch(word) for word in words):
        raise bad(path, f"no whole numbers in its {name}")
    return [int(word) for word in words]


def beside(path: Path, name: str) -> Path:
    """The data file ``name`` of the header ``path``; only in its own folder or below."""
    relative = PurePosixPath(name)
    outside = relative.is_absolute() or ".." in relative.parts or "\\" in name or ":" in name or "\0" in name
    found = path.parent / relative
    try:
        outside = outside or not found.resolve().is_relative_to(path.parent.resolve())
    except (OSError, ValueError, RuntimeError):
        outside = True
    if outside:
        raise LesionsegError(f"{path} points to voxels outside its own folder; put both files into one folder.")
    if not found.is_file():
        raise LesionsegError(f"{path} needs the file {name}, which is not beside it; copy both files.")
    return found


def claim(
    shape: tuple[int, int, int], affines: dict[str, tuple[Affine, str]], problems: list[str], unit: str | None
) -> Claim:
    """Where an image lies: the first of ``affines`` (RAS) unless there are ``problems``.

    Parameters
    ----------
    affines
        By the name of the answer: an affine and its meaning.
    unit
        Unit of length if it is not mm.
    """
    problems = list(problems)
    first = next(iter(affines.values()))[0]
    if (slant := shear(first)) > MOST_SHEAR:
        degrees = np.degrees(np.arccos(min(slant, 1.0)))
        problems.append(f"it is sheared (two axes are {degrees:.3g}° apart)")
    choices = {name: Choice(affine, meaning) for name, (affine, meaning) in affines.items() if usable(shape, affine)}
    if unit is not None:
        problems.append(f"its unit is {unit!r}, not mm")
        choices = dict(pair for name, choice in choices.items() for pair in _units(name, choice, unit, len(choices)))
    return Claim(shape, first, tuple(problems), choices)


def affine_of(columns: Any, origin: Any, signs: tuple[float, float, float]) -> Affine:
    """The RAS affine of axis vectors (mm a voxel, one an axis) and the first voxel's place, times ``signs``."""
    affine = np.eye(4)
    with np.errstate(all="ignore"):
        affine[:3, :3] = np.asarray(columns, np.float64).T * np.array(signs)[:, None]
        affine[:3, 3] = np.asarray(origin, np.float64) * np.array(signs)
    return affine


def _units(name: str, choice: Choice, unit: str, count: int) -> list[tuple[str, Choice]]:
    start = f"{name}-" if count > 1 else ""
    pairs = [(f"{start}mm", Choice(choice.affine, f"{choice.meaning}, numbers taken as mm"))]
    if unit in UNITS:
        scaled = np.diag([UNITS[unit]] * 3 + [1.0]) @ choice.affine
        short = unit.replace("µ", "u")
        pairs.append((f"{start}{short}", Choice(scaled, f"{choice.meaning}, {unit} made mm")))
    return pairs
