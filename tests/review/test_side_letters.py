"""The patient's sides at the borders of a picture, against the way the axes of a grid run in the patient."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from napari_lesionseg.review.side_letters import side_letters
from napari_lesionseg.volumes import Geometry

RAS = (("L", "R"), ("P", "A"), ("I", "S"))
"""Towards less and towards more of each axis of RAS millimetres."""


def affine(kind: str) -> np.ndarray:
    """A stored grid: axial, coronal slices with flips, or tilted by 20 degrees."""
    if kind == "coronal":
        return np.array([[2.0, 0, 0, 5], [0, 0, -3, 7], [0, -1, 0, 9], [0, 0, 0, 1]])
    tilt = np.eye(4)
    if kind == "tilted":
        c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
        tilt[1:3, 1:3] = [[c, -s], [s, c]]
    return np.diag([-1.0, -1.0, 2.0, 1.0]) @ tilt


@pytest.mark.parametrize("kind", ["axial", "coronal", "tilted"])
@pytest.mark.parametrize(("down", "across"), list(permutations(range(3), 2)))
def test_the_letters_are_where_the_millimetres_of_the_grid_say(kind: str, down: int, across: int) -> None:
    geometry = Geometry((6, 7, 8), affine(kind))
    middle, sides = np.array(geometry.display_shape) // 2, side_letters(down, across)
    for axis, first, last in ((down, sides.top, sides.bottom), (across, sides.left, sides.right)):
        ends = []
        for step in (-1, 1):
            place = middle.copy()
            place[axis] += step
            stored = np.zeros(3)
            for display, (own, flip) in enumerate(zip(geometry.axes, geometry.flips, strict=True)):
                stored[own] = geometry.shape[own] - 1 - place[display] if flip else place[display]
            ends.append(geometry.affine[:3, :3] @ stored)
        way = ends[1] - ends[0]
        world = int(np.argmax(np.abs(way)))
        assert (first, last) == (RAS[world] if way[world] > 0 else RAS[world][::-1])


def test_an_axial_picture_has_the_patients_right_on_its_left_and_the_front_at_its_top() -> None:
    assert side_letters(1, 2) == ("R", "L", "A", "P")


def test_a_flipped_camera_and_a_turned_layer_are_seen_through() -> None:
    assert side_letters(0, 2, flipped=(True, False)) == ("R", "L", "S", "I")
    quarter = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # y of the patient runs along world x, backwards along y.
    assert side_letters(1, 2, quarter) == side_letters(1, 2, quarter.astype(float))
    assert set(side_letters(1, 2, quarter)[:2]) == {"A", "P"}
    half = np.diag([1, -1, -1])
    assert side_letters(1, 2, half) == ("L", "R", "P", "A")
