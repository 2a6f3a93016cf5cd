"""Masks as surfaces to be looked at in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.volume import Mask


@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """A surface of triangles.

    Parameters
    ----------
    vertices
        float32 (n, 3): x, y, z in mm from the first voxel, to the patient's left, to posterior and to superior.
    faces
        uint32 (m, 3): three vertices each.
    """

    vertices: npt.NDArray[np.float32]
    faces: npt.NDArray[np.uint32]


def surface_mesh(mask: Mask, finest_mm: float, *, smooth: bool = False) -> SurfaceMesh:
    """Wrap every labelled voxel in triangles, at about ``finest_mm``; an empty mask has none.

    A coarse voxel counts where any voxel in it does, so that the smallest lesion is seen. ``smooth`` is for organs: it
    takes off the steps, and with them what is only a coarse voxel wide.
    """
    from scipy import ndimage
    from skimage.measure import marching_cubes

    from napari_lesionseg.review.surfaces import bounding_box

    box = bounding_box(mask.array)
    found = mask.array[box] != 0
    if not found.size:
        return SurfaceMesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32))
    spacing = mask.geometry.spacing
    z, y, x = (max(1, round(finest_mm / side)) for side in spacing)
    coarse = np.pad(_coarse(found, (z, y, x)), 2).astype(np.float32)
    if smooth:
        coarse = ndimage.gaussian_filter(coarse, 1.0)
    sides = np.multiply(spacing, (z, y, x))
    corners, faces, _, _ = marching_cubes(coarse, 0.5, spacing=tuple(sides))
    first = np.array([side.start for side in box]) * spacing
    # A coarse voxel stands for its own middle, and two of them were added on each side.
    places = corners - 2 * sides + first + (np.array((z, y, x)) - 1) / 2 * spacing
    return SurfaceMesh(np.ascontiguousarray(places[:, ::-1], np.float32), np.ascontiguousarray(faces, np.uint32))


def _coarse(found: npt.NDArray[Any], steps: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Whether any voxel of each block of ``steps`` is set."""
    for axis, step in enumerate(steps):
        found = np.logical_or.reduceat(found, np.arange(0, found.shape[axis], step), axis=axis)
    return np.asarray(found)
