"""A study of ten-voxel scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

GRID = Geometry.from_spacing((4, 3, 5), (2.5, 0.8, 0.7))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study")


@pytest.fixture
def make_scan(tmp_path: Path) -> Callable[..., Path]:
    """Write a scan of 4 × 3 × 5 voxels; ``value`` is its first voxel, so that files differ."""

    def make(name: str, value: int = 0, folder: Path = tmp_path) -> Path:
        voxels = np.full(GRID.display_shape, -800, np.int16)
        voxels[0, 0, 0] = value
        nifti.write_scan(folder / name, Volume(voxels, GRID))
        return folder / name

    return make


@pytest.fixture
def make_mask() -> Callable[..., Mask]:
    """Make a mask of ``voxels`` lesion voxels on the scans' grid, or on ``grid``."""

    def make(voxels: int = 1, grid: Geometry = GRID) -> Mask:
        array = np.zeros(grid.display_shape, np.uint8)
        array.flat[:voxels] = 1
        return Mask(array, grid)

    return make
