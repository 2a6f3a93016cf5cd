from __future__ import annotations

import numpy as np
import pytest
from lesionseg_training.augment import Bytes, View, apply_view, draw_view, whole

ZOOM = (0.8, 1.25)


def _picture(height: int = 40, width: int = 50) -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def _lesion(row: int, column: int, shape: tuple[int, int] = (64, 64)) -> Bytes:
    soft = np.zeros(shape, np.uint8)
    soft[row - 2 : row + 3, column - 2 : column + 3] = 255
    return soft


@pytest.mark.parametrize("shape", [(40, 50), (41, 51), (40, 51), (1, 1)])
def test_the_whole_view_is_the_slice_itself(shape: tuple[int, int]) -> None:
    picture = _picture(*shape)
    grey, target = apply_view(np.stack([picture, 255 - picture, picture]), picture[None], whole(picture), shape)
    assert grey.dtype == target.dtype == np.float32
    assert np.array_equal(grey, np.float32([picture, 255 - picture, picture]) / np.float32(255))
    assert np.array_equal(target[0], np.float32(picture) / np.float32(255))


def test_grey_and_target_stay_aligned_under_every_view() -> None:
    rng, picture = np.random.default_rng(1), _picture()
    for _ in range(100):
        drawn = draw_view(rng, picture, (32, 48), ZOOM, augment=True)
        moved = View(drawn.centre, drawn.degrees, drawn.zoom, drawn.mirror)  # Turned, but not coloured.
        grey, target = apply_view(np.stack([picture] * 5), np.stack([picture] * 2), moved, (32, 48))
        assert (grey.shape, target.shape) == ((5, 32, 48), (2, 32, 48))
        assert all(np.array_equal(image, target[0]) for image in (*grey, *target))


def test_colours_leave_the_target_alone() -> None:
    picture = _picture()
    plain = whole(picture)
    colours = {"gamma": 1.3, "inverted": True, "gain": 0.9, "offset": 0.05, "contrast": 0.8}
    coloured = View(plain.centre, **colours, coarse=0.7, blur=0.8, noise=0.05, noise_seed=3)
    (grey, target), (other, same) = (
        apply_view(picture[None], picture[None], view, (40, 50)) for view in (plain, coloured)
    )
    assert np.array_equal(target, same)
    assert 0.02 < np.abs(grey - other).mean() < 0.3
    assert (other.min(), other.max()) >= (0, 0)
    assert other.max() <= 1


def test_gamma_gain_and_offset_are_as_on_paper() -> None:
    half = np.full((1, 4, 4), 51, np.uint8)  # 0.2
    view = View((1.5, 1.5), gamma=2.0, gain=1.5, offset=0.1)
    grey, _ = apply_view(half, half, view, (4, 4))
    assert grey == pytest.approx(np.full((1, 4, 4), 0.2**2 * 1.5 + 0.1), abs=1e-6)


def test_an_inverted_gamma_bends_the_grey_levels_from_the_white_end() -> None:
    half = np.full((1, 4, 4), 51, np.uint8)  # 0.2
    grey, _ = apply_view(half, half, View((1.5, 1.5), gamma=2.0, inverted=True), (4, 4))
    assert grey == pytest.approx(np.full((1, 4, 4), 1 - 0.8**2), abs=1e-6)


def test_contrast_is_stretched_around_the_mean_of_the_cut_out() -> None:
    halves = np.repeat(np.uint8([[[51, 153]]]), 2, axis=1)  # 0.2 and 0.6: the mean is 0.4.
    grey, _ = apply_view(halves, halves, View((0.5, 0.5), contrast=0.5), (2, 2))
    assert grey[0] == pytest.approx(np.array([[0.3, 0.5]] * 2), abs=1e-6)


def test_half_the_resolution_keeps_the_mean_and_loses_what_is_a_pixel_wide() -> None:
    stripes = np.tile(np.uint8([0, 200]), (1, 32, 16))
    blocks = np.repeat(np.tile(np.uint8([0, 200]), (1, 32, 4)), 4, axis=2)
    for picture, kept in ((stripes, 0.0), (blocks, 0.5)):
        grey, target = apply_view(picture, picture, View((15.5, 15.5), coarse=0.5), (32, 32))
        assert grey.mean() == pytest.approx(100 / 255, abs=0.01)
        assert kept <= grey.std() / target.std() < kept + 0.5


