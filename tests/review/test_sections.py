"""Sections as pictures: which side is where, and that a pixel and its voxel find each other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.sections import LETTERS, Plane, Section, outline

SHAPE, SPACING = (4, 5, 6), (2.0, 1.0, 0.5)


def corner_lit(place: tuple[int, int, int]) -> np.ndarray:
    array = np.zeros(SHAPE, np.uint8)
    array[place] = 1
    return array


@pytest.mark.parametrize(
    ("plane", "size", "pixel_mm"),
    [("axial", (5, 6), (1.0, 0.5)), ("coronal", (4, 6), (2.0, 0.5)), ("sagittal", (4, 5), (2.0, 1.0))],
)
def test_a_picture_has_the_rows_columns_and_mm_of_its_plane(
    plane: Plane, size: tuple[int, int], pixel_mm: tuple[float, float]
) -> None:
    section = Section(plane, SHAPE, SPACING)
    assert (section.size, section.pixel_mm) == (size, pixel_mm)
    assert section.cut(np.zeros(SHAPE), 0).shape == size


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_superior_is_up(plane: Plane) -> None:
    section = Section(plane, SHAPE, SPACING)
    top = section.cut(corner_lit((3, 0, 0)), 0)
    assert np.argwhere(top).tolist() == [[0, 0]]
    assert LETTERS[plane][2:] == ("S", "I")


def test_the_patients_right_is_on_the_left_of_a_coronal_picture() -> None:
    right = Section("coronal", SHAPE, SPACING).cut(corner_lit((0, 2, 0)), 2)  # x grows to the patient's left.
    assert np.argwhere(right).tolist() == [[3, 0]]
    assert LETTERS["coronal"][:2] == ("R", "L")


def test_anterior_is_on_the_left_of_a_sagittal_picture() -> None:
    front = Section("sagittal", SHAPE, SPACING).cut(corner_lit((0, 0, 4)), 4)  # y grows to posterior.
    assert np.argwhere(front).tolist() == [[3, 0]]
    assert LETTERS["sagittal"][:2] == ("A", "P")


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_every_voxel_is_found_again_from_its_pixel(plane: Plane) -> None:
    section = Section(plane, SHAPE, SPACING)
    for place in np.ndindex(SHAPE):
        pixel = section.pixel(place)
        assert section.cut(corner_lit(place), place[section.through])[pixel] == 1
        elsewhere = list(place)
        elsewhere[section.axes[0]] = elsewhere[section.axes[1]] = 0
        assert section.voxel(pixel, tuple(elsewhere)) == place


def test_scrolling_ends_at_the_last_section() -> None:
    section = Section("sagittal", SHAPE, SPACING)
    assert section.scrolled((1, 2, 3), 1) == (1, 2, 4)
    assert section.scrolled((1, 2, 3), 9) == (1, 2, 5)
    assert section.scrolled((1, 2, 3), -9) == (1, 2, 0)


def test_an_outline_of_a_5_by_5_square_has_16_pixels_also_at_the_pictures_end() -> None:
    picture = np.zeros((8, 8), np.uint8)
    picture[3:, 3:] = 2
    assert int(outline(picture).sum()) == 16
    assert set(np.unique(outline(picture))) == {0, 1}
