"""Surface distances against a reference that compares every voxel with every voxel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.review.surfaces import bounding_box, surface, surface_distances
from tests.review.slow_surfaces import slow_distances, slow_surface

SPACING = (2.5, 0.7, 0.9)


def blobs(seed: int, threshold: float) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(7, 12, 11)), 1.2)
    return (noise > threshold * noise.std()).astype(np.uint8)


@pytest.mark.parametrize("seed", range(6))
def test_hd95_and_nsd_equal_the_slow_reference(seed: int) -> None:
    mask, truth = blobs(seed, 0.6), blobs(seed + 100, 0.9)
    measured = surface_distances(mask, truth, SPACING)
    forth, back = slow_distances(mask, truth, SPACING)
    assert measured.hd95 == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)), abs=1e-9)
    for tolerance in (0.8, 2.0, 5.0):
        near = (forth <= tolerance + 1e-6).sum() + (back <= tolerance + 1e-6).sum()
        assert measured.nsd(tolerance) == pytest.approx(near / (len(forth) + len(back)), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_surface_is_the_mask_minus_its_erosion(seed: int) -> None:
    mask = blobs(seed, 0.2) != 0
    np.testing.assert_array_equal(surface(mask), mask & ~ndimage.binary_erosion(mask))
    assert [tuple(map(int, voxel)) for voxel in np.argwhere(surface(mask))] == slow_surface(mask)


def test_a_solid_cube_of_27_voxels_has_one_inside() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[1:4, 1:4, 1:4] = True
    assert surface(mask).sum() == 26
    assert surface(np.ones((3, 3, 3), bool)).sum() == 26


def test_two_single_voxels_are_as_far_apart_as_the_spacing_says() -> None:
    mask, truth = np.zeros((2, 4, 5, 6), np.uint8)
    mask[0, 0, 0] = truth[3, 4, 0] = 1
    distances = surface_distances(mask, truth, SPACING)
    assert distances.hd95 == pytest.approx(np.hypot(3 * 2.5, 4 * 0.7))
    assert distances.nsd(8.0) == 0
    assert distances.nsd(8.01) == 1


def test_five_voxels_of_0_4_mm_lie_within_2_mm_in_spite_of_rounding() -> None:
    mask, truth = np.zeros((2, 1, 1, 12), np.uint8)
    mask[0, 0, :2] = truth[0, 0, 0] = truth[0, 0, 6] = 1
    assert 6 * 0.4 - 1 * 0.4 > 2.0
    assert surface_distances(mask, truth, (1.0, 1.0, 0.4)).nsd(2.0) == 1


def test_hd95_is_the_larger_direction_and_not_the_pool() -> None:
    mask, truth = np.zeros((2, 1, 1, 101), np.uint8)
    mask[0, 0, :10], truth[0, 0, 100] = 1, 1
    mask[0, 0, 100] = 1
    distances = surface_distances(mask, truth, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(sorted(distances.forth), [0, *range(91, 101)])
    assert distances.back.tolist() == [0]
    assert distances.hd95 == pytest.approx(99.5)  # Pooling twelve distances would give 99.45.


def test_equal_masks_are_at_distance_zero() -> None:
    distances = surface_distances(blobs(1, 0.5), blobs(1, 0.5) * 3, SPACING)
    assert distances.hd95 == 0
    assert distances.nsd(2.0) == 1


def test_an_empty_mask_has_no_hd95_and_two_have_no_nsd_either() -> None:
    empty, full = np.zeros((3, 4, 4), np.uint8), np.ones((3, 4, 4), np.uint8)
    for pair in ((empty, full), (full, empty)):
        assert surface_distances(*pair, SPACING).hd95 is None
        assert surface_distances(*pair, SPACING).nsd(1e9) == 0
    assert surface_distances(empty, empty, SPACING).hd95 is None
    assert surface_distances(empty, empty, SPACING).nsd(2.0) is None


def test_the_box_holds_all_masks_and_nothing_more() -> None:
    one, other = np.zeros((2, 9, 9, 9), np.uint8)
    one[2, 3, 4] = other[5, 1, 8] = 1
    assert bounding_box(one, other) == (slice(2, 6), slice(1, 4), slice(4, 9))
    assert one[bounding_box(one * 0)].size == 0
