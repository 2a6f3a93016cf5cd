"""The guard: small or unsure marks are held back just under the threshold, slice by slice."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.inference.guard import hold_back
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.models.config import Guard


def slice_with_two_marks() -> np.ndarray:
    """Six sure pixels on the left, one surer pixel and one unsure one beside it on the right."""
    picture = np.full((6, 12), 20, np.uint8)
    picture[1:3, 1:4] = 150
    picture[1, 1] = 220
    picture[4, 8:10] = (140, 145)
    return picture


def test_a_mark_that_is_nowhere_sure_is_held_back_and_a_lower_threshold_shows_it_again() -> None:
    picture = slice_with_two_marks()
    held = hold_back(picture, 0.5, Guard(top=0.8), 1.0)
    assert threshold_probability(held, 0.5).sum() == 6
    assert (held[4, 8:10] == 127).all()  # 0.5 · 255 is 127.5: 128 would be marked.
    assert threshold_probability(held, 0.49).sum() == 8
    untouched = np.ones(picture.shape, bool)
    untouched[4, 8:10] = False
    assert np.array_equal(held[untouched], picture[untouched])


def test_a_mark_of_less_than_the_area_in_mm2_is_held_back() -> None:
    picture = slice_with_two_marks()
    assert threshold_probability(hold_back(picture, 0.5, Guard(minimum_mm2=2.5), 1.0), 0.5).sum() == 6
    assert threshold_probability(hold_back(picture, 0.5, Guard(minimum_mm2=2.5), 2.0), 0.5).sum() == 8
    assert threshold_probability(hold_back(picture, 0.5, Guard(minimum_mm2=100), 1.0), 0.5).sum() == 0


def test_marks_that_touch_at_a_corner_are_one() -> None:
    picture = np.zeros((3, 3), np.uint8)
    picture[0, 0], picture[1, 1] = 250, 140
    assert threshold_probability(hold_back(picture, 0.5, Guard(top=0.9), 1.0), 0.5).sum() == 2


def test_a_guard_that_asks_for_nothing_holds_nothing_back() -> None:
    picture = slice_with_two_marks()
    assert np.array_equal(hold_back(picture, 0.5, Guard(), 1.0), picture)
