from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.components import components_by_box
from napari_lesionseg.review.lesions import label_by_label, label_lesions


@pytest.mark.parametrize("shape", [(6, 40, 40), (5, 33, 47), (1, 9, 7)])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_components_are_those_of_the_whole_mask(shape: tuple[int, int, int], share: float) -> None:
    rng = np.random.default_rng(int(100 * share) + shape[1])
    labels = ((rng.random(shape) < share) * rng.integers(1, 3, shape)).astype(np.uint8)
    ours, voxels, boxes = components_by_box(labels)
    theirs, counts = label_by_label(labels)
    pairs = np.unique(np.stack([ours.ravel(), theirs.ravel()]), axis=1)
    assert len(pairs[0]) == len(set(pairs[0])) == len(set(pairs[1]))  # One of ours for each of theirs.
    assert sorted(voxels) == sorted(counts)
    for number, box in enumerate(boxes, 1):
        inside = ours == number
        assert np.count_nonzero(inside[box]) == np.count_nonzero(inside) == voxels[number - 1]
        assert [(int(at.min()), int(at.max()) + 1) for at in np.nonzero(inside)] == [(s.start, s.stop) for s in box]


def test_two_voxels_in_one_row_of_blocks_are_two_components() -> None:
    labels = np.zeros((3, 6, 6), np.uint8)
    labels[0, :2, 0] = labels[2, 5, 5] = 1  # As blocks: one, none, one, on which cc3d fails if they are bool.
    assert components_by_box(labels)[1].tolist() == [2, 1]
    assert label_lesions(np.array([[[True, False, True]]]))[1].tolist() == [1, 1]


def test_an_empty_mask_has_no_component() -> None:
    components, voxels, boxes = components_by_box(np.zeros((0, 0, 0), np.uint8))
    assert (components.size, len(voxels), boxes) == (0, 0, [])
    assert len(components_by_box(np.zeros((3, 9, 9), np.uint8))[1]) == 0
