from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.fill_holes import fill_holes
from tests.review.tools.slabs import after, picture, pictures, seen


def filled(text: str) -> list[list[int]]:
    return after(seen(pictures(text)), fill_holes)[0].tolist()


def test_only_enclosed_background_is_filled() -> None:
    ring = "111110 100010 101011 111110 000000 011000"
    assert filled(ring) == picture("111110 111110 111111 111110 000000 011000").tolist()


def test_a_diagonal_wall_encloses() -> None:
    assert np.sum(filled("00100 01010 10001 01010 00100")) == 13


@pytest.mark.parametrize("text", ["101 101 111", "111 111 111"])
def test_a_gap_at_the_edge_is_not_a_hole(text: str) -> None:
    with pytest.raises(LesionsegError, match=r"There is no hole to fill in slice 0\."):
        fill_holes(seen(pictures(text)))


def test_filling_keeps_other_labels_and_takes_the_label_it_is_told() -> None:
    given = seen(pictures("222 202 222"))
    assert after(given, fill_holes)[0].tolist() == [[2, 2, 2], [2, 1, 2], [2, 2, 2]]
    assert after(given, fill_holes, label=3)[0, 1, 1] == 3


def test_a_slab_is_filled_slice_by_slice_with_the_vessel_that_runs_through_it_and_no_slice_more() -> None:
    mask = np.repeat(pictures("000000 011100 010100 011100 000000"), 5, axis=0)
    changed = after(seen(mask, 2, 1), fill_holes)
    assert changed.sum(axis=(1, 2)).tolist() == [8, 9, 9, 9, 8]


def test_an_empty_slab_is_told() -> None:
    with pytest.raises(LesionsegError, match="There is no lesion in slices 1 to 3; draw one first"):
        fill_holes(seen(np.zeros((5, 4, 4), np.uint8), 2, 1))
