from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.gates import hu_gate
from napari_lesionseg.review.tools.scissors import scissors
from tests.review.tools.slabs import after, seen

EMPTY, FULL = np.zeros((3, 8, 8), np.uint8), np.full((3, 8, 8), 2, np.uint8)
SQUARE = [(1.5, 1.5), (1.5, 5.5), (4.5, 5.5), (4.5, 1.5)]  # 3 rows of 4 voxels.


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_what_an_outline_encloses_is_added_to_a_slice_or_through_a_slab() -> None:
    assert counts(after(seen(EMPTY, 1), scissors, SQUARE, add=True)) == [0, 12, 0]
    assert counts(after(seen(EMPTY, 1, 1), scissors, SQUARE, add=True)) == [12, 12, 12]
    assert after(seen(EMPTY, 1), scissors, SQUARE, add=True, label=4).max() == 4


def test_what_an_outline_encloses_is_cut_out() -> None:
    assert counts(after(seen(FULL, 1, 1), scissors, SQUARE, add=False)) == [52, 52, 52]


def test_adding_over_another_label_leaves_it() -> None:
    mask = EMPTY.copy()
    mask[1, 2, 2] = 2
    changed = after(seen(mask, 1), scissors, SQUARE, add=True)
    assert (changed[1, 2, 2], np.count_nonzero(changed == 1)) == (2, 11)


def test_only_what_the_gate_lets_through_is_added() -> None:
    hu = np.full(EMPTY.shape, -850)
    hu[1, 3, :] = -500
    given = seen(EMPTY, 1, 1, hu=hu)
    assert counts(after(given, scissors, SQUARE, add=True, gate=hu_gate(given, -800, -100))) == [0, 4, 0]


def test_an_outline_over_the_edge_ends_there() -> None:
    outline = [(-5.0, -5.0), (-5.0, 1.5), (1.5, 1.5), (1.5, -5.0)]
    assert counts(after(seen(EMPTY, 0), scissors, outline, add=True)) == [4, 0, 0]


def test_what_cannot_be_done_is_told() -> None:
    with pytest.raises(LesionsegError, match="fewer than three corners"):
        scissors(seen(EMPTY), SQUARE[:2], add=True)
    with pytest.raises(LesionsegError, match="nothing to remove inside the outline in slices 0 to 2"):
        scissors(seen(EMPTY, 1, 1), SQUARE, add=False)
    with pytest.raises(LesionsegError, match="nothing to add inside the outline"):
        scissors(seen(EMPTY), [(-3, -3), (-3, -1), (-1, -1)], add=True)
