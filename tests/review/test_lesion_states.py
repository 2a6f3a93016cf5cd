from __future__ import annotations

import numpy as np

from napari_lesionseg.review.lesion_states import LesionStates
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume

HERE, THERE = (0, 1, 1), (2, 3, 3)


def mask() -> np.ndarray:
    made = np.zeros((3, 5, 5), np.uint8)
    made[HERE] = made[THERE] = 2
    return made


def test_an_accepted_lesion_is_accepted_as_long_as_its_voxel_has_its_label() -> None:
    states, labels = LesionStates(), mask()
    states.accept(HERE, 2)
    assert states.accepted_in(labels) == [HERE]
    labels[HERE] = 1
    assert states.accepted_in(labels) == []


def test_a_rejected_lesion_that_undo_brings_back_is_rejected_no_more() -> None:
    states, labels = LesionStates(), mask()
    states.reject(THERE, 2)
    assert states.rejected_in(labels) == []
    labels[THERE] = 0
    assert states.rejected_in(labels) == [THERE]


def test_what_was_said_of_a_lesion_can_be_taken_back() -> None:
    states = LesionStates()
    states.accept(HERE, 2)
    states.accept(THERE, 2)
    states.forget(lambda place: place == HERE)
    assert states.accepted_in(mask()) == [THERE]


def test_another_scan_has_no_states() -> None:
    session = Session()
    session.lesion_states.accept(HERE, 2)
    session.open_scan(Volume(np.zeros((3, 5, 5), np.int16), Geometry.from_spacing((3, 5, 5), (1.0, 1.0, 1.0))))
    assert session.lesion_states.accepted_in(mask()) == []
