from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, writing
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.held_draft import HeldDraft
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, LockedBy, holder, take
from napari_lesionseg.study.looks import seconds_per_slice
from napari_lesionseg.study.readings import Readings
from napari_lesionseg.study.writer import Listener, Mode, Writer
from tests.study.drafting import GRID, Hand, Told, a_mask, add_case, child_environment, sha

SOON = 20.0


@pytest.fixture
def case(study: Study) -> Study:
    add_case(study)
    return study


class Clock:
    """Seconds since 1970 that a test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def start(study: Study, told: Told, reviewer: str = "ann", mode: Mode = "edit", clock: Clock | None = None) -> Writer:
    writer = Writer(study.folder, "c1", reviewer, told.listener, mode=mode, clock=clock or time.time)
    writer.start()
    return writer


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def writer(case: Study, told: Told) -> Iterator[Writer]:
    writer = start(case, told)
    told.wait("opened")
    yield writer
    writer.give_up()


def hand_of(told: Told) -> Hand:
    restored, _ = told.wait("opened")
    return Hand(restored.mask.array.copy(), len(restored.log))


def journal_of(study: Study, draft_id: str | None = None) -> Journal:
    drafts = Drafts(study).of("c1")
    return Journal(study, next(draft for draft in drafts if draft_id in (None, draft.id)))


@pytest.fixture
def held_database(case: Study) -> Iterator[sqlite3.Connection]:
    """Another program writes to the database until it is rolled back."""
    other = sqlite3.connect(case.folder / "study.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_lines_are_on_the_disk_when_they_are_told_to_be_saved(case: Study, told: Told, writer: Writer) -> None:
    hand = hand_of(told)
    assert told.wait("opened")[1].purpose == "main"
    lines = [hand.dot(1, 1, 1), hand.dot(1, 2, 2), hand.undo()]
    for line in lines:
        writer.put(line)
    assert writer.flush(SOON)
    position, moment = told.of("saved")[-1]
    assert position == 3
    assert moment.endswith("+00:00")
    with journal_of(case) as journal:
        assert journal.entries() == lines
    assert writer.waiting_seconds == 0.0


def test_a_case_opened_again_goes_on_where_it_was_left(case: Study, told: Told, writer: Writer) -> None:
    hand = hand_of(told)
    writer.put(hand.dot(1, 1, 1, size=4))
    assert writer.close()
    again = Told()
    second = start(case, again)
    restored, draft = again.wait("opened")
    assert sha(restored.mask.array) == sha(hand.labels)
    assert draft.id == told.wait("opened")[1].id
    second.put(hand.undo())
    assert second.close()
    with journal_of(case) as journal:
        assert not journal.restore().mask.array.any()


def test_painting_never_waits_for_the_database(
    case: Study, told: Told, writer: Writer, held_database: sqlite3.Connection
) -> None:
    hand = hand_of(told)
    lines = [hand.dot(1, 1, n) for n in range(20)]
    began = time.perf_counter()
    for line in lines:
        writer.put(line)
    assert time.perf_counter() - began < 0.1
    assert not writer.flush(0.05)
    assert writer.waiting_seconds > 0.04
    assert told.of("saved") == []
    held_database.execute("ROLLBACK")
    assert writer.flush(SOON)
    with journal_of(case) as journal:
        assert journal.entries() == lines


@pytest.mark.hazard("H3")
def test_a_failure_is_told_once_within_two_seconds_and_the_line_is_kept_when_it_is_over(
    case: Study, told: Told, writer: Writer, held_database: sqlite3.Connection
) -> None:
    line = hand_of(told).dot(1, 1, 1)
    began = time.monotonic()
    writer.put(line)
    (sentence,) = told.wait("failed")
    assert time.monotonic() - began < 2.0
    assert "study.db could not be read or written: database is locked" in sentence
    time.sleep(1.5)
    assert len(told.of("failed")) == 1
    held_database.execute("ROLLBACK")
    assert told.wait("saved")[0] == 1
    held_database.execute("BEGIN IMMEDIATE")
    writer.put(Hand(np.ones(GRID.display_shape, np.uint8), 1).dot(1, 1, 1, value=0))
    assert "database is locked" in told.wait("failed", 2)[0]
    held_database.execute("ROLLBACK")


def test_a_second_opener_is_told_who_is_there_and_may_read(case: Study, told: Told, writer: Writer) -> None:
    hand = hand_of(told)
    writer.put(hand.dot(1, 1, 1))
    assert writer.flush(SOON)
    refused = Told()
    ended = start(case, refused, "bob")
    (who,) = refused.wait("locked")
    assert isinstance(who, LockedBy) and who.reviewer == "ann"
    assert ended.close() and refused.of("opened") == []
    reads = Told()
    reader = start(case, reads, "bob", "read")
    restored, draft = reads.wait("opened")
    assert sha(restored.mask.array) == sha(hand.labels)
    assert draft == told.wait("opened")[1]
    with pytest.raises(LesionsegError, match="open to be read; branch"):
        reader.put(hand.dot(2, 2, 2))
    reader.looked(3, 5.0)
    assert reader.close()
    assert seconds_per_slice(case, draft) == {}


def test_a_writer_that_still_ends_is_waited_for_and_not_taken_for_another_reviewer(
    case: Study, told: Told, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    release = HeldDraft.close
    monkeypatch.setattr(HeldDraft, "close", lambda held: (may_end.wait(SOON), release(held)))
    writer.put(hand_of(told).dot(1, 1, 1))
    writer.close(timeout=0.0)  # It holds its lock for as long as it takes.
    again = Told()
    following = start(case, again)
    time.sleep(0.3)
    assert again.of("opened") == again.of("locked") == []
    may_end.set()
    restored, _ = again.wait("opened")
    assert int(restored.mask.array.sum()) == 1
    assert again.of("locked") == []
    following.give_up()


def test_a_second_opener_may_branch_and_finds_the_branch_again(case: Study, told: Told, writer: Writer) -> None:
    hand = hand_of(told)
    writer.put(hand.dot(1, 1, 1))
    assert writer.flush(SOON)
    branched = Told()
    branch = start(case, branched, "bob", "branch")
    other = hand_of(branched)
    branch.put(other.dot(2, 2, 2))
    writer.put(hand.dot(3, 3, 3))
    assert branch.close() and writer.close()
    again = Told()
    start(case, again, "bob", "branch").close()
    restored, draft = again.wait("opened")
    assert draft == branched.wait("opened")[1]
    assert np.argwhere(restored.mask.array).tolist() == [[1, 1, 1], [2, 2, 2]]


def test_a_branch_in_which_nothing_was_drawn_is_closed(case: Study, told: Told, writer: Writer) -> None:
    branched = Told()
    start(case, branched, "bob", "branch").close()
    assert [(draft.purpose, draft.closed is None) for draft in Drafts(case).of("c1")] == [
        ("main", True),
        ("branch", False),
    ]


def test_who_was_taken_over_goes_on_in_a_branch_and_both_are_kept(case: Study) -> None:
    clock, ann, bob = Clock(), Told(), Told()
    first = start(case, ann, "ann", clock=clock)
    hand = hand_of(ann)
    first.put(hand.dot(1, 1, 1))
    assert first.flush(SOON)
    clock.now += 100  # Ann's laptop sleeps.
    second = start(case, bob, "bob", clock=clock)
    other = hand_of(bob)
    second.put(other.dot(2, 2, 2))
    assert second.flush(SOON)
    first.put(hand.undo())  # It comes back.
    first.put(hand.dot(3, 3, 3))
    assert first.flush(SOON)
    (branch,) = ann.wait("branched")
    assert (branch.purpose, branch.branched_at, branch.reviewer) == ("branch", 1, "ann")
    assert first.draft == branch
    assert [position for position, _ in ann.of("saved")][-1] == 3
    names = [name for name, _ in ann.events]
    assert names.index("branched") < len(names) - 1 - names[::-1].index("saved")
    assert [first.fetch(position).kind for position in (1, 2, 3)] == ["edit", "undo", "edit"]
    assert first.close() and second.close()
    with journal_of(case, branch.id) as journal:
        assert np.argwhere(journal.restore().mask.array).tolist() == [[3, 3, 3]]
    with journal_of(case, bob.wait("opened")[1].id) as journal:
        assert np.argwhere(journal.restore().mask.array).tolist() == [[1, 1, 1], [2, 2, 2]]


def test_who_was_taken_over_goes_on_in_the_draft_if_nobody_drew_in_it(case: Study) -> None:
    clock, ann, bob = Clock(), Told(), Told()
    first = start(case, ann, "ann", clock=clock)
    hand = hand_of(ann)
    first.put(hand.dot(1, 1, 1))
    assert first.flush(SOON)
    clock.now += 100
    second = start(case, bob, "bob", clock=clock)
    bob.wait("opened")
    assert second.close()
    first.put(hand.dot(2, 2, 2))
    assert first.flush(SOON) and first.close()
    assert ann.of("branched") == []
    with journal_of(case) as journal:
        assert sha(journal.restore().mask.array) == sha(hand.labels)


def test_the_heartbeat_tells_before_a_line_is_drawn(case: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BEAT_SECONDS", 0.05)
    clock, ann, bob = Clock(), Told(), Told()
    first = start(case, ann, "ann", clock=clock)
    hand = hand_of(ann)
    first.put(hand.dot(1, 1, 1))
    assert first.flush(SOON)
    for _ in range(5):
        time.sleep(0.1)
        clock.now += 50
        assert holder(case, ann.wait("opened")[1], now=clock.now + 40) is not None  # It beats.
    connection = sqlite3.connect(case.folder / "study.db")
    connection.execute("UPDATE locks SET token = 'another', reviewer = 'bob'")  # As one that took over does.
    connection.commit()
    connection.close()
    (branch,) = ann.wait("branched")
    assert branch.branched_at == 1
    assert first.close()
    assert bob.events == []


def test_what_was_drawn_far_back_is_fetched_from_the_disk_and_what_waits_from_memory(
    case: Study, told: Told, writer: Writer, held_database: sqlite3.Connection
) -> None:
    hand = hand_of(told)
    held_database.execute("ROLLBACK")
    first = hand.dot(1, 1, 1)
    writer.put(first)
    assert writer.flush(SOON)
    held_database.execute("BEGIN IMMEDIATE")
    second = hand.dot(2, 2, 2)
    writer.put(second)
    began = time.perf_counter()
    assert (writer.fetch(1), writer.fetch(2)) == (first, second)
    assert time.perf_counter() - began < 0.5  # Readers do not wait for the writer.
    with pytest.raises(LesionsegError, match="no line 3"):
        writer.fetch(3)
    held_database.execute("ROLLBACK")


def test_time_spent_on_slices_is_kept_and_added_up(case: Study, told: Told, writer: Writer) -> None:
    draft = told.wait("opened")[1]
    writer.looked(2, 0.25)
    writer.looked(2, 0.5)
    writer.looked(4, 1.0)
    assert writer.flush(SOON)
    assert seconds_per_slice(case, draft) == {2: 0.75, 4: 1.0}
    writer.looked(4, 2.0)
    assert writer.close()
    assert seconds_per_slice(case, draft) == {2: 0.75, 4: 3.0}


def test_a_closed_writer_has_let_go_of_everything(case: Study, told: Told) -> None:
    before = set(threading.enumerate())
    writer = start(case, told)
    told.wait("opened")
    writer.put(hand_of(told).dot(1, 1, 1))
    writer.fetch(1)
    assert writer.close()
    assert holder(case, told.wait("opened")[1]) is None
    assert [path.name for path in case.folder.glob("study.db*")] == ["study.db"]
    assert set(threading.enumerate()) <= before
    with pytest.raises(LesionsegError, match="is closed; open the case again"):
        writer.put(hand_of(told).dot(2, 2, 2))
    assert writer.close()


def test_closing_waits_its_time_and_no_longer_and_the_line_is_kept_all_the_same(
    case: Study, told: Told, writer: Writer, held_database: sqlite3.Connection
) -> None:
    writer.put(hand_of(told).dot(1, 1, 1))
    began = time.monotonic()
    assert not writer.close(timeout=0.3)
    assert time.monotonic() - began < 1.0
    held_database.execute("ROLLBACK")
    told.wait("saved")
    assert writer.close()


def test_giving_up_ends_the_thread(case: Study, told: Told, writer: Writer, held_database: sqlite3.Connection) -> None:
    writer.put(hand_of(told).dot(1, 1, 1))
    told.wait("failed")
    held_database.execute("ROLLBACK")
    held_database.execute("BEGIN IMMEDIATE")
    writer.give_up()
    assert not writer._thread.is_alive()


def test_a_window_that_has_gone_takes_no_line_along(case: Study) -> None:
    def gone(*_: object) -> None:
        raise RuntimeError("wrapped C/C++ object has been deleted")

    writer = Writer(case.folder, "c1", "ann", Listener(gone, gone, gone, gone, gone))
    writer.start()
    hand = Hand(np.zeros(GRID.display_shape, np.uint8))
    for n in range(5):
        writer.put(hand.dot(1, 1, n))
        writer.flush(SOON)
    assert writer.close()
    with journal_of(case) as journal:
        assert journal.length == 5


def test_what_cannot_be_opened_is_one_sentence(case: Study, told: Told, tmp_path: Path) -> None:
    writer = Writer(case.folder, "c2", "ann", told.listener)
    writer.start()
    assert told.wait("failed")[0].startswith("The study has no case 'c2'")
    assert writer.close()
    nothing = Told()
    Writer(tmp_path / "nothing", "c1", "ann", nothing.listener).start()
    assert "is not a study" in nothing.wait("failed")[0]
    for call in (lambda: writer.fetch(1), lambda: Writer(tmp_path, "c1", "ann", told.listener).fetch(1)):
        with pytest.raises(LesionsegError, match="not open yet"):
            call()


def test_a_study_that_is_held_is_opened_when_it_is_free(
    case: Study, told: Told, held_database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_lesionseg.study.database.BUSY_SECONDS", 0.1)
    writer = start(case, told)
    assert "database is locked" in told.wait("failed")[0]
    held_database.execute("ROLLBACK")
    told.wait("opened")
    assert writer.close()


def test_two_readings_are_open_at_once_and_an_adjudication_needs_one(case: Study) -> None:
    ann, bob, cid = Told(), Told(), Told()
    case.add_revision("c1", "prediction", a_mask(1))
    writers = [start(case, ann, "ann", "reading"), start(case, bob, "bob", "reading")]
    assert {told.wait("opened")[1].purpose for told in (ann, bob)} == {"reading"}
    assert ann.wait("opened")[1].id != bob.wait("opened")[1].id
    assert all(writer.close() for writer in writers)
    start(case, cid, "cid", "adjudicate")
    assert "choose the one to begin with" in cid.wait("failed")[0]
    for draft, seed in zip((ann.wait("opened")[1], bob.wait("opened")[1]), (3, 4), strict=True):
        Readings(case).finish(draft, a_mask(seed))
    reading, _ = Readings(case).pair("c1")
    settles = Told()
    writer = Writer(case.folder, "c1", "cid", settles.listener, mode="adjudicate", base=reading)
    writer.start()
    first = reading.draft == ann.wait("opened")[1].id  # Whose reading was begun first is a matter of threads.
    assert sha(settles.wait("opened")[0].mask.array) == sha(a_mask(3 if first else 4).array)
    assert writer.close()


def test_the_lock_is_that_of_the_thread(case: Study, told: Told, writer: Writer) -> None:
    draft = told.wait("opened")[1]
    assert isinstance(take(case, draft, "bob"), LockedBy)
    assert writer.close()
    assert isinstance(take(case, draft, "bob"), Lock)


_DRAW_AND_LEAVE = """
import sys
import numpy as np
from napari_lesionseg.study.writer import Listener, Writer
assert not {"sqlalchemy", "torch", "pydicom", "qtpy"} & set(sys.modules), "the import is too heavy for a window"
from threading import Event
from tests.study.drafting import GRID, Hand
ready = Event()
writer = Writer(sys.argv[1], "c1", "ann", Listener(opened=lambda *_: ready.set()))
writer.start()
ready.wait(60)
hand = Hand(np.zeros(GRID.display_shape, np.uint8))
for n in range(10):
    writer.put(hand.dot(1, 1, n))
"""


def test_a_program_that_ends_without_closing_keeps_what_was_handed_over(case: Study, repo_root: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", _DRAW_AND_LEAVE, str(case.folder)], check=True, env=child_environment(repo_root)
    )
    with journal_of(case) as journal:
        assert journal.length == 10
        assert holder(case, journal.draft) is None
