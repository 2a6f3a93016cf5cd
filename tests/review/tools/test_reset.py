from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.reset import reset_lesion, reset_slices
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
    with pytest.raises(LesionsegError, match="Nothing differs from the prediction in slice 1"):
        reset_slices(given)


def lesions() -> tuple[np.ndarray, np.ndarray]:
    """Predicted: a block in slices 1 to 3, and a voxel apart. Drawn: the block is moved, and one drawn by hand."""
    predicted, mask = np.zeros((2, 6, 9, 9), np.uint8)
    predicted[1:4, 2:4, 2:4] = predicted[2, 8, 8] = 255
    mask[1:5, 3:6, 2:4] = mask[5, 6, 2] = 1  # In slice 5 it goes on askew.
    mask[2, 0, 8] = mask[0, 8, 8] = 1
    return predicted, mask


def test_a_lesion_goes_back_in_all_its_slices_and_no_other_lesion_does() -> None:
    predicted, mask = lesions()
    changed = after(seen(mask, 2, probability=predicted), reset_lesion, (2, 5, 2))
    assert np.count_nonzero(changed, axis=(1, 2)).tolist() == [1, 4, 5, 4, 0, 0]
    assert changed[2, 0, 8] == 1
    assert changed[2, 8, 8] == 0


def test_a_missed_lesion_that_was_predicted_comes_back_and_one_drawn_by_hand_goes() -> None:
    predicted, mask = lesions()
    assert after(seen(mask, 2, probability=predicted), reset_lesion, (2, 8, 8))[2, 8, 8] == 1
    assert after(seen(mask, 2, probability=predicted), reset_lesion, (2, 0, 8))[2, 0, 8] == 0


def test_a_lesion_that_cannot_go_back_is_told() -> None:
    predicted, mask = lesions()
    with pytest.raises(LesionsegError, match="Neither the mask nor the prediction holds lesion here"):
        reset_lesion(seen(mask, 2, probability=predicted), (2, 0, 0))
    with pytest.raises(LesionsegError, match="The click is not on slice 2"):
        reset_lesion(seen(mask, 2, probability=predicted), (3, 3, 3))
    with pytest.raises(LesionsegError, match="This lesion is as predicted"):
        reset_lesion(seen(predicted // 255, 2, probability=predicted), (2, 2, 2))
    with pytest.raises(LesionsegError, match="segment the scan first"):
        reset_lesion(seen(mask, 2), (2, 5, 2))
