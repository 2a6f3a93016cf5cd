from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.given import Edited
from napari_lesionseg.review.tools.margin import grow, shrink
from tests.review.tools.slabs import after, seen

POINT = np.zeros((7, 11, 11), np.uint8)
POINT[3, 5, 5] = 2
BLOCK = np.zeros((7, 11, 11), np.uint8)
BLOCK[1:6, 2:9, 2:9] = 1


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_a_slice_grows_in_its_plane_by_true_distances() -> None:
    changed = after(seen(POINT, 3, spacing=(1.0, 2.0, 1.0)), grow, 2.0)
    assert counts(changed) == [0, 0, 0, 7, 0, 0, 0]  # Two on either side along x, one along y.
    assert np.unique(changed).tolist() == [0, 1, 2]


def test_a_slab_grows_in_three_dimensions_and_stays_within_itself() -> None:
    assert counts(after(seen(POINT, 3, 3), grow, 2.0)) == [0, 0, 1, 13, 1, 0, 0]
    assert counts(after(seen(POINT, 3, 1), grow, 4.1)) == [0, 0, 37, 49, 37, 0, 0]


def test_what_lies_beyond_the_slab_grows_into_it() -> None:
    mask = POINT.copy()
    mask[3, 0, 0] = mask[6, 0, 0] = 1  # Slices 4 to 6 are the slab; (3, 5, 5) is 2 mm below it.
    changed = after(seen(mask, 5, 1), grow, 2.0)
    assert counts(changed) == [0, 0, 0, 2, 2, 1, 6]


def test_a_slice_shrinks_in_its_plane_and_a_slab_in_three_dimensions() -> None:
    assert counts(after(seen(BLOCK, 3), shrink, 1.0)) == [0, 49, 49, 25, 49, 49, 0]
    assert counts(after(seen(BLOCK, 3, 3), shrink, 2.0)) == [0, 0, 9, 9, 9, 0, 0]


def test_the_ends_of_a_slab_and_of_the_scan_are_not_the_end_of_the_lesion() -> None:
    assert counts(after(seen(BLOCK, 3, 1), shrink, 1.0)) == [0, 49, 25, 25, 25, 49, 0]
    through = np.zeros((3, 5, 7), np.uint8)
    through[:, :, 2:5] = 1
    assert counts(after(seen(through, 1, 1), shrink, 1.0)) == [5, 5, 5]


def test_growing_and_shrinking_again_gives_a_block_back() -> None:
    grown = after(seen(BLOCK, 3), grow, 1.5)
    assert np.array_equal(after(seen(grown, 3), shrink, 1.5), BLOCK)


def test_what_cannot_be_done_is_told() -> None:
    with pytest.raises(LesionsegError, match=r"0\.9 mm is less than a voxel"):
        grow(seen(POINT, 3), 0.9)
    with pytest.raises(LesionsegError, match="Shrinking by 4 mm would leave nothing in slices 2 to 4"):
        shrink(seen(BLOCK, 3, 1), 4)
    with pytest.raises(LesionsegError, match="There is no lesion in slice 0"):
        grow(seen(POINT, 0), 9)
    with pytest.raises(LesionsegError, match="is less than a voxel"):
        shrink(seen(np.ones((2, 3, 3), np.uint8)), 5)


@pytest.mark.parametrize("tool", [grow, shrink])
def test_a_slab_changes_as_it_would_in_the_whole_scan(tool: Callable[..., Edited]) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        mask = (ndimage.gaussian_filter(rng.random((14, 40, 40)), 2) > 0.505).astype(np.uint8)
        spacing = tuple(rng.uniform(0.5, 3, 3))
        whole = after(seen(mask, 7, 20, spacing=spacing), tool, 4.0)
        part = after(seen(mask, 7, 2, spacing=spacing), tool, 4.0)
        assert np.array_equal(part[5:10], whole[5:10])
        assert np.array_equal(np.delete(part, range(5, 10), axis=0), np.delete(mask, range(5, 10), axis=0))
