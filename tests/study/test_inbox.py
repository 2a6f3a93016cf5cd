from __future__ import annotations

import threading
import time

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.study.failures import Failures
from napari_lesionseg.study.inbox import Inbox


def a_line(position: int) -> Entry:
    return Entry(position, "edit", "brush", 0, 0, "")


def filled(lines: int) -> Inbox:
    inbox = Inbox()
    for position in range(1, lines + 1):
        assert inbox.put(a_line(position))
    return inbox


def test_lines_stay_until_they_are_kept_and_come_in_order() -> None:
    inbox = filled(3)
    for _ in range(2):  # Keeping failed the first time.
        assert [line.position for line in inbox.wait(0.0).entries] == [1, 2, 3]
        inbox.put_back({}, 0.0)
    inbox.take_out(2)
    assert [line.position for line in inbox.wait(0.0).entries] == [3]
    assert inbox.find(2) is None
    assert inbox.find(3) == a_line(3)
    assert not inbox.clean
    inbox.take_out(1)
    inbox.done()
    assert inbox.clean


def test_a_long_backlog_is_kept_in_pieces_and_only_the_last_one_ends_the_work() -> None:
    inbox = filled(450)
    inbox.close()
    sizes = []
    while True:
        work = inbox.wait(0.0)
        inbox.take_out(len(work.entries))
        inbox.done()
        sizes.append(len(work.entries))
        if work.last:
            break
    assert sizes == [200, 200, 50]
    assert inbox.clean
    assert not inbox.put(a_line(451))


def test_time_on_slices_is_due_at_its_moment_and_is_not_lost_when_keeping_fails() -> None:
    inbox = Inbox()
    inbox.add_look(4, 1.0)
    inbox.put(a_line(1))
    assert inbox.wait(time.monotonic() + 60).looks == {}  # The line is; the look is not due.
    assert inbox.wait(0.0).looks == {4: 1.0}
    inbox.add_look(4, 0.5)
    inbox.put_back({4: 1.0}, 0.0)
    assert inbox.wait(0.0).looks == {4: 1.5}


def test_flush_waits_for_what_is_being_kept_just_now() -> None:
    inbox = filled(1)
    inbox.wait(0.0)
    inbox.take_out(1)
    assert not inbox.flush(0.05)  # Taken out, and the thread is not done with it.
    threading.Timer(0.05, inbox.done).start()
    assert inbox.flush(20.0)


def test_resting_after_a_failure_ends_when_somebody_closes() -> None:
    inbox = filled(1)
    inbox.wait(0.0)
    threading.Timer(0.05, inbox.close).start()
    began = time.monotonic()
    inbox.put_back({}, 20.0)
    assert time.monotonic() - began < 10.0


def test_a_failure_is_told_once_until_it_is_over_and_pauses_grow() -> None:
    told: list[str] = []
    failures = Failures(told.append)
    full = LesionsegError("The disk is full.")
    assert [failures.tell(full) for _ in range(5)] == [0.1, 0.2, 0.5, 1.0, 1.0]
    assert told == ["The disk is full."]
    failures.tell(LesionsegError("The disk is gone."))
    assert told == ["The disk is full.", "The disk is gone."]
    failures.over()
    assert failures.tell(full) == 0.1
    assert told[2:] == ["The disk is full."]


def test_what_nobody_thought_of_is_a_sentence_too() -> None:
    told: list[str] = []
    Failures(told.append).tell(KeyError("box"))
    assert told == ["Edits cannot be kept (KeyError: 'box'); export the mask and report this."]


def test_only_what_comes_from_the_disk_or_the_database_may_pass() -> None:
    failures = Failures(lambda _: None)
    from_the_disk = LesionsegError("cannot be read")
    from_the_disk.__cause__ = OSError(5, "Input/output error")
    assert failures.may_pass(from_the_disk)
    assert failures.may_pass(OSError(28, "No space left on device"))
    assert not failures.may_pass(LesionsegError("The study has no case 'c2'."))
