"""Outlines of regions: nothing is lost, whatever rule a reader fills them by."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from napari_lesionseg.volumes.export.contours import area, outlines


def drawn(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


def filled_one_by_one(region: np.ndarray) -> list[np.ndarray]:
    return [polygon2mask(region.shape, polygon) for polygon in outlines(region)]


def test_one_pixel_is_a_square_around_its_centre():
    (polygon,) = outlines(drawn("...", ".#.", "..."))
    assert sorted(map(tuple, polygon)) == [(0.5, 0.5), (0.5, 1.5), (1.5, 0.5), (1.5, 1.5)]


def test_a_line_of_pixels_has_four_corners_not_one_a_pixel():
    (polygon,) = outlines(drawn("######"))
    assert len(polygon) == 4
    assert area(polygon) == 6


def test_nothing_has_no_outline():
    assert outlines(np.zeros((4, 4), bool)) == []


def test_pixels_that_touch_at_a_corner_are_two_contours():
    assert len(outlines(drawn("#.", ".#"))) == 2


def test_a_hole_is_joined_to_its_outline_by_a_channel_without_width():
    region = drawn("#####", "#...#", "#####")
    (polygon,) = outlines(region)
    assert area(polygon) == 12
    # There and back: the end of the channel on the outline and the first corner of the hole occur twice.
    corners = list(map(tuple, polygon))
    assert corners.count((0.5, -0.5)) == 2
    assert corners.count((0.5, 0.5)) == 2


def test_an_island_in_a_hole_has_its_own_contour():
    region = drawn("#######", "#.....#", "#.###.#", "#.....#", "#######")
    assert sorted(area(polygon) for polygon in outlines(region)) == [3, 20]


def test_a_hole_left_of_a_hole_carries_the_channel_on():
    region = drawn("#######", "#.#.#.#", "#######")
    (polygon,) = outlines(region)
    assert (polygon2mask(region.shape, polygon) == region).all()


@pytest.mark.parametrize("density", [0.3, 0.5, 0.7, 0.9])
def test_any_region_is_filled_again_alike_by_union_and_by_exclusive_or(density: float):
    random = np.random.default_rng(int(density * 10))
    for _ in range(40):
        region = random.random(random.integers(1, 14, 2)) < density
        filled = filled_one_by_one(region)
        assert sum(area(polygon) for polygon in outlines(region)) == region.sum()
        assert (np.sum(filled, axis=0, initial=0) == region).all()  # A sum of 1 is union and exclusive or.


def test_an_outline_has_a_corner_only_where_it_turns():
    random = np.random.default_rng(5)
    for _ in range(20):
        for polygon in outlines(random.random((9, 9)) < 0.3):
            steps = np.roll(polygon, -1, axis=0) - polygon
            along_rows = steps[:, 0] == 0
            assert (along_rows != np.roll(along_rows, 1)).all()


def test_noise_of_a_full_slice_takes_seconds_not_minutes():
    region = np.random.default_rng(0).random((256, 256)) < 0.6
    assert sum(area(polygon) for polygon in outlines(region)) == region.sum()


def test_no_edge_is_walked_twice_but_the_channels():
    random = np.random.default_rng(3)
    for _ in range(40):
        region = random.random((12, 12)) < 0.8
        walked = sum(np.abs(polygon - np.roll(polygon, 1, axis=0))[:, 0].sum() for polygon in outlines(region))
        assert walked == np.count_nonzero(np.diff(np.pad(region, 1).astype(np.int8), axis=1))
