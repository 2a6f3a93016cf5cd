from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import metrics
from napari_lesionseg.review.tools.copy_onwards import copy_onwards
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.volumes.phantom import make_case
from tests.review.tools.slabs import after, seen

EMPTY = np.zeros((9, 48, 48), np.uint8)
NOISE = np.random.default_rng(0).normal(0, 10, EMPTY.shape)
Z, Y, X = np.ogrid[:9, :48, :48]


def lesion(step: int = 0, radius: float = 7) -> np.ndarray:
    """A disc of −500 HU in each slice, ``step`` voxels further along x."""
    return np.hypot(Y - 24, X - 24 - step * (Z - 4)) <= radius + 0 * Z


def scan(where: np.ndarray) -> np.ndarray:
    return np.where(where, -500, -850) + NOISE


def drawn(where: np.ndarray, z: int = 4) -> np.ndarray:
    mask = np.zeros(where.shape, np.uint8)
    mask[z] = where[z]
    return mask


def copied(given: Given, *arguments: Any, **named: Any) -> Edited:
    return copy_onwards(given, *arguments, **named).edited


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_a_lesion_that_moves_is_followed_slice_by_slice() -> None:
    where = lesion(step=3)
    changed = after(seen(drawn(where), 4, hu=scan(where)), copied, 1, 3)
    assert [z for z, count in enumerate(counts(changed)) if count] == [4, 5, 6, 7]
    for z in (5, 6, 7):
        assert metrics.dice(changed[z], where[z]) > 0.97


def test_it_is_copied_down_too_and_a_slab_says_how_far() -> None:
    where = lesion(step=2)
    changed = after(seen(drawn(where), 4, 2, hu=scan(where)), copied, -1)
    assert [z for z, count in enumerate(counts(changed)) if count] == [2, 3, 4]
    assert metrics.dice(changed[2], where[2]) > 0.97


def test_a_lesion_that_grows_or_shrinks_is_taken_as_it_is_there() -> None:
    where = np.hypot(Y - 24, X - 24) <= 5 + np.abs(Z - 4)
    changed = after(seen(drawn(where), 4, hu=scan(where)), copied, 1, 4)
    assert min(metrics.dice(changed[z], where[z]) for z in (5, 6, 7, 8)) > 0.97
    where = np.hypot(Y - 24, X - 24) <= 10 - np.abs(Z - 4)
    changed = after(seen(drawn(where), 4, hu=scan(where)), copied, 1, 4)
    assert min(metrics.dice(changed[z], where[z]) for z in (5, 6, 7, 8)) > 0.97


def test_it_does_not_grow_into_a_wall_of_the_same_hu_that_was_left_out_before() -> None:
    where = (np.hypot(Y - 24, X - 24) <= 7 + 0 * Z) & (X < 28)
    changed = after(seen(drawn(where), 4, hu=scan(where | (X >= 28))), copied, 1, 3)
    assert changed[:, :, 29:].sum() == 0
    assert metrics.dice(changed[7], where[7]) > 0.95


def test_it_does_not_grow_out_of_the_lungs() -> None:
    where = np.hypot(Y - 24, X - 24) <= 5 + np.abs(Z - 4)
    lungs = np.broadcast_to(X < 30, EMPTY.shape).astype(np.uint8)
    free = after(seen(drawn(where), 4, hu=scan(where)), copied, 1, 3)
    changed = after(seen(drawn(where), 4, hu=scan(where), lungs=lungs), copied, 1, 3)
    assert free[7, :, 30:].sum() > 10
    assert changed[7, :, 30:].sum() == 0
    assert np.array_equal(changed[7, :, :28], free[7, :, :28])


def test_it_stops_where_the_lesion_ends_and_says_so() -> None:
    where = lesion() & (Z <= 5)
    done = copy_onwards(seen(drawn(where), 4, hu=scan(where)), 1, 4)
    assert list(done.edited) == [5]
    assert done.stopped.startswith("Stopped at slice 6: ")
    with pytest.raises(LesionsegError, match="Stopped at slice 6: the picture is not like the slice before"):
        copy_onwards(seen(drawn(where, 5), 5, hu=scan(where)), 1, 3)


def test_it_stops_where_the_lesion_has_other_hu_though_its_outline_is_the_same() -> None:
    where = lesion()
    hu = scan(where)
    hu[6:][where[6:]] += 400
    done = copy_onwards(seen(drawn(where), 4, hu=hu), 1, 4)
    assert (list(done.edited), done.stopped[:54]) == ([5], "Stopped at slice 6: too little of the lesion has its H")


def test_one_of_two_lesions_is_copied_if_it_is_asked_for_and_each_goes_its_own_way_otherwise() -> None:
    left = np.hypot(Y - 12, X - 12 - 2 * (Z - 4)) <= 5
    right = np.hypot(Y - 36 + 2 * (Z - 4), X - 36) <= 5 + 0 * Z
    given = seen(drawn(left | right), 4, hu=scan(left | right))
    both, one = after(given, copied, 1, 2), after(given, copied, 1, 2, at=(4, 12, 12))
    assert metrics.dice(both[6], left[6] | right[6]) > 0.97
    assert metrics.dice(one[6], left[6]) > 0.97


def test_what_is_drawn_there_stays_with_its_label() -> None:
    where = lesion()
    mask = drawn(where)
    mask[5, 24, 24] = mask[5, 2, 2] = 4
    changed = after(seen(mask, 4, hu=scan(where)), copied, 1, 1, label=2)
    assert (changed[5, 24, 24], changed[5, 2, 2], changed[5, 24, 25], changed[4, 24, 24]) == (4, 4, 2, 1)


def test_what_cannot_be_copied_is_told() -> None:
    where = lesion()
    hu = scan(where)
    with pytest.raises(LesionsegError, match="Slice 3 holds no lesion to copy; draw one first"):
        copy_onwards(seen(drawn(where), 3, hu=hu), 1, 2)
    with pytest.raises(LesionsegError, match="There is no slice above slice 8 to copy to"):
        copy_onwards(seen(drawn(where, 8), 8, hu=hu), 1, 2)
    with pytest.raises(LesionsegError, match="There is no slice below slice 4 to copy to"):
        copy_onwards(seen(drawn(where), 4, hu=hu), -1)
    with pytest.raises(LesionsegError, match="There is no lesion at this place; click on one"):
        copy_onwards(seen(drawn(where), 4, hu=hu), 1, 2, at=(4, 0, 0))
    with pytest.raises(LesionsegError, match="All of it is drawn there already"):
        copy_onwards(seen(EMPTY + 1, 4, hu=hu), 1, 1)


def test_on_the_phantom_it_is_nearer_to_the_truth_than_a_plain_copy() -> None:
    case = make_case(4, (96, 128, 128))
    truth = case.truth.array
    ours, plain = [], []
    for z in range(4, 90, 6):
        given = Given(case.scan, drawn(truth, z), z, range(z, z + 1))
        with suppress(LesionsegError):  # There is none, or it ends here.
            edited = copy_onwards(given, 1, 3).edited
            if z + 3 in edited:
                ours.append(metrics.dice(edited[z + 3], truth[z + 3]))
                plain.append(metrics.dice(truth[z], truth[z + 3]))
    assert len(ours) >= 5
    assert np.mean(ours) > np.mean(plain) + 0.05
