"""Readers that share no code with ours, to judge what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.export.prove import Reader, Stored
from napari_lesionseg.volumes.geometry import Geometry

SHEAR: Final = 1e-5  # Cosine between two axes: below 0.006 mm over the 600 mm of the largest scans.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_sheared(geometry: Geometry) -> bool:
    """Whether two axes of the grid are not at right angles, which ITK images and a NIfTI qform cannot say."""
    axes = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR)


def second_nifti_reader(geometry: Geometry) -> dict[str, Reader]:
    """Choose who judges a NIfTI file on ``geometry``: SimpleITK, or nibabel where ITK knows no such grid.

    ITK reads neither NIfTI-2 nor axes that are not at right angles.
    """
    if is_sheared(geometry) or max(geometry.shape) > np.iinfo(np.int16).max:
        return {"nibabel": read_by_nibabel}
    return {"SimpleITK": read_by_itk}


def read_by_itk(path: Path) -> Stored:
    """Read any image file as ITK sees it.

    Raises
    ------
    LesionsegError
        If it is not one 3-D volume of single numbers.
    RuntimeError
        If ITK cannot read it.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK's warnings go to stderr; our caller compares.
    if any("\ud800" <= sign <= "\udfff" for sign in str(path)):  # SimpleITK would take the whole process along.
        raise LesionsegError(f"{str(path)!r} is not valid text; choose another name or folder.")
    image = sitk.ReadImage(str(path))
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise LesionsegError(f"{path} is not one 3-D volume; export the mask again.")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    voxels = sitk.GetArrayFromImage(image).T
    return Stored(voxels, Geometry(image.GetSize(), _LPS_TO_RAS @ affine))


def read_by_nibabel(path: Path) -> Stored:
    """Read a NIfTI file as nibabel sees it."""
    import nibabel as nib

    image: Any = nib.load(path)
    i, j, k = image.shape
    return Stored(np.asarray(image.dataobj), Geometry((i, j, k), image.affine))
