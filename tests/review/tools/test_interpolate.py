from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.interpolate import interpolate
from tests.review.tools.slabs import after, seen

EMPTY = np.zeros((9, 30, 30), np.uint8)


def square(side: int, y: int = 15, x: int = 15) -> np.ndarray:
    labels = np.zeros((30, 30), np.uint8)
    labels[y - side // 2 : y - side // 2 + side, x - side // 2 : x - side // 2 + side] = 1
    return labels


def painted(**slices: np.ndarray) -> np.ndarray:
    mask = EMPTY.copy()
    for name, labels in slices.items():
        mask[int(name[1:])] = labels
    return mask


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


@pytest.mark.parametrize("z", [2, 3, 4, 5, 6])
def test_all_slices_between_two_painted_ones_are_drawn_from_within_the_gap_and_from_its_ends(z: int) -> None:
    mask = painted(z2=square(5), z6=square(13))
    assert counts(after(seen(mask, z), interpolate)) == [0, 0, 25, 45, 81, 121, 169, 0, 0]  # 7² less its corners.


def test_a_slab_is_filled_only_as_far_as_it_reaches() -> None:
    mask = painted(z2=square(5), z6=square(13))
    assert counts(after(seen(mask, 3, 1), interpolate)) == [0, 0, 25, 45, 81, 0, 169, 0, 0]


def test_a_slab_fills_each_of_its_gaps() -> None:
    mask = painted(z0=square(5), z2=square(5), z5=square(5), z8=square(5))
    assert counts(after(seen(mask, 3, 2), interpolate)) == [25, 25, 25, 25, 25, 25, 0, 0, 25]


def test_a_lesion_that_runs_askew_is_followed() -> None:
    mask = painted(z2=square(9, x=11), z6=square(9, x=19))
    changed = after(seen(mask, 4), interpolate)
    assert counts(changed) == [0, 0, 81, 81, 81, 81, 81, 0, 0]
    assert np.array_equal(changed[4], square(9))


def test_another_lesion_that_runs_through_all_slices_does_not_matter_and_keeps_its_label() -> None:
    mask = painted(z2=square(5), z6=square(5))
    mask[:, 1:4, 1:4] = 2
    changed = after(seen(mask, 4), interpolate, label=3)
    assert counts(changed) == [9, 9, 34, 34, 34, 34, 34, 9, 9]
    assert [np.count_nonzero(changed == value) for value in (1, 2, 3)] == [50, 81, 75]


def test_two_lesions_are_interpolated_each_to_its_own() -> None:
    low, high = square(5, 7, 7) | square(5, 22, 22), square(9, 7, 7) | square(5, 22, 22)
    assert counts(after(seen(painted(z2=low, z4=high), 3), interpolate))[3] == 49 + 25


def test_a_gap_that_is_too_long_or_has_one_end_only_is_told() -> None:
    with pytest.raises(LesionsegError, match="no gap of at most 6 mm to fill at slice 4; paint the lesion in a slice"):
        interpolate(seen(painted(z2=square(5), z6=square(5)), 4), most_mm=6)
    assert counts(after(seen(painted(z2=square(5), z6=square(5)), 4), interpolate, most_mm=8))[4] == 25
    for mask in (EMPTY.copy(), painted(z2=square(5)), painted(z2=square(5, 5, 5), z6=square(5, 20, 20))):
        with pytest.raises(LesionsegError, match="no gap of at most 40 mm"):
            interpolate(seen(mask, 4))
    with pytest.raises(LesionsegError, match="no gap of at most 40 mm to fill at slices 6 to 8"):
        interpolate(seen(painted(z2=square(5), z6=square(5)), 7, 1))
