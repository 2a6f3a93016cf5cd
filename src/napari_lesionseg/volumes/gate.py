"""The geometry gate: a second reader, written by others, must see the corners of a file where the first one does.

What is shown to SimpleITK is a small copy of the header whose words about space are untouched and whose words about
voxels are made harmless, so that it cannot inflate, allocate or leak anything (decision 8).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
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


def choose(path: Path, problem: str, choices: Mapping[str, Choice], answer: str | None) -> Choice:
    """The choice a person made, or the question.

    Raises
    ------
    GeometryQuestion
        If ``answer`` is None or none of the choices.
    """
    if answer is not None and answer in choices:
        return choices[answer]
    raise GeometryQuestion(f"{path}: {problem}", {name: choice.meaning for name, choice in choices.items()})


def make_geometry(path: Path, shape: Shape, affine: Affine) -> Geometry:
    """A grid, or one sentence that names ``path``."""
    try:
        return Geometry(shape, affine)
    except LesionsegError as error:
        raise LesionsegError(
            f"{path} has no usable position in space (its affine is singular); export it again."
        ) from error


def _temporary(content: bytes, ending: str) -> str:
    try:
        handle, name = tempfile.mkstemp(suffix=ending, prefix="lesionseg-header-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        reason = error.strerror or error
        raise LesionsegError(f"No temporary file can be written: {reason}; free some space, then try again.") from error
    return name
