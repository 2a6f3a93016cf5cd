"""Edit tools on slices of a few voxels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.edits import copy_from_neighbour, fill_holes, reverted
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume


def picture(text: str) -> np.ndarray:
    return np.array([[int(c) for c in line] for line in text.split()], np.uint8)


def test_a_slice_is_copied_from_either_neighbour_and_the_mask_stays() -> None:
    mask = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((3, 2, 2), np.uint8)
    below, above = copy_from_neighbour(mask, 1, -1), copy_from_neighbour(mask, 1, 1)
    assert (below.sum(), above.sum()) == (0, 8)
    above[:] = 9
    assert mask.max() == 2


@pytest.mark.parametrize(("z", "step", "side"), [(0, -1, "below"), (2, 1, "above")])
def test_the_last_slice_has_no_neighbour_and_never_wraps_round(z: int, step: int, side: str) -> None:
    with pytest.raises(LesionsegError, match=f"Slice {z} has no neighbour {side} it"):
        copy_from_neighbour(np.ones((3, 2, 2), np.uint8), z, step)


def test_only_enclosed_background_is_filled() -> None:
    ring = picture("111110 100010 101011 111110 000000 011000")
    filled = fill_holes(ring)
    assert filled.tolist() == picture("111110 111110 111111 111110 000000 011000").tolist()
    assert int(ring.sum()) == 18


def test_a_gap_at_the_edge_is_not_a_hole_but_a_diagonal_wall_encloses() -> None:
    assert fill_holes(picture("101 101 111")).sum() == 7
    assert fill_holes(picture("00100 01010 10001 01010 00100")).sum() == 13


def test_filling_keeps_other_labels_and_leaves_empty_and_full_slices() -> None:
    assert fill_holes(picture("222 202 222")).tolist() == [[2, 2, 2], [2, 1, 2], [2, 2, 2]]
    for value in (0, 1):
        same = np.full((3, 3), value, np.uint8)
        assert fill_holes(same).tolist() == same.tolist()


def test_a_slice_goes_back_to_the_prediction_at_the_threshold_of_now() -> None:
    session = Session()
    grid = Geometry.from_spacing((2, 1, 4), (1.0, 1.0, 1.0))
    session.open_scan(Volume(np.zeros((2, 1, 4), np.int16), grid))
    with pytest.raises(LesionsegError, match="segment the scan first"):
        reverted(session, 0)
    probability = np.zeros((2, 1, 4), np.uint8)
    probability[1] = [0, 60, 130, 255]
    session.set_prediction(probability, "tiny", 0.5)
    assert reverted(session, 1).tolist() == [[0, 0, 1, 1]]
    session.set_threshold(0.2)
    assert reverted(session, 1).tolist() == [[0, 1, 1, 1]]
