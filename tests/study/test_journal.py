from __future__ import annotations

import sqlite3
from collections.abc import Callable

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, Marks
from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, Superseded, release, take
from tests.study.drafting import GRID, Hand, a_mask, add_case, read_twice, sha

Opened = tuple[Draft, Journal]


@pytest.fixture
def opened(study: Study) -> Opened:
    """An empty main draft, and its journal to write to."""
    add_case(study)
    return write_to(study, Drafts(study).open_main("c1", "ann"))


def write_to(study: Study, draft: Draft, reviewer: str = "ann") -> Opened:
    lock = take(study, draft, reviewer)
    assert isinstance(lock, Lock)
    return draft, Journal(study, draft, lock.token)


def empty_hand() -> Hand:
    return Hand(np.zeros(GRID.display_shape, np.uint8))


def test_a_line_comes_back_as_it_was_given(study: Study, opened: Opened) -> None:
    draft, journal = opened
    hand = empty_hand()
    marks = Marks(corrected=(2, 3), uncorrected=(1,), threshold=(0.5, 0.25), model="dual")
    labels = hand.labels.copy()
    labels[2:4, 5:9, 6] = 1
    given = [hand.draw(labels, "threshold", marks, z=2), hand.undo(), hand.redo(), hand.dot(0, 0, 0)]
    assert journal.append(given, "ann") == 4
    journal.close()
    with Journal(study, draft) as reader:
        assert reader.entries() == given
        assert reader.entries(first=3) == given[2:]
        assert reader.entry(2) == given[1]
        assert [line.name for line in reader.log()] == [line.name for line in given]
        assert all(line.change is None for line in reader.log())
        assert (given[0].name, given[0].voxels) == ("threshold, slice 2, +8 voxels", 8)
        assert reader.length == 4


def test_a_draft_is_restored_from_what_it_began_with_and_its_lines(study: Study) -> None:
    add_case(study)
    study.add_revision("c1", "prediction", a_mask(1), model="m")
    draft, journal = write_to(study, Drafts(study).open_main("c1", "ann"))
    hand = Hand(a_mask(1).array.copy())
    lines = [hand.dot(0, 1, 1, size=3), hand.dot(5, 8, 8, size=9), hand.dot(0, 2, 2, value=0), hand.undo()]
    journal.append(lines, "ann")
    journal.close()
    restored = Journal(study, draft).restore()
    assert sha(restored.mask.array) == sha(hand.labels)
    assert [line.kind for line in restored.log] == ["edit", "edit", "edit", "undo"]
    assert restored.mask.array.flags.writeable and restored.mask.array.dtype == np.uint8


def test_corrected_slices_follow_the_edits_and_their_undoing(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()

    def mark(z: int, marks: Marks) -> Entry:
        labels = hand.labels.copy()
        labels[z, 0, hand.length] = 1
        return hand.draw(labels, marks=marks)

    lines = [mark(1, Marks(corrected=(1,))), mark(2, Marks(corrected=(2,))), mark(1, Marks(uncorrected=(1,)))]
    journal.append(lines, "ann")
    assert journal.restore().corrected == {2}
    journal.append([hand.undo()], "ann")
    assert journal.restore().corrected == {1, 2}
    journal.append([hand.undo(), hand.undo()], "ann")
    assert journal.restore().corrected == set()
    journal.append([hand.redo()], "ann")
    assert journal.restore().corrected == {1}


def test_a_correction_vouches_for_its_slices_and_a_prediction_for_none(study: Study) -> None:
    add_case(study)
    drafts = Drafts(study)
    predicted = drafts.open_main("c1", "ann", study.add_revision("c1", "prediction", a_mask(1)))
    with Journal(study, predicted) as journal:
        assert journal.restore().corrected == set()
    for slices, expected in (((1, 3), {1, 3}), (None, set(range(6)))):
        drafts.close(drafts.open_main("c1", "ann"))
        study.add_revision("c1", "correction", a_mask(2), corrected_slices=slices)
        with Journal(study, drafts.open_main("c1", "ann")) as journal:
            assert journal.restore().corrected == expected


def test_an_edit_after_an_undo_abandons_what_was_undone_and_its_line_stays(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, 1), hand.undo(), hand.dot(2, 2, 2)], "ann")
    restored = journal.restore()
    assert np.argwhere(restored.mask.array).tolist() == [[2, 2, 2]]
    assert len(restored.log) == 3
    abandoned = Entry(4, "redo", "brush", 1, 1, "", target=1)
    journal.append([abandoned], "ann")
    with pytest.raises(LesionsegError, match="Line 4 of the journal changes line 1 out of turn"):
        journal.restore()


def test_an_undo_that_does_not_undo_the_last_edit_is_refused_when_read(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, 1), hand.dot(1, 2, 2), Entry(3, "undo", "brush", 1, -1, "", target=1)], "ann")
    with pytest.raises(LesionsegError, match="Line 3 of the journal changes line 1 out of turn"):
        journal.restore()


