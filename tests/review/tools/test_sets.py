from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.sets import How, Other, combine
from tests.review.tools.slabs import after, seen

MASK = np.repeat(np.array([[[2, 2, 0, 0]]], np.uint8), 3, axis=0)
OTHER = np.repeat(np.array([[[0, 1, 1, 0]]], np.uint8), 3, axis=0)
ROWS = {"union": [2, 2, 1, 0], "subtract": [2, 0, 0, 0], "intersect": [0, 2, 0, 0]}


@pytest.mark.parametrize("how", ["union", "subtract", "intersect"])
@pytest.mark.parametrize("other", ["truth", "prediction", "lungs"])
@pytest.mark.parametrize("reach", [0, 1])
def test_a_slice_or_a_slab_is_combined_and_other_labels_stay(how: How, other: Other, reach: int) -> None:
    held = {"probability": 100 * OTHER} if other == "prediction" else {other: OTHER}
    given = seen(MASK, 1, reach, threshold=0.3, **held)
    rows = after(given, combine, other, how)[:, 0].tolist()
    assert rows == ([ROWS[how]] * 3 if reach else [[2, 2, 0, 0], ROWS[how], [2, 2, 0, 0]])


def test_the_prediction_is_cut_at_the_threshold_of_now() -> None:
    with pytest.raises(LesionsegError, match="Nothing changes in slice 1: the mask holds all of the prediction"):
        combine(seen(MASK, 1, probability=100 * OTHER, threshold=0.5), "prediction", "union")


@pytest.mark.parametrize(
    ("other", "sentence"), [("truth", "no truth"), ("prediction", "no prediction"), ("lungs", "are not known")]
)
def test_what_is_missing_is_told(other: Other, sentence: str) -> None:
    with pytest.raises(LesionsegError, match=sentence):
        combine(seen(MASK), other, "union")


def test_what_changes_nothing_is_told() -> None:
    with pytest.raises(LesionsegError, match="the mask and the lungs do not meet"):
        combine(seen(MASK, lungs=0 * OTHER), "lungs", "subtract")
    with pytest.raises(LesionsegError, match="the mask lies within the truth"):
        combine(seen(MASK, truth=OTHER + 1), "truth", "intersect")
