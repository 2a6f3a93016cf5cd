"""A session that begins with a journal's mask: it is taken as it is, with its history, and compared with its twin."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, Marks
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes import Geometry, Mask, Volume

GRID = Geometry.from_spacing((4, 8, 8), (2.0, 1.0, 1.0))
LINE = Entry(1, "edit", "threshold", 3, 5, "2026-01-01T00:00:00.000+00:00", None, None, Marks(threshold=(0.5, 0.25)))


def begun(**more: object) -> tuple[Session, Start]:
    mask = Mask.empty(GRID)
    mask.array[1, 2, 2] = 1
    start = Start(mask, (LINE,), frozenset({1}), mask.array.copy(), **more)  # type: ignore[arg-type]
    session = Session()
    session.open_scan(Volume(np.zeros((4, 8, 8), np.int16), GRID), None, start)
    return session, start


def test_the_mask_is_taken_as_it_is_with_its_history() -> None:
    session, start = begun(slice=3)
    assert session.mask is start.mask
    assert [step.name for step in session.history.steps] == ["threshold, slice 3, +5 voxels"]
    assert (session.corrected_slices, session.threshold, session.slice_index) == ({1}, 0.25, 3)
    assert begun()[0].slice_index == 2


def test_only_what_is_drawn_from_then_on_is_an_edit() -> None:
    session, _ = begun()
    lines: list[Entry] = []
    session.edited.connect(lines.append)
    session.settle()
    assert lines == []
    session.mask.array[1, 2, 3] = 1
    session.mask.array[3, 7, 7] = 1
    session.settle()
    assert [(line.position, line.voxels) for line in lines] == [(2, 2)]


def test_a_mask_on_another_grid_is_refused_and_the_open_scan_stays() -> None:
    session, start = begun()
    other = Volume(np.zeros((4, 8, 8), np.int16), Geometry.from_spacing((4, 8, 8), (3.0, 1.0, 1.0)))
    with pytest.raises(LesionsegError, match="another grid"):
        session.open_scan(other, None, Start(Mask.empty(GRID)))
    assert session.mask is start.mask
