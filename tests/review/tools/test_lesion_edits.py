from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.lesion_edits import cut, free_labels, merge, relabel, split
from tests.review.tools.slabs import after, pictures, seen

# Over three slices: a lesion of 6 voxels, which touches another label, and one of 2 voxels far from both.
THREE = pictures("1100000 0020000 0000011", "1100000 0000000 0000000", "1100000 0000000 0000000")


def counts(mask: np.ndarray) -> dict[int, int]:
    return {int(label): int(np.count_nonzero(mask == label)) for label in np.unique(mask) if label}


def dumbbell() -> np.ndarray:
    """Two boxes of 5 × 5 × 5 voxels, and a neck of one voxel's width and three voxels' length."""
    mask = np.zeros((7, 9, 19), np.uint8)
    mask[1:6, 2:7, 2:7] = mask[1:6, 2:7, 10:15] = 3
    mask[3, 4, 7:10] = 3
    return mask


def test_a_lesion_is_taken_out_in_all_slices_it_reaches_and_no_other() -> None:
    assert counts(after(seen(THREE, 2), relabel, [(0, 0, 1)], 0)) == {1: 2, 2: 1}


def test_a_lesion_gets_another_label_and_what_touches_it_keeps_its_own() -> None:
    assert counts(after(seen(THREE), relabel, [(2, 0, 0)], 7)) == {1: 2, 2: 1, 7: 6}


def test_merged_lesions_get_the_label_of_the_largest_and_no_voxel_is_added() -> None:
    assert counts(after(seen(THREE), merge, [(0, 1, 2), (0, 0, 0)], False)) == {1: 9}


def test_a_bridge_is_one_straight_line_of_voxels() -> None:
    changed = after(seen(THREE), merge, [(0, 0, 0), (0, 2, 6)], True)
    assert counts(changed) == {1: 8 + 3, 2: 1} or counts(changed) == {1: 8 + 4}
    added = np.argwhere((changed == 1) & (THREE != 1))
    assert set(added[:, 0]) == {0}
    assert np.all(np.diff(added[:, 2]) == 1)


def test_lesions_that_are_not_two_or_have_one_label_are_not_merged() -> None:
    with pytest.raises(LesionsegError, match="Merging needs two lesions"):
        merge(seen(THREE), [(0, 0, 0), (2, 0, 1)], False)
    with pytest.raises(LesionsegError, match="tick Bridge to join them"):
        merge(seen(THREE), [(0, 0, 0), (0, 2, 6)], False)


def test_a_lesion_is_split_where_it_is_narrow_and_the_larger_part_keeps_its_label() -> None:
    mask = dumbbell()
    mask[1:6, 2:7, 1] = 3  # 25 voxels more on the left.
    changed = after(seen(mask, spacing=(1.0, 1.0, 1.0)), split, (3, 4, 4), 2)
    assert set(counts(changed)) == {1, 3}
    assert np.array_equal(changed != 0, mask != 0)
    assert set(np.unique(changed[1:6, 2:7, 1:7])) == {3}
    assert set(np.unique(changed[1:6, 2:7, 10:15])) == {1}


def test_a_lesion_without_so_many_thick_places_is_not_split() -> None:
    with pytest.raises(LesionsegError, match="no 5 thick places"):
        split(seen(dumbbell(), spacing=(1.0, 1.0, 1.0)), (3, 4, 4), 5)


def test_a_cut_gives_what_lies_from_the_slice_upward_a_label_of_its_own() -> None:
    changed = after(seen(THREE, 1), cut, (0, 0, 0))
    assert counts(changed) == {1: 4, 2: 1, 3: 4}
    assert set(np.unique(changed[1:])) == {0, 3}


@pytest.mark.parametrize("z", [0, 2])
def test_a_cut_beside_the_lesion_is_refused(z: int) -> None:
    mask = THREE.copy()
    mask[2] = 0
    with pytest.raises(LesionsegError, match=f"lies on one side of slice {z}"):
        cut(seen(mask, z), (0, 0, 0))


def test_a_lesion_that_is_gone_is_told_so() -> None:
    with pytest.raises(LesionsegError, match="not in the mask any more"):
        relabel(seen(THREE), [(1, 2, 3)], 4)


def test_free_labels_are_the_lowest_that_nobody_uses() -> None:
    assert free_labels(THREE, 2) == [3, 4]
    full = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    with pytest.raises(LesionsegError, match="All 255 labels are used"):
        free_labels(full, 1)