def test_lines_that_are_there_already_are_passed_over(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()
    lines = [hand.dot(1, 1, 1), hand.dot(1, 2, 2), hand.dot(1, 3, 3)]
    journal.append(lines[:2], "ann")
    assert journal.append(lines, "ann") == 3
    assert journal.append(lines, "ann") == 3
    assert journal.entries() == lines


def test_other_lines_in_one_place_are_a_conflict_and_nothing_is_added(study: Study, opened: Opened) -> None:
    _, journal = opened
    ann, bob = empty_hand(), empty_hand()
    journal.append([ann.dot(1, 1, 1)], "ann")
    with pytest.raises(Superseded, match="Other edits stand in the journal"):
        journal.append([bob.dot(4, 4, 4), bob.dot(4, 5, 5)], "bob")
    assert journal.length == 1


def test_a_gap_is_refused(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()
    hand.dot(0, 0, 0)
    with pytest.raises(LesionsegError, match="Line 1 of the journal is missing"):
        journal.append([hand.dot(1, 1, 1)], "ann")
    assert journal.length == 0


def test_without_the_lock_nothing_is_written(study: Study, opened: Opened) -> None:
    draft, journal = opened
    line = empty_hand().dot(1, 1, 1)
    with pytest.raises(Superseded):
        Journal(study, draft).append([line], "bob")
    with pytest.raises(Superseded):
        Journal(study, draft, "ann's, guessed").append([line], "bob")
    assert journal.append([line], "ann") == 1


def test_a_closed_draft_takes_no_more_lines_and_the_next_one_begins_with_the_newest_correction(
    study: Study, opened: Opened
) -> None:
    draft, journal = opened
    drafts = Drafts(study)
    assert drafts.open_main("c1", "bob").id == draft.id
    drafts.close(draft)
    with pytest.raises(Superseded):
        journal.append([empty_hand().dot(1, 1, 1)], "ann")
    study.add_revision("c1", "prediction", a_mask(1))
    corrected = study.add_revision("c1", "correction", a_mask(2))
    study.add_revision("c1", "prediction", a_mask(3))
    again = drafts.open_main("c1", "bob")
    assert again.id != draft.id
    assert again.base is not None and again.base.id == corrected.id
    assert [one.closed is None for one in drafts.of("c1")] == [False, True]


def test_a_branch_has_its_parents_lines_up_to_where_it_left_and_then_its_own(study: Study, opened: Opened) -> None:
    draft, journal = opened
    ann = empty_hand()
    journal.append([ann.dot(1, 1, 1), ann.dot(2, 2, 2)], "ann")
    bob = Hand(ann.labels.copy(), 2, list(ann.done))
    journal.append([ann.dot(3, 3, 3)], "ann")
    first, own = write_to(study, Drafts(study).branch(draft, "bob", 2), "bob")
    assert (first.parent, first.branched_at, first.purpose, own.length) == (draft.id, 2, "branch", 2)
    own.append([bob.undo(), bob.dot(4, 4, 4), bob.dot(5, 5, 5)], "bob")
    assert [line.position for line in own.entries()] == [1, 2, 3, 4, 5]
    assert own.entry(1).change == ann.done[0].change
    assert sha(own.restore().mask.array) == sha(bob.labels)
    assert sha(journal.restore().mask.array) == sha(ann.labels)
    _, of_branch = write_to(study, Drafts(study).branch(first, "cid", 4), "cid")
    assert np.argwhere(of_branch.restore().mask.array).tolist() == [[1, 1, 1], [4, 4, 4]]
    _, before = write_to(study, Drafts(study).branch(first, "dan", 1), "dan")
    assert np.argwhere(before.restore().mask.array).tolist() == [[1, 1, 1]]


def test_nobody_branches_at_a_line_that_is_not_there(study: Study, opened: Opened) -> None:
    draft, journal = opened
    journal.append([empty_hand().dot(1, 1, 1)], "ann")
    with pytest.raises(LesionsegError, match="has no line 2 to branch at"):
        Drafts(study).branch(draft, "bob", 2)


def test_an_own_branch_is_found_again(study: Study, opened: Opened) -> None:
    draft, _ = opened
    drafts = Drafts(study)
    assert drafts.find_branch(draft, "bob") is None
    drafts.branch(draft, "cid", 0)
    branch = drafts.branch(draft, "bob", 0)
    assert drafts.find_branch(draft, "bob") == branch
    drafts.close(branch)
    assert drafts.find_branch(draft, "bob") is None


def test_a_reading_never_begins_with_what_another_drew(study: Study) -> None:
    add_case(study)
    drafts = Drafts(study)
    study.add_revision("c1", "prediction", a_mask(1))
    predicted = study.add_revision("c1", "prediction", a_mask(2))
    study.add_revision("c1", "correction", a_mask(3))
    first = drafts.start_reading("c1", "ann")
    study.add_revision("c1", "reading", a_mask(4), reviewer="ann", draft=first.id)
    reading = drafts.start_reading("c1", "bob")
    assert reading.base is not None and reading.base.id == predicted.id
    assert drafts.start_reading("c1", "bob") == reading
    assert drafts.start_reading("c1", "ann") == first
    assert first.id != reading.id


def test_an_adjudication_begins_with_a_reading(study: Study) -> None:
    add_case(study)
    a, b = read_twice(study)
    drafts = Drafts(study)
    draft = drafts.start_adjudication("c1", "cid", a)
    assert draft.base is not None and draft.base.id == a.id
    assert drafts.start_adjudication("c1", "cid", a) == draft
    assert drafts.start_adjudication("c1", "cid", b).id != draft.id
    with Journal(study, draft) as journal:
        assert sha(journal.restore().mask.array) == sha(a_mask(1).array)


def test_a_journal_is_never_replayed_on_another_mask(study: Study) -> None:
    add_case(study)
    base = study.add_revision("c1", "prediction", a_mask(1))
    _, journal = write_to(study, Drafts(study).open_main("c1", "ann"))
    journal.append([Hand(a_mask(1).array.copy()).dot(1, 1, 1, size=5)], "ann")
    base.path.unlink()
    with pytest.raises(LesionsegError, match=f"{base.id}.nii.gz cannot be read"):
        journal.restore()
    other = study.add_revision("c1", "prediction", a_mask(2))
    base.path.write_bytes(other.path.read_bytes())
    with pytest.raises(LesionsegError, match="is no longer the mask that was kept for case c1"):
        journal.restore()


def test_damaged_voxels_of_a_line_are_one_sentence(study: Study, opened: Opened) -> None:
    draft, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, 1)], "ann")
    good = hand.dot(1, 2, 2)
    assert good.change is not None
    bad = Entry(2, "edit", "brush", 1, 1, "", type(good.change)(good.change.box, good.change.before, b"not runs"))
    journal.append([bad], "ann")
    with pytest.raises(LesionsegError, match="An edit in the journal is damaged"):
        journal.restore()


