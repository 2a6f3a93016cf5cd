"""A scan and a mask fit the grid they say they lie on."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume

GRID = Geometry((6, 5, 4), np.diag([-0.5, -0.5, 2.0, 1.0]))  # stored (i, j, k); shown (4, 5, 6)


def test_voxels_must_have_the_display_shape_of_their_grid() -> None:
    assert Volume(np.zeros((4, 5, 6), np.int16), GRID).intensity == "HU"
    for shape in ((6, 5, 4), (4, 5, 7), (4, 5)):
        with pytest.raises(LesionsegError, match="do not fit a grid"):
            Volume(np.zeros(shape, np.int16), GRID)
        with pytest.raises(LesionsegError, match="do not fit a grid"):
            Mask(np.zeros(shape, np.uint8), GRID)


@pytest.mark.hazard("H13")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_])
def test_a_mask_has_whole_labels(dtype: type) -> None:
    with pytest.raises(LesionsegError, match="whole-numbered"):
        Mask(np.zeros((4, 5, 6), dtype), GRID)


def test_an_empty_mask_has_one_byte_a_voxel_and_no_volume() -> None:
    mask = Mask.empty(GRID)
    assert (mask.array.shape, mask.array.dtype, mask.volume_ml) == ((4, 5, 6), np.uint8, 0.0)


def test_the_volume_counts_voxels_of_every_label() -> None:
    mask = Mask.empty(GRID)
    mask.array[0, 0, :3] = (1, 2, 255)
    assert mask.volume_ml == pytest.approx(3 * 0.5 * 0.5 * 2.0 / 1000)


def test_a_mask_shares_the_array_it_was_given() -> None:
    array = np.zeros((4, 5, 6), np.uint8)
    assert Mask(array, GRID).array is array


def test_a_volume_cannot_be_pointed_at_other_voxels() -> None:
    volume = Volume(np.zeros((4, 5, 6), np.int16), GRID)
    with pytest.raises(AttributeError):
        volume.array = np.ones((4, 5, 6), np.int16)  # type: ignore[misc]
