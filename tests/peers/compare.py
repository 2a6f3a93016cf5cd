"""How what a peer reads compares with what was exported."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from napari_lesionseg.volumes import Geometry


def read_itk(path: Path) -> sitk.Image:
    """Read a file by SimpleITK."""
    return sitk.ReadImage(str(path))


def itk_corners(image: sitk.Image) -> np.ndarray:
    """RAS positions in mm of the eight corner voxels, in the order of ``Geometry.corners``."""
    ends = product(*[(0, n - 1) for n in image.GetSize()])
    order = np.array([image.TransformIndexToPhysicalPoint(end) for end in ends])
    return np.asarray(order * (-1, -1, 1))


def corners_apart_mm(image: sitk.Image, geometry: Geometry) -> float:
    """How far the corner farthest from its place lies from it, corner by corner in stored order."""
    return float(np.linalg.norm(itk_corners(image) - geometry.corners(), axis=1).max())


def stored(mask: Any) -> np.ndarray:
    """The voxels of a mask in the order of SimpleITK's arrays (k, j, i)."""
    return np.asarray(mask.geometry.to_stored(mask.array).transpose(2, 1, 0))


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice of two binary arrays."""
    one, other = one != 0, other != 0
    return float(2 * np.count_nonzero(one & other) / max(np.count_nonzero(one) + np.count_nonzero(other), 1))
