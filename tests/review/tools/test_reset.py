from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.reset import reset_slices
from tests.review.tools.slabs import after, seen

MASK = np.zeros((3, 1, 4), np.uint8)
PROBABILITY = np.repeat(np.array([[[0, 60, 130, 255]]], np.uint8), 3, axis=0)


@pytest.mark.parametrize(("threshold", "row"), [(0.5, [0, 0, 1, 1]), (0.2, [0, 1, 1, 1])])
def test_a_slice_goes_back_to_the_prediction_at_the_threshold_of_now(threshold: float, row: list[int]) -> None:
    changed = after(seen(MASK, 1, probability=PROBABILITY, threshold=threshold), reset_slices)
    assert changed[:, 0].tolist() == [[0] * 4, row, [0] * 4]


def test_a_slab_goes_back_as_one() -> None:
    assert after(seen(MASK, 1, 1, probability=PROBABILITY), reset_slices).sum() == 6


def test_without_a_prediction_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(LesionsegError, match="segment the scan first"):
        reset_slices(seen(MASK))


def test_a_slice_that_is_as_predicted_is_told() -> None:
    given = seen((PROBABILITY > 127).astype(np.uint8), 1, probability=PROBABILITY)
    with pytest.raises(LesionsegError, match="Slice 1 is as predicted"):
        reset_slices(given)
