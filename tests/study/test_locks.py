from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys

import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.locks import (
    STALE_SECONDS,
    Lock,
    LockedBy,
    Superseded,
    beat,
    holder,
    release,
    take,
)
from tests.study.drafting import add_case

NOW = 1_800_000_000.0


@pytest.fixture
def draft(study: Study) -> Draft:
    add_case(study)
    return Drafts(study).open_main("c1", "ann")


def change_lock(study: Study, **values: object) -> None:
    """Write to the only lock, as another computer or another clock would have."""
    connection = sqlite3.connect(study.folder / "study.db")
    for name, value in values.items():
        connection.execute(f"UPDATE locks SET {name} = ?", (value,))
    connection.commit()
    connection.close()


def held(lock: Lock | LockedBy) -> Lock:
    assert isinstance(lock, Lock)
    return lock


def test_a_second_opener_is_told_who_holds_the_draft(study: Study, draft: Draft) -> None:
    held(take(study, draft, "ann", now=NOW))
    other = take(study, draft, "bob", now=NOW + 30)
    assert isinstance(other, LockedBy)
    assert (other.reviewer, other.since) == ("ann", "2027-01-15T08:00:00+00:00")
    assert str(other).startswith(f"ann on {other.host} has been working on this case since 2027-01-15")
    assert holder(study, draft, now=NOW + 30) == other


def test_two_drafts_have_two_locks(study: Study, draft: Draft) -> None:
    held(take(study, draft, "ann", now=NOW))
    held(take(study, Drafts(study).start_reading("c1", "bob"), "bob", now=NOW))


def test_what_is_released_is_free(study: Study, draft: Draft) -> None:
    lock = held(take(study, draft, "ann", now=NOW))
    release(study, lock)
    assert holder(study, draft, now=NOW) is None
    held(take(study, draft, "bob", now=NOW))


def test_a_lock_without_a_heartbeat_is_taken_over_after_ninety_seconds(study: Study, draft: Draft) -> None:
    first = held(take(study, draft, "ann", now=NOW))
    assert STALE_SECONDS == 90
    assert isinstance(take(study, draft, "bob", now=NOW + 90), LockedBy)
    second = held(take(study, draft, "bob", now=NOW + 91))
    with pytest.raises(Superseded, match="bob has taken over this case in the meantime"):
        beat(study, first, now=NOW + 92)
    release(study, first)  # Not the second one.
    assert isinstance(take(study, draft, "ann", now=NOW + 93), LockedBy)
    beat(study, second, now=NOW + 94)


def test_a_heartbeat_keeps_the_lock(study: Study, draft: Draft) -> None:
    lock = held(take(study, draft, "ann", now=NOW))
    for seconds in range(15, 300, 15):
        beat(study, lock, now=NOW + seconds)
        assert isinstance(take(study, draft, "bob", now=NOW + seconds + 14), LockedBy)


def test_the_lock_of_a_closed_draft_beats_no_more(study: Study, draft: Draft) -> None:
    lock = held(take(study, draft, "ann", now=NOW))
    Drafts(study).close(draft)
    with pytest.raises(Superseded):
        beat(study, lock, now=NOW + 1)


@pytest.mark.parametrize(("ahead", "free"), [(600, False), (80_000, False), (90_000, True)])
def test_another_clock_may_be_ahead_by_up_to_a_day(study: Study, draft: Draft, ahead: float, free: bool) -> None:
    held(take(study, draft, "ann", now=NOW + ahead))
    assert (holder(study, draft, now=NOW) is None) == free


_TAKE_AND_WAIT = """
import sys, time
from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.locks import take
study = Study.open(sys.argv[1])
print(take(study, Drafts(study).open_main("c1", "ann"), "ann"), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX systems")
def test_a_killed_process_of_this_computer_holds_nothing(study: Study, draft: Draft) -> None:
    command = [sys.executable, "-c", _TAKE_AND_WAIT, str(study.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline().startswith("Lock(")
        assert isinstance(take(study, draft, "bob"), LockedBy)
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # Dead, and nobody has asked for its end yet.
        assert holder(study, draft) is None
    held(take(study, draft, "bob"))


def test_of_another_computer_only_the_heartbeat_is_known(study: Study, draft: Draft) -> None:
    held(take(study, draft, "ann", now=NOW))
    change_lock(study, token=f"there 999999999 1000 {NOW:.3f} {'0' * 32}", host="there")
    other = take(study, draft, "bob", now=NOW + 60)
    assert isinstance(other, LockedBy) and other.host == "there"
    change_lock(study, token=f"here 999999999 1000 {NOW:.3f} {'0' * 32}", host=platform.node())
    held(take(study, draft, "bob", now=NOW + 60))


def test_the_number_of_a_process_may_be_anothers_by_now(study: Study, draft: Draft) -> None:
    held(take(study, draft, "ann", now=NOW))
    change_lock(study, token=f"here {os.getpid()} 1000 {NOW:.3f} {'0' * 32}")
    assert holder(study, draft, now=NOW) is None


def test_a_token_of_another_program_is_only_as_old_as_its_beat(study: Study, draft: Draft) -> None:
    held(take(study, draft, "ann", now=NOW))
    change_lock(study, token="opaque")
    other = take(study, draft, "bob", now=NOW + 60)
    assert isinstance(other, LockedBy) and other.since == "2027-01-15T08:00:00+00:00"
    held(take(study, draft, "bob", now=NOW + 91))
