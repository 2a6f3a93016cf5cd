"""Folders of small scans and masks, as people and programs lay them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.export.nrrd import write_nrrd

SHAPE = (4, 3, 5)  # (i, j, k): 5 slices of 3 × 4


def grid(place: float = 0.0, shape: tuple[int, int, int] = SHAPE) -> Geometry:
    """A grid whose first voxel lies ``place`` mm from the origin: scans of one shape lie elsewhere."""
    affine = np.diag([-0.7, -0.8, 2.5, 1.0])
    affine[:3, 3] = place
    return Geometry(shape, affine)


def put_scan(path: Path, value: int = 0, place: float = 0.0, shape: tuple[int, int, int] = SHAPE) -> Path:
    """Write a scan in HU; ``value`` makes it another one."""
    geometry = grid(place, shape)
    voxels = np.full(geometry.display_shape, -800, np.int16)
    voxels[0, 0, 0] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nifti.write_scan(path, Volume(voxels, geometry))
    return path


def put_mask(path: Path, voxels: int = 1, place: float = 0.0, shape: tuple[int, int, int] = SHAPE) -> Path:
    """Write a mask of ``voxels`` lesion voxels, as NIfTI or, by its ending, NRRD."""
    mask = Mask.empty(grid(place, shape))
    mask.array.flat[:voxels] = 1
    path.parent.mkdir(parents=True, exist_ok=True)
    (write_nrrd if path.name.endswith(".nrrd") else nifti.write_mask)(path, mask)
    return path
