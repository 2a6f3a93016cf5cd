"""Where a model is asked, and what of its answer goes into the mask."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.ask import Place, answer, place

SHAPE = (10, 20, 30)


def seen_slices(*boxes: tuple[slice, slice, slice]) -> np.ndarray:
    """A probability of 0.3 in boxes of the whole scan, (z, y, x)."""
    probability = np.zeros(SHAPE, np.uint8)
    for box in boxes:
        probability[box] = 77
    return probability


def test_a_drag_is_a_box_of_the_slice_and_its_neighbours_whichever_way_it_went() -> None:
    where = place(SHAPE, 5, ((12, 20), (4, 8)), reach=2)
    assert where == Place((slice(3, 8), slice(4, 13), slice(8, 21)))
    assert (where.slices, where.tool) == (range(3, 8), "model in box")


def test_a_drag_that_leaves_the_scan_ends_at_its_edge() -> None:
    where = place(SHAPE, 0, ((-5, -5), (6, 6)), reach=1)
    assert where.box == (slice(0, 2), slice(0, 7), slice(0, 7))


def test_a_short_drag_is_a_click_where_it_began() -> None:
    where = place(SHAPE, 9, ((4, 8), (5, 10)), reach=3)
    assert where == Place((slice(6, 10), slice(0, 20), slice(0, 30)), (9, 4, 8))
    assert where.tool == "model at click"


def test_beside_the_scan_nothing_is_asked() -> None:
    with pytest.raises(LesionsegError, match="beside the scan"):
        place(SHAPE, 5, ((-9, 3), (-4, 9)), reach=1)


def test_a_box_takes_all_that_is_seen_in_it_and_nothing_else() -> None:
    probability = seen_slices(np.s_[4:6, 2:6, 2:6], np.s_[5:6, 10:12, 10:12], np.s_[8:9, 2:6, 2:6])
    where = Place(np.s_[3:8, 0:11, 0:30])
    edited = answer(np.zeros(SHAPE, np.uint8), where, probability[3:8], 0.25)
    assert {z: int(labels.sum()) for z, labels in edited.items()} == {4: 16, 5: 16 + 2}


def test_a_click_takes_the_piece_it_hits_also_where_it_is_joined_by_corners() -> None:
    probability = seen_slices(np.s_[4, 2:4, 2:4], np.s_[5, 4:6, 4:6], np.s_[5, 15:18, 2:6])
    where = place(SHAPE, 4, ((3, 3), (3, 3)), reach=2)
    edited = answer(np.zeros(SHAPE, np.uint8), where, probability[2:7], 0.25)
    assert {z: int(labels.sum()) for z, labels in edited.items()} == {4: 4, 5: 4}


def test_what_the_mask_has_stays_with_its_own_label() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[4, 2, 2:4], mask[4, 0, 0] = 3, 3
    edited = answer(mask, place(SHAPE, 4, ((3, 3), (3, 3)), 0), seen_slices(np.s_[4, 2:4, 2:4])[4:5], 0.25)
    assert edited[4][2:4, 2:4].tolist() == [[3, 3], [1, 1]]
    assert edited[4][0, 0] == 3
    assert mask.sum() == 9


@pytest.mark.parametrize(("threshold", "drag"), [(0.31, ((3, 3), (3, 3))), (0.25, ((9, 9), (9, 9)))])
def test_nothing_seen_is_one_sentence(threshold: float, drag: tuple[tuple[int, int], tuple[int, int]]) -> None:
    where = place(SHAPE, 4, drag, 0)
    with pytest.raises(LesionsegError, match=f"sees no lesion at the click, not even from {threshold:.2f} on"):
        answer(np.zeros(SHAPE, np.uint8), where, seen_slices(np.s_[4, 2:4, 2:4])[4:5], threshold)


def test_nothing_new_is_another_sentence() -> None:
    probability = seen_slices(np.s_[4, 2:4, 2:4])
    with pytest.raises(LesionsegError, match="in the box from 0.25 on is in the mask already"):
        answer((probability > 0).astype(np.uint8), Place(np.s_[4:5, 0:9, 0:9]), probability[4:5], 0.25)
