from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.grow_region import grow_from_seeds
from tests.review.tools.slabs import after, seen

EMPTY = np.zeros((5, 10, 10), np.uint8)
HU = np.full(EMPTY.shape, -850)
HU[1:4, 2:6, 2:6] = -500
HU[2, 6, 6] = -500  # Touches at a corner only.
HU[2, 3, 6:] = -500  # A way out, to the chest wall.
HU[:, :, 9] = -300
LUNGS = np.ones(EMPTY.shape, np.uint8)
LUNGS[:, :, 6:] = 0


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_a_region_is_what_hangs_together_by_faces_in_the_range() -> None:
    assert counts(after(seen(EMPTY, 2, hu=HU), grow_from_seeds, [(2, 4, 4)], -800, -400)) == [0, 0, 19, 0, 0]
    assert counts(after(seen(EMPTY, 2, hu=HU), grow_from_seeds, [(2, 4, 4)], -800, -100)) == [0, 0, 29, 0, 0]


def test_the_lungs_end_it() -> None:
    given = seen(EMPTY, 2, 2, hu=HU, lungs=LUNGS)
    assert counts(after(given, grow_from_seeds, [(2, 4, 4)], -800, -100)) == [0, 16, 16, 16, 0]


def test_it_grows_through_a_slab_and_no_further() -> None:
    assert counts(after(seen(EMPTY, 2, 1, hu=HU), grow_from_seeds, [(3, 4, 4)], -800, -400)) == [0, 16, 19, 16, 0]
    assert counts(after(seen(EMPTY, 1, hu=HU), grow_from_seeds, [(1, 4, 4)], -800, -400)) == [0, 16, 0, 0, 0]


def test_seeds_outside_are_left_out_and_labels_stay() -> None:
    mask = EMPTY.copy()
    mask[2, 2, 2] = 7
    changed = after(seen(mask, 2, hu=HU), grow_from_seeds, [(1, 4, 4), (2, 0, 0), (2, 4, 4)], -800, -400, label=2)
    assert (changed[2, 2, 2], np.count_nonzero(changed == 2)) == (7, 18)


def test_what_cannot_grow_is_told() -> None:
    with pytest.raises(LesionsegError, match="No seed in slice 2 lies between -800 and -400 HU inside the lungs"):
        grow_from_seeds(seen(EMPTY, 2, hu=HU, lungs=LUNGS), [(2, 3, 7)], -800, -400)
    with pytest.raises(LesionsegError, match="No seed in slice 2 lies between"):
        grow_from_seeds(seen(EMPTY, 2, hu=HU), [(1, 4, 4)], -800, -400)
    with pytest.raises(LesionsegError, match="All of the region is lesion already in slice 2"):
        grow_from_seeds(seen(EMPTY + 1, 2, hu=HU), [(2, 4, 4)], -800, -400)
