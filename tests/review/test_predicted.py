"""What is predicted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.predicted import Predicted, check_shape, check_threshold
from napari_lesionseg.volumes import Geometry, Mask


@pytest.fixture
def predicted() -> Predicted:
    made, probability = Predicted(0.9), np.zeros((2, 3, 3), np.uint8)
    probability[1] = [[0, 127, 128], [0, 204, 255], [0, 0, 0]]
    made.take(probability, "tiny", 0.5, None)
    return made


def test_a_slice_is_what_reaches_the_threshold(predicted: Predicted) -> None:
    out = np.full((3, 3), 7, np.uint8)
    predicted.write(1, out)
    assert out.tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 0]]
    predicted.threshold = 0.9
    predicted.write(1, out)
    assert out.tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_a_slice_differs_when_one_voxel_does(predicted: Predicted) -> None:
    shown = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0]], np.uint8)
    assert not predicted.differs(1, shown)
    assert predicted.differs(0, shown)
    shown[2, 2] = 1
    assert predicted.differs(1, shown)


def test_without_a_prediction_nothing_is_predicted_to_be_lesion() -> None:
    predicted, out = Predicted(0.5), np.full((3, 3), 7, np.uint8)
    assert predicted.differs(0, out)
    predicted.write(0, out)
    assert not out.any()
    assert not predicted.differs(0, out)


def test_a_prediction_of_other_voxels_and_a_threshold_beyond_1_are_refused() -> None:
    mask = Mask.empty(Geometry.from_spacing((2, 3, 3), (1.0, 1.0, 1.0)))
    check_shape(np.zeros((2, 3, 3), np.uint8), mask)
    for wrong in (np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 3), np.float32)):
        with pytest.raises(LesionsegError, match="does not fit"):
            check_shape(wrong, mask)
    check_threshold(1.0)
    with pytest.raises(LesionsegError, match="not from 0 to 1"):
        check_threshold(1.01)
