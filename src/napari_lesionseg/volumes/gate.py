"""The geometry gate: a second reader, written by others, must see the corners of a file where the first one does.

What is shown to SimpleITK is a small copy of the header whose words about space are untouched and whose words about
voxels are made harmless, so that it cannot inflate, allocate or leak anything (decision 8).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes.geometry import Geometry

AGREE_MM = 0.01
MOST_SHEAR = 1e-4  # Cosine between two axes; SimpleITK refuses more.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Affine = npt.NDArray[np.float64]
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Choice:
    """One way to place a file in space: RAS affine in mm, and its meaning in words."""

    affine: Affine
    meaning: str


def apart_mm(shape: Shape, one: Affine, other: Affine) -> float:
    """The largest distance in mm, along any axis, between the corners of a grid placed in two ways."""
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij"), dtype=np.float64).reshape(3, -1)
    with np.errstate(all="ignore"):
        moved = (one - other)[:3, :3] @ ends + (one - other)[:3, 3:]
        largest = float(np.abs(moved).max())
    return largest if np.isfinite(largest) else np.inf


def shear(affine: Affine) -> float:
    """The largest cosine between two axes: 0 where they are square, as in every scan that was not resampled."""
    with np.errstate(all="ignore"):
        axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        cosines = float(np.abs(axes.T @ axes - np.eye(3)).max())
    return cosines if np.isfinite(cosines) else 0.0  # A singular matrix is refused as such.


def itk_affine(header: bytes, ending: str, image_io: str) -> Affine | None:
    """The RAS affine (mm) that SimpleITK computes from a small file; None if it refuses to.

    Parameters
    ----------
    header
        The content of the file: a header, without voxels.
    ending
        The file's ending, for example ``".nii"``.
    image_io
        SimpleITK's name for the format, for example ``"NiftiImageIO"``.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # It chats on stderr about what we tell in one sentence.
    name = _temporary(header, ending)
    try:
        reader = sitk.ImageFileReader()
        reader.SetImageIO(image_io)
        reader.SetFileName(name)
        reader.ReadImageInformation()
        direction, spacing, origin = reader.GetDirection(), reader.GetSpacing(), reader.GetOrigin()
    except RuntimeError:
        return None
    finally:
        os.unlink(name)
    affine = np.eye(4)
    affine[:3, :3] = np.array(direction).reshape(len(spacing), -1)[:3, :3] * np.array(spacing)[:3]
    affine[:3, 3] = np.array(origin)[:3]
    return np.asarray(_LPS_TO_RAS @ affine)


@dataclass(frozen=True, eq=False)
class Claim:
    """Where a header says that a file lies, to be settled by ``settle``.

    Parameters
    ----------
    shape
        (i, j, k), in voxels.
    affine
        Where the first reader places it.
    problems
        What a person has to decide, in words; usually nothing.
    choices
        Every way in which the header may be meant, by the name of its answer.
    stored
        Whether any position is stored; where none is, no place may be guessed from the scan of a mask.
    """

    shape: Shape
    affine: Affine
    problems: tuple[str, ...]
    choices: Mapping[str, Choice]
    stored: bool = True


def settle(
    path: Path, claim: Claim, second: Callable[[], tuple[str, Affine | None]], answer: str | None, like: Geometry | None
) -> tuple[Geometry, tuple[str, ...]]:
    """The grid of a file, and what a user should know about it.

    Parameters
    ----------
    second
        Gives the second reader's name and the affine it computes; None if it refuses to.
    answer
        What a person chose.
    like
        The grid of the scan, where the file is a mask: of several stored places the one on this grid is meant.

    Raises
    ------
    GeometryQuestion
        If the file can be placed in several ways, or the readers see its corners more than 0.01 mm apart.
    LesionsegError
        If it has no usable place, or ``answer`` is none of its choices.
    """
    problem = " and ".join(claim.problems) or _disagreement(claim, *second())
    if not claim.choices:
        raise LesionsegError(f"{path} has no usable position in space (its affine is singular); export it again.")
    if answer is not None and answer in claim.choices:
        chosen = claim.choices[answer]
        return Geometry(claim.shape, chosen.affine), _told(problem, chosen)
    if problem:
        if answer is None and like is not None and (found := _on_grid(claim, like)):
            return Geometry(claim.shape, found.affine), ()
        meanings = {name: choice.meaning for name, choice in claim.choices.items()}
        raise GeometryQuestion(f"{path}: {problem}", meanings)
    if answer is not None:
        raise LesionsegError(f"{path} lies in one place only and has no {answer}; leave the geometry out.")
    return Geometry(claim.shape, claim.affine), ()


def usable(shape: Shape, affine: Affine) -> bool:
    """Whether ``affine`` is a place: finite, and no two axes in one direction."""
    try:
        Geometry(shape, affine)
    except LesionsegError:
        return False
    return True


def _disagreement(claim: Claim, name: str, other: Affine | None) -> str:
    if other is None:
        return f"{name} cannot place it"
    apart = apart_mm(claim.shape, claim.affine, other)
    return "" if apart <= AGREE_MM else f"two readers (one is {name}) place it {apart:.3g} mm apart"


def _told(problem: str, chosen: Choice) -> tuple[str, ...]:
    return (f"Placed by choice ({chosen.meaning}): {problem}.",) if problem else ()


def _on_grid(claim: Claim, like: Geometry) -> Choice | None:
    if not claim.stored or claim.shape != like.shape:
        return None
    return next(
        (one for one in claim.choices.values() if apart_mm(claim.shape, one.affine, like.affine) <= AGREE_MM), None
    )


def _temporary(content: bytes, ending: str) -> str:
    try:
        handle, name = tempfile.mkstemp(suffix=ending, prefix="lesionseg-header-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        reason = error.strerror or error
        raise LesionsegError(f"No temporary file can be written: {reason}; free some space, then try again.") from error
    return name
