from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.smooth import smooth
from tests.review.tools.slabs import after, seen

Z, Y, X = np.ogrid[:9, :40, :40]
BALL = ((Z - 4) ** 2 * 4 + (Y - 20) ** 2 + (X - 20) ** 2 <= 100).astype(np.uint8)


def test_a_spur_goes_a_notch_is_filled_and_the_area_stays() -> None:
    rough = BALL.copy()
    rough[4, 20, 31:35] = 1
    rough[4, 11, 20] = rough[4, 10, 20] = 0
    changed = after(seen(rough, 4), smooth, 1.5)
    assert changed[4, 20, 33:].sum() == 0
    assert changed[4, 11, 20] == 1
    assert abs(int(changed[4].sum()) - int(rough[4].sum())) <= 0.02 * rough[4].sum()
    assert np.array_equal(np.delete(changed, 4, axis=0), np.delete(rough, 4, axis=0))


def test_a_slab_is_smoothed_across_its_slices_and_its_volume_stays() -> None:
    shaken = BALL.copy()
    shaken[3:6] = np.roll(BALL, 3, axis=2)[3:6]
    shaken[4] = BALL[4]
    changed = after(seen(shaken, 4, 1), smooth, 2.0)
    moved = [np.count_nonzero(changed[z] != changed[z + 1]) for z in (3, 4)]
    assert max(moved) < min(np.count_nonzero(shaken[z] != shaken[z + 1]) for z in (3, 4)) / 2
    assert abs(int(changed[3:6].sum()) - int(shaken[3:6].sum())) <= 0.02 * shaken[3:6].sum()
    assert np.array_equal(changed[[2, 6]], shaken[[2, 6]])


def test_other_labels_stay() -> None:
    rough = 2 * BALL
    rough[4, 11, 20] = 0
    changed = after(seen(rough, 4), smooth, 1.5)
    assert np.unique(changed).tolist() == [0, 1, 2]


def test_what_cannot_be_done_is_told() -> None:
    block = np.zeros((1, 8, 8), np.uint8)
    block[0, 2:6, 2:6] = 1
    with pytest.raises(LesionsegError, match=r"is as smooth as 0\.1 mm can make it"):
        smooth(seen(block), 0.1)
    with pytest.raises(LesionsegError, match="There is no lesion in slice 0"):
        smooth(seen(np.zeros_like(block)), 1)