def test_a_database_that_is_held_is_told_within_two_seconds_and_the_journal_goes_on(
    study: Study, opened: Opened
) -> None:
    _, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, 1)], "ann")
    other = sqlite3.connect(study.folder / "study.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    line = hand.dot(1, 2, 2)
    with pytest.raises(LesionsegError, match="study.db could not be read or written: database is locked"):
        journal.append([line], "ann")
    other.execute("ROLLBACK")
    other.close()
    assert journal.append([line], "ann") == 2


def test_the_journal_keeps_its_connection_and_gives_it_back(study: Study, opened: Opened) -> None:
    _, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, 1)], "ann")
    kept = journal._connection
    journal.append([hand.dot(1, 2, 2)], "ann")
    assert journal._connection is kept
    assert kept is not None and kept.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    kept.rollback()
    journal.close()
    assert [path.name for path in study.folder.glob("study.db*")] == ["study.db"]
    journal.append([hand.dot(1, 3, 3)], "ann")


def test_a_kept_mask_saves_the_lines_before_it_unless_they_were_undone(
    study: Study, opened: Opened, monkeypatch: pytest.MonkeyPatch, record_reads: Callable[[Journal], list[int]]
) -> None:
    draft, journal = opened
    hand = empty_hand()
    journal.append([hand.dot(1, 1, n) for n in range(5)], "ann")
    mask = journal.restore().mask
    study.add_revision("c1", "correction", mask, draft=draft.id, position=5)
    journal.append([hand.dot(2, 2, 2)], "ann")
    read = record_reads(journal)
    assert sha(journal.restore().mask.array) == sha(hand.labels)
    assert read == [6]
    journal.append([hand.undo(), hand.undo()], "ann")
    read.clear()
    assert sha(journal.restore().mask.array) == sha(hand.labels)
    assert read == [1, 2, 3, 4]


@pytest.fixture
def record_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Journal], list[int]]:
    """Note the positions whose voxels a restore reads."""

    def record(journal: Journal) -> list[int]:
        positions: list[int] = []
        chosen = journal.chosen

        def noting(wanted: list[int]) -> object:
            positions.extend(wanted)
            return chosen(wanted)

        monkeypatch.setattr(journal, "chosen", noting)
        return positions

    return record


def test_release_lets_go_of_the_token(study: Study, opened: Opened) -> None:
    draft, journal = opened
    release(study, journal._lock)
    with pytest.raises(Superseded):
        journal.append([empty_hand().dot(1, 1, 1)], "ann")
