"""From a scan to the network's grid and back: each step done again by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from napari_lesionseg.inference.lungs import lung_box
from napari_lesionseg.inference.preprocess import Grid, enlarge_logits, plan_grid, prepare, shrink_mask
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase

GRID = Geometry.from_spacing((6, 64, 48), (5.0, 1.5, 1.0))
RANDOM = np.random.default_rng(0)
HU = RANDOM.integers(-1200, 600, GRID.display_shape).astype(np.int16)
GREY = RANDOM.integers(0, 256, GRID.display_shape).astype(np.uint8)
WHOLE = np.s_[0:6, 0:64, 0:48]


def whole(size: tuple[int, int]) -> Grid:
    return Grid(WHOLE, size)


def test_without_a_crop_the_whole_slice_is_resized_to_a_square() -> None:
    grid = plan_grid(Volume(HU, GRID), Preprocessing(size=40))
    assert (grid.box, grid.size, grid.depth, grid.lungs) == (WHOLE, (40, 40), 6, None)


def test_with_a_pixel_size_millimetres_decide_and_stay_square() -> None:
    grid = plan_grid(Volume(HU, GRID), Preprocessing(pixel_mm=2.0))
    assert grid.size == (48, 24)  # 96 mm × 48 mm
    assert plan_grid(Volume(HU, GRID), Preprocessing(pixel_mm=20)).size == (16, 16)  # Not below 16 pixels.


def test_a_scan_of_grey_levels_has_no_trusted_spacing_and_no_lungs() -> None:
    grid = plan_grid(Volume(GREY, GRID, "grey"), Preprocessing(pixel_mm=2.0, crop="lungs", size=32))
    assert (grid.box, grid.size, grid.lungs) == (WHOLE, (32, 32), None)


def test_a_crop_to_the_lungs_is_the_box_around_them(phantom_case: PhantomCase) -> None:
    scan = phantom_case.scan
    grid = plan_grid(scan, Preprocessing(crop="lungs", margin_mm=10, pixel_mm=4))
    assert grid.lungs is not None
    assert grid.box == lung_box(grid.lungs, 10)
    _, dy, dx = scan.geometry.spacing
    sides = [(side.stop - side.start) * mm / 4 for side, mm in zip(grid.box[1:], (dy, dx), strict=True)]
    assert grid.size == pytest.approx(sides, abs=0.51)
    slices = prepare(scan, grid, Preprocessing(crop="lungs"))
    assert slices.shape == (grid.depth, *grid.size)
    assert plan_grid(scan, Preprocessing(crop="none")).box[1:] == np.s_[0:64, 0:64]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_the_window_maps_its_ends_to_0_and_255(dtype: type) -> None:
    hu = HU.astype(dtype)
    hu[0, 0, :5] = (-3000, -1000, -300, 400, 3000)
    slices = prepare(Volume(hu, GRID), whole((64, 48)), Preprocessing(window=(-1000, 400)))
    assert slices.dtype == np.uint8
    assert slices[0, 0, :5].tolist() == [0, 0, 128, 255, 255]
    assert np.abs(slices / 255 - np.clip((hu + 1000.0) / 1400, 0, 1)).max() <= 0.5 / 255 + 1e-6


def test_a_smaller_grid_averages_areas_before_the_window() -> None:
    slices = prepare(Volume(HU, GRID), whole((32, 24)), Preprocessing(window=(-1000, 400)))
    means = HU.reshape(6, 32, 2, 24, 2).mean(axis=(2, 4))
    assert np.abs(slices.astype(float) - np.clip((means + 1000) / 1400, 0, 1) * 255).max() <= 1.0


def test_only_the_box_is_looked_at() -> None:
    box = np.s_[2:5, 10:42, 8:40]
    slices = prepare(Volume(HU, GRID), Grid(box, (32, 32)), Preprocessing())
    assert np.array_equal(slices, prepare(Volume(HU, GRID), whole((64, 48)), Preprocessing())[box])


@pytest.mark.parametrize("clip", [2.0, 7.0])
@pytest.mark.parametrize("size", [(256, 256), (128, 128)])
def test_grey_levels_are_made_as_the_published_data_was(clip: float, size: tuple[int, int]) -> None:
    narrow = HU.astype(np.float32) * np.float32(
        0.2371
    )  # Each slice is stretched to its own minimum and maximum, which are not the window's.
    slices = prepare(
        Volume(narrow, GRID), whole(size), Preprocessing(window=(-1000, 400), grey_levels="clahe", clahe_clip=clip)
    )
    for ours, hu in zip(slices, narrow, strict=True):
        small = cv2.resize(hu, (256, 256), interpolation=cv2.INTER_LINEAR).astype(np.float64)
        share = (np.clip(small, -1000, 400) + 1000) / 1400
        share = (share - share.min()) / (share.max() - share.min())
        hand = cv2.createCLAHE(clipLimit=clip, tileGridSize=(8, 8)).apply(np.rint(share * 255).astype(np.uint8))
        hand = cv2.resize(hand, size, interpolation=cv2.INTER_AREA)
        assert (ours != hand).mean() < 0.01  # A value close to .5 may be rounded either way.
        assert np.abs(ours.astype(int) - hand).mean() < 0.1


def test_an_empty_slice_does_not_divide_by_nothing() -> None:
    flat = Volume(np.full(GRID.display_shape, -1000, np.int16), GRID)
    slices = prepare(flat, whole((32, 32)), Preprocessing(grey_levels="clahe"))
    assert len(np.unique(slices)) == 1


@pytest.mark.parametrize("grey_levels", ["window", "clahe"])
def test_grey_levels_pass_as_they_are(grey_levels: str) -> None:
    slices = prepare(Volume(GREY, GRID, "grey"), whole((64, 48)), Preprocessing(grey_levels=grey_levels))
    assert np.array_equal(slices, GREY)


def test_each_pixel_of_a_shrunk_mask_is_the_share_of_lesion_in_it() -> None:
    mask = Mask.empty(GRID)
    mask.array[1, 0, 0] = mask.array[1, 2:4, 2:4] = 1
    mask.array[1, 4, 4:6] = 7  # Any label is lesion.
    soft = shrink_mask(mask, whole((32, 24)))
    assert soft.dtype == np.uint8
    assert soft[1, 0, 0] in (63, 64)
    assert soft[1, 1, 1] == 255
    assert soft[1, 2, 2] in (127, 128)
    assert np.count_nonzero(soft) == 3


def test_a_shrunk_mask_keeps_its_area() -> None:
    mask = Mask((RANDOM.random(GRID.display_shape) < 0.2).astype(np.uint8), GRID)
    soft = shrink_mask(mask, whole((20, 15)))
    assert soft.mean() / 255 == pytest.approx(mask.array.mean(), rel=0.01)


def test_a_box_goes_to_the_networks_grid_and_back_unmoved() -> None:
    mask = Mask.empty(GRID)
    mask.array[3, 20:32, 14:30] = 1
    box = np.s_[2:5, 10:42, 8:40]
    grid = Grid(box, (16, 16))
    soft = shrink_mask(mask, grid)
    back = np.zeros(GRID.display_shape, np.uint8)
    for row, z in enumerate(range(2, 5)):
        logits = np.where(soft[row] > 127, 8.0, -8.0).astype(np.float32)
        back[z][box[1:]] = enlarge_logits(logits, grid) >= 128
    assert np.array_equal(back, mask.array)


@pytest.mark.parametrize("logit", [-200.0, -8.0, -1.0, 0.0, 2.0, 8.0, 200.0])
def test_a_constant_stays_that_constant_at_any_size(logit: float) -> None:
    for size in ((16, 16), (64, 48), (100, 30)):
        large = enlarge_logits(np.full(size, logit, np.float32), whole(size))
        assert large.shape == (64, 48)
        assert np.array_equal(large, np.full((64, 48), np.rint(255 / (1 + np.exp(-logit)))))


def test_logits_are_interpolated_and_not_probabilities() -> None:
    logits = np.array([[-6.0, 2.0]], np.float32).repeat(2, axis=0)
    large = enlarge_logits(logits, Grid(np.s_[0:1, 0:2, 0:4], (2, 2)))
    by_hand = 255 / (1 + np.exp(-np.array([-6, -4, 0, 2])))  # Pixel centres at −0.25, 0.25, 0.75, 1.25.
    assert large[0].tolist() == np.rint(by_hand).tolist()
