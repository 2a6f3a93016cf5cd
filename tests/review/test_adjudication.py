"""Settling two readings: what each take writes, that it is one edit to undo, and what is left to decide."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.adjudication import Adjudication
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Mask, Volume
from tests.review.test_agreement import FAR, GRID, HALF, LEFT, mask


@pytest.fixture
def session() -> Session:
    made = Session()
    made.open_scan(Volume(np.full((6, 10, 10), -800, np.int16), GRID))
    made.set_slice(1)
    return made


@pytest.fixture
def two(session: Session) -> Adjudication:
    """LEFT by A; HALF and FAR by B: three pieces, A's of 16 voxels, B's of 16 and 4."""
    made = Adjudication(mask(LEFT), mask(HALF, FAR))
    made.begin(session)
    return made


def voxels(session: Session) -> int:
    return int(np.count_nonzero(session.mask.array))


def test_it_begins_with_what_both_have_and_all_pieces_undecided(session: Session, two: Adjudication) -> None:
    np.testing.assert_array_equal(session.mask.array, mask(LEFT).array & mask(HALF).array)
    assert (voxels(session), two.undecided(session.mask)) == (16, [0, 1, 2])


@pytest.mark.parametrize(("take", "here", "lesion", "scan"), [
    ("A", 16 + 8, 32, 32),
    ("B", 16 + 8, 32, 36),
    ("both", 16 + 16, 48, 52),
    ("agreed", 16, 16, 16),
])  # fmt: skip
def test_each_take_writes_a_slice_a_lesion_or_the_scan(
    session: Session, two: Adjudication, take: str, here: int, lesion: int, scan: int
) -> None:
    found = []
    for where in ("slice", "lesion", "scan"):
        two.take(session, take, where, (1, 0, 0))
        found.append(voxels(session))
        two.take(session, "agreed", "scan")
        assert voxels(session) == 16
    assert found == [here, lesion, scan]


def test_a_take_is_one_edit_with_its_name_and_can_be_undone_and_redone(session: Session, two: Adjudication) -> None:
    entries = []
    session.edited.connect(entries.append)
    before = session.mask.array.copy()
    two.take(session, "both", "scan")
    assert [(one.kind, one.tool, one.voxels) for one in entries] == [("edit", "take both", 36)]
    after = session.mask.array.copy()
    session.undo()
    np.testing.assert_array_equal(session.mask.array, before)
    assert two.undecided(session.mask) == [0, 1, 2]
    session.redo()
    np.testing.assert_array_equal(session.mask.array, after)
    assert two.undecided(session.mask) == []


def test_of_a_lesion_nothing_beside_it_is_touched(session: Session, two: Adjudication) -> None:
    session.mask.array[1, 9, 9] = 1
    session.mark_edited([1])
    two.take(session, "A", "lesion", (2, 5, 3))
    assert session.mask.array[1, 9, 9] == 1
    assert voxels(session) == 32 + 1


def test_what_is_left_out_is_decided_as_well(session: Session, two: Adjudication) -> None:
    two.take(session, "agreed", "lesion", (1, 0, 0))
    assert two.undecided(session.mask) == [2]
    two.take(session, "A", "scan")
    assert two.undecided(session.mask) == []


def test_a_piece_of_two_slices_is_decided_once_both_are(session: Session, two: Adjudication) -> None:
    two.take(session, "A", "slice")
    assert two.undecided(session.mask) == [0, 1, 2]
    session.set_slice(2)
    two.take(session, "agreed", "slice")
    assert two.undecided(session.mask) == [2]


def test_a_brush_decides_what_it_paints(session: Session, two: Adjudication) -> None:
    session.mask.array[5, 8, 8] = 1
    session.mark_edited([5])
    assert two.undecided(session.mask) == [0, 1]


def test_steps_lead_through_the_undecided_pieces_largest_first_and_round(session: Session, two: Adjudication) -> None:
    at = session.mask
    assert [two.step(None, 1, at), two.step(0, 1, at), two.step(2, 1, at)] == [0, 1, 0]
    assert [two.step(None, -1, at), two.step(2, -1, at), two.step(0, -1, at)] == [2, 1, 2]
    two.take(session, "both", "lesion", (5, 8, 8))
    assert [two.step(1, 1, at), two.step(0, -1, at)] == [0, 1]
    two.take(session, "both", "scan")
    assert [two.step(1, 1, at), two.step(1, -1, at)] == [2, 0]  # All are decided: none is passed over.


def test_readings_that_agree_lead_nowhere(session: Session) -> None:
    same = Adjudication(mask(LEFT), mask(LEFT))
    same.begin(session)
    assert (voxels(session), same.step(None, 1, session.mask), same.undecided(session.mask)) == (32, None, [])


def test_where_no_reading_has_a_lesion_none_is_taken(session: Session, two: Adjudication) -> None:
    before = session.mask.array.copy()
    for voxel in ((0, 0, 0), (99, 0, 0), None):
        with pytest.raises(LesionsegError, match="Neither reading has a lesion there"):
            two.take(session, "A", "lesion", voxel)
    np.testing.assert_array_equal(session.mask.array, before)


def test_readings_of_another_scan_are_not_written_into_this_one(session: Session, two: Adjudication) -> None:
    other = Geometry.from_spacing((6, 10, 10), (10.0, 5.0, 4.5))
    session.open_scan(Volume(np.zeros((6, 10, 10), np.int16), other))
    with pytest.raises(LesionsegError, match="not of the open scan"):
        two.take(session, "both", "scan")
    assert voxels(session) == 0


def test_the_readings_themselves_are_never_written_to(session: Session) -> None:
    a, b = Mask(mask(LEFT).array, GRID), mask(HALF)
    two = Adjudication(a, b)
    two.begin(session)
    two.take(session, "both", "scan")
    assert (int(a.array.sum()), int(b.array.sum()), int(two.a.array.sum())) == (32, 32, 32)


def test_in_a_case_that_is_only_read_nothing_is_taken_or_decided(session: Session, two: Adjudication) -> None:
    before = session.mask.array.copy()
    session.set_editable(False)
    two.take(session, "agreed", "scan")
    two.take(session, "both", "scan")
    np.testing.assert_array_equal(session.mask.array, before)
    assert two.undecided(session.mask) == [0, 1, 2]
