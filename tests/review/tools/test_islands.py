from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.islands import keep_at, keep_largest, remove_at, remove_small
from tests.review.tools.slabs import after, picture, pictures, seen

# Slice 0: three voxels that touch at corners, and one voxel that goes on in slice 1 with four, askew.
TWO = pictures("10000 01000 10000 00000 00002", "00000 00000 00000 00022 00022", "10000 00000 00000 00000 00000")


def test_in_a_slice_pieces_touch_at_their_corners() -> None:
    assert after(seen(TWO, 0), keep_largest)[0].tolist() == picture("10000 01000 10000 00000 00000").tolist()


def test_in_a_slab_the_piece_that_goes_on_is_the_larger_one() -> None:
    changed = after(seen(TWO, 0, 1), keep_largest)
    assert (np.count_nonzero(changed, axis=(1, 2)).tolist(), changed.max()) == ([1, 4, 1], 2)


def test_the_piece_at_a_voxel_is_kept_and_slices_outside_the_slab_are_not_touched() -> None:
    changed = after(seen(TWO, 0, 1), keep_at, (0, 1, 1))
    assert np.count_nonzero(changed, axis=(1, 2)).tolist() == [3, 0, 1]


def test_the_piece_at_a_voxel_is_removed() -> None:
    changed = after(seen(TWO, 0, 1), remove_at, (1, 4, 4))
    assert np.count_nonzero(changed, axis=(1, 2)).tolist() == [3, 0, 1]


@pytest.mark.parametrize(("ml", "left"), [(0.004, [3, 5, 0]), (0.0061, [0, 5, 0]), (0.006, [3, 5, 0])])
def test_pieces_below_a_volume_are_removed(ml: float, left: list[int]) -> None:
    mask = TWO.copy()
    mask[1, 2, 4] = 2  # Voxels of 0.002 ml: pieces of 0.006, 0.012 and 0.002 ml.
    mask[0, 4, 4] = 0
    changed = after(seen(mask, 1, 1), remove_small, ml)
    assert np.count_nonzero(changed, axis=(1, 2)).tolist() == left


def test_what_cannot_be_done_is_told() -> None:
    with pytest.raises(LesionsegError, match="There is no lesion at this place; click on one"):
        keep_at(seen(TWO, 0), (0, 3, 0))
    with pytest.raises(LesionsegError, match="The click is not on slice 0"):
        keep_at(seen(TWO, 0), (1, 3, 3))
    with pytest.raises(LesionsegError, match="There is only one piece of lesion in slice 1"):
        keep_largest(seen(TWO, 1))
    with pytest.raises(LesionsegError, match=r"No piece in slice 1 is smaller than 0\.001 ml"):
        remove_small(seen(TWO, 1), 0.001)
    with pytest.raises(LesionsegError, match="There is no lesion in slice 0"):
        keep_largest(seen(np.zeros_like(TWO)))
