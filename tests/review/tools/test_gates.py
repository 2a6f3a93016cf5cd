from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.gates import hu_gate, hu_range_at, probability_gate
from tests.review.tools.slabs import seen

EMPTY = np.zeros((1, 1, 5), np.uint8)
AT = (np.zeros(5, int), np.zeros(5, int), np.arange(5))


def test_only_voxels_from_low_to_high_may_be_painted() -> None:
    gate = hu_gate(seen(EMPTY, hu=np.array([[[-801, -800, -300, -100, -99]]])), -800, -100)
    assert gate(*AT).tolist() == [False, True, True, True, False]


def test_only_voxels_the_model_says_enough_of_may_be_painted() -> None:
    gate = probability_gate(seen(EMPTY, probability=np.array([[[0, 50, 51, 52, 255]]], np.uint8)), 0.2)
    assert gate(*AT).tolist() == [False, False, True, True, True]  # 0.2 · 255 = 51


def test_a_gate_that_cannot_be_is_told() -> None:
    with pytest.raises(LesionsegError, match="No voxel lies between -100 and -800 HU; put the lower number first"):
        hu_gate(seen(EMPTY), -100, -800)
    with pytest.raises(LesionsegError, match="no prediction to paint by"):
        probability_gate(seen(EMPTY), 0.2)


def test_the_dropper_learns_what_a_disc_holds_and_is_not_misled_by_one_voxel() -> None:
    hu = np.full((2, 21, 21), -850)
    hu[0, 5:16, 5:16] = -400 + 10 * (np.arange(11) % 5)[:, None]
    hu[0, 10, 10] = 300
    assert hu_range_at(seen(np.zeros((2, 21, 21), np.uint8), hu=hu), (0, 10, 10), 3.0) == (-420, -340)


def test_the_range_of_an_even_place_is_20_hu_wide_and_a_place_at_the_edge_will_do() -> None:
    assert hu_range_at(seen(np.zeros((1, 9, 9), np.uint8), hu=np.full((1, 9, 9), -600)), (0, 0, 8)) == (-610, -590)


def test_a_click_beside_the_slab_is_told() -> None:
    with pytest.raises(LesionsegError, match="The click is not on slice 0"):
        hu_range_at(seen(EMPTY), (0, 0, 5))