def test_noise_is_as_strong_as_asked_for_and_its_own_in_every_slice() -> None:
    flat = np.full((3, 64, 64), 128, np.uint8)
    grey, _ = apply_view(flat, flat, View((31.5, 31.5), noise=0.05, noise_seed=3), (64, 64))
    assert grey.std(axis=(1, 2)) == pytest.approx([0.05] * 3, rel=0.05)
    assert abs(np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("centre", [(19.5, 24.5), (3.5, 44.5), (-6.5, 60.5), (90.5, 24.5)])
@pytest.mark.parametrize("mirror", [False, True])
def test_whole_pixels_are_copied_as_they_would_be_turned_by_nothing(centre: tuple[float, float], mirror: bool) -> None:
    picture = _picture()
    copied, _ = apply_view(picture[None], picture[None], View(centre, mirror=mirror), (16, 32))
    turned, _ = apply_view(picture[None], picture[None], View(centre, mirror=mirror, zoom=1 + 1e-12), (16, 32))
    assert np.array_equal(copied, turned)


def test_half_of_the_cut_outs_are_as_sharp_as_the_slices_in_use() -> None:
    rng, picture = np.random.default_rng(8), _picture()
    drawn = [draw_view(rng, picture, (32, 32), ZOOM, augment=True) for _ in range(400)]
    assert np.mean([view.degrees == 0 and view.zoom == 1 for view in drawn]) == pytest.approx(0.5, abs=0.08)
    for name, plain, share in (("inverted", False, 0.1), ("contrast", 1, 0.15), ("coarse", 1, 0.25), ("blur", 0, 0.2)):
        assert np.mean([getattr(view, name) != plain for view in drawn]) == pytest.approx(share, abs=0.07), name


def test_a_mirror_swaps_left_and_right() -> None:
    picture = _picture()
    grey, target = apply_view(picture[None], picture[None], View((19.5, 24.5), mirror=True), (40, 50))
    assert np.array_equal(target[0], np.float32(picture[:, ::-1]) / np.float32(255))
    assert np.array_equal(grey, target)


def test_a_zoom_of_two_makes_a_lesion_four_times_as_large() -> None:
    soft = _lesion(32, 32)
    _, target = apply_view(soft[None], soft[None], View((32.0, 32.0), zoom=2.0), (64, 64))
    assert target.sum() == pytest.approx(4 * 25, rel=0.02)


def test_a_turn_by_ninety_degrees_turns_the_slice() -> None:
    picture = _picture(40, 40)
    _, target = apply_view(picture[None], picture[None], View((19.5, 19.5), degrees=90.0), (40, 40))
    expected = np.float32(picture) / np.float32(255)
    assert min(np.abs(target[0] - np.rot90(expected, turns)).max() for turns in (1, 3)) < 0.02


def test_a_cut_out_larger_than_the_slice_is_black_and_empty_around_it() -> None:
    picture = np.full((20, 31), 255, np.uint8)
    view = draw_view(np.random.default_rng(0), picture, (32, 32), ZOOM, augment=False)
    grey, target = apply_view(picture[None], picture[None], view, (32, 32))
    assert target.sum() == 20 * 31
    assert set(np.unique(target)) == {0.0, 1.0}  # On whole pixels: nothing is blurred.
    assert target[0, 6:26, :31].all() or target[0, 6:26, 1:].all()
    assert np.array_equal(grey, target)


@pytest.mark.parametrize("shape", [(64, 80), (65, 81), (20, 81)])
def test_without_augmentation_a_cut_out_is_a_part_of_the_slice_unchanged(shape: tuple[int, int]) -> None:
    rng, picture = np.random.default_rng(2), _picture(*shape)
    for _ in range(20):
        view = draw_view(rng, picture, (16, 33), ZOOM, augment=False)
        _, target = apply_view(picture[None], picture[None], view, (16, 33))
        top, left = (int(c - (p - 1) / 2) for c, p in zip(view.centre, (16, 33), strict=True))
        assert np.array_equal(target[0], np.float32(picture[top : top + 16, left : left + 33]) / np.float32(255))


def test_a_drawn_centre_keeps_the_cut_out_inside_the_slice() -> None:
    rng, soft = np.random.default_rng(3), _lesion(2, 61)
    for _ in range(200):
        row, column = draw_view(rng, soft, (32, 48), ZOOM, augment=True).centre
        assert 15.5 <= row <= 47.5
        assert 23.5 <= column <= 39.5


def test_half_of_the_cut_outs_or_more_show_the_lesion() -> None:
    rng, soft = np.random.default_rng(4), _lesion(100, 400, (512, 512))
    seen = 0
    for _ in range(400):
        view = draw_view(rng, soft, (64, 64), ZOOM, augment=False)
        seen += apply_view(soft[None], soft[None], view, (64, 64))[1].any()
    assert 0.45 < seen / 400 < 0.6


def test_zooms_lie_in_the_range_asked_for() -> None:
    rng = np.random.default_rng(5)
    zooms = [draw_view(rng, _picture(), (32, 32), (0.5, 2.0), augment=True).zoom for _ in range(600)]
    assert 0.5 <= min(zooms) < 0.55
    assert 1.8 < max(zooms) <= 2.0
    assert np.mean(np.log(zooms)) == pytest.approx(0, abs=0.1)  # As often larger as smaller.


def test_the_same_random_numbers_show_the_same_view_to_the_bit() -> None:
    picture = _picture()

    def views(seed: int) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        drawn = [draw_view(rng, picture, (32, 32), ZOOM, augment=True) for _ in range(20)]
        return [apply_view(picture[None], picture[None], view, (32, 32))[0] for view in drawn]

    assert all(np.array_equal(a, b) for a, b in zip(views(6), views(6), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(views(6), views(7), strict=True))
