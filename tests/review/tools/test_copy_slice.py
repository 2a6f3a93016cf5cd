from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.copy_slice import copy_from_neighbour
from tests.review.tools.slabs import after, seen

STEPS = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 2, 2), np.uint8)


@pytest.mark.parametrize(("step", "label"), [(-1, 2), (1, 4)])
def test_a_slice_is_copied_from_either_neighbour(step: int, label: int) -> None:
    assert after(seen(STEPS, 3), copy_from_neighbour, step)[:, 0, 0].tolist() == [0, 1, 2, label, 4]


def test_a_slab_takes_the_slice_beyond_it() -> None:
    assert after(seen(STEPS, 2, 1), copy_from_neighbour, 1)[:, 0, 0].tolist() == [0, 4, 4, 4, 4]


@pytest.mark.parametrize(("z", "step", "side"), [(0, -1, "below"), (4, 1, "above")])
def test_the_last_slice_has_no_neighbour_and_never_wraps_round(z: int, step: int, side: str) -> None:
    with pytest.raises(LesionsegError, match=f"There is no neighbour {side} slice {z}; copy from the other side"):
        copy_from_neighbour(seen(STEPS, z), step)


def test_an_empty_slice_is_not_copied() -> None:
    with pytest.raises(LesionsegError, match="Slice 0 holds no lesion to copy; copy from the other side"):
        copy_from_neighbour(seen(STEPS, 1), -1)


def test_the_same_slice_again_is_told() -> None:
    with pytest.raises(LesionsegError, match="slice 2 is the same as slice 1"):
        copy_from_neighbour(seen(np.ones((3, 2, 2), np.uint8), 1), 1)
