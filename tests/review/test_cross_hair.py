"""The cross-hair: one voxel, whose slice is the session's."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.review.cross_hair import CrossHair
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume


def scan_of(shape: tuple[int, int, int]) -> Volume:
    return Volume(np.zeros(shape, np.int16), Geometry.from_spacing(shape, (1.0, 1.0, 1.0)))


def test_it_begins_in_the_middle_and_its_slice_is_the_sessions() -> None:
    session = Session()
    cross_hair = CrossHair(session)
    session.open_scan(scan_of((4, 10, 8)))
    assert cross_hair.place == (2, 5, 4)
    session.set_slice(3)
    assert cross_hair.place == (3, 5, 4)


def test_moving_it_moves_the_slice_and_is_told_once() -> None:
    session = Session()
    session.open_scan(scan_of((4, 10, 8)))
    cross_hair = CrossHair(session)
    told: list[tuple[int, int]] = []
    cross_hair.moved.connect(lambda y, x: told.append((y, x)))
    cross_hair.move_to((1, 9, 2))
    cross_hair.move_to((0, 9, 2))
    assert (cross_hair.place, session.slice_index, told) == ((0, 9, 2), 0, [(9, 2)])


def test_it_stays_inside_the_scan() -> None:
    session = Session()
    session.open_scan(scan_of((4, 10, 8)))
    cross_hair = CrossHair(session)
    cross_hair.move_to((99, -5, 99))
    assert cross_hair.place == (3, 0, 7)


def test_another_scan_on_a_grid_of_the_same_shape_keeps_it() -> None:
    session = Session()
    session.open_scan(scan_of((4, 10, 8)))
    cross_hair = CrossHair(session)
    cross_hair.move_to((1, 9, 2))
    session.open_scan(scan_of((6, 10, 8)))
    assert cross_hair.place[1:] == (9, 2)
    session.open_scan(scan_of((6, 20, 8)))
    assert cross_hair.place[1:] == (10, 4)
