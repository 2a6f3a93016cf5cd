"""Who works on a draft: a token with a heartbeat, which another opener may take over once it is stale."""

from __future__ import annotations

import os
import platform
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, delete, select, update

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import blind
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.schema import DraftRow, LockRow
from napari_lesionseg.study.store import Study

STALE_SECONDS: Final = 90
_NO_CLOCK_IS_SO_WRONG: Final = 86_400  # A beat from the future means another clock; beyond a day nobody waits for it.
_left: set[str] = set()  # Tokens of this process that nobody works under, whatever a failing disk remembers of them.
_START_SECONDS: Final = 5  # A process's start, computed twice, may differ by this when the clock was set.


class Superseded(LesionsegError):
    """Another opener took the draft over, or it was closed: what was not kept in it belongs into a branch."""


@dataclass(frozen=True)
class Lock:
    """The right to write to a draft.

    Parameters
    ----------
    draft
        Number of the draft.
    token
        What every append has to prove.
    """

    draft: int
    token: str


@dataclass(frozen=True)
class LockedBy:
    """Who holds a draft.

    Parameters
    ----------
    reviewer, host
        The person and their computer.
    since
        UTC, ISO 8601.
    """

    reviewer: str
    host: str
    since: str

    def __str__(self) -> str:
        return f"{self.reviewer or 'Another reviewer'} on {self.host} has been working on this case since {self.since}."


def take(study: Study, draft: Draft, reviewer: str, *, now: float | None = None) -> Lock | LockedBy:
    """Take the lock of ``draft``, if it is free, stale, or held by a process of this computer that is no more.

    Parameters
    ----------
    now
        Seconds since 1970; left out, the clock's.

    Raises
    ------
    LesionsegError
        If it is another reviewer's blind reading (see ``blind``).
    """
    moment = time.time() if now is None else now
    with study._session(write=True) as session:
        blind.refuse_other_reader(session, draft.number, reviewer)
        row = session.get(LockRow, draft.number)
        if row is not None and not _is_stale(row, moment):
            return LockedBy(row.reviewer, row.host, _since(row.token, row.beat))
        token = _new_token(moment)
        _left.add(token)  # Until the disk has it: a lock that could not be taken must not keep its own taker out.
        if row is not None:
            session.delete(row)
            session.flush()
        session.add(
            LockRow(draft_number=draft.number, token=token, reviewer=reviewer, host=platform.node(), beat=moment)
        )
    _left.discard(token)
    return Lock(draft.number, token)


def holder(study: Study, draft: Draft, *, now: float | None = None) -> LockedBy | None:
    """Say who holds ``draft``, None if it could be taken."""
    with study._session() as session:
        row = session.get(LockRow, draft.number)
        if row is None or _is_stale(row, time.time() if now is None else now):
            return None
        return LockedBy(row.reviewer, row.host, _since(row.token, row.beat))


def beat(study: Study, lock: Lock, *, now: float | None = None) -> None:
    """Give a sign of life.

    Raises
    ------
    Superseded
        If the lock was taken over.
    """
    with study._session(write=True) as session:
        beat_in(session.connection(), lock, time.time() if now is None else now)


def beat_in(connection: Connection, lock: Lock, now: float) -> None:
    """Give a sign of life (see ``beat``) inside a writing transaction."""
    prove(connection, lock)
    connection.execute(update(LockRow).where(LockRow.draft_number == lock.draft).values(beat=now))


def release(study: Study, lock: Lock) -> None:
    """Give the lock back; nothing happens if it was taken over."""
    with study._session(write=True) as session:
        release_in(session.connection(), lock)


def release_in(connection: Connection, lock: Lock) -> None:
    """Give the lock back (see ``release``) inside a writing transaction."""
    connection.execute(delete(LockRow).where(LockRow.draft_number == lock.draft, LockRow.token == lock.token))


def leave(lock: Lock) -> None:
    """Take note that nobody works under ``lock`` any more, where it could not be released."""
    _left.add(lock.token)


def prove(connection: Connection, lock: Lock) -> None:
    """Prove, inside a writing transaction, that ``lock`` holds and its draft is open.

    Raises
    ------
    Superseded
        If the lock was taken over or given back, or the draft was closed.
    """
    held = select(LockRow.reviewer).where(LockRow.draft_number == lock.draft, LockRow.token == lock.token)
    is_open = held.join(DraftRow, DraftRow.number == LockRow.draft_number).where(DraftRow.closed.is_(None))
    if connection.execute(is_open).first() is None:
        other = connection.execute(select(LockRow.reviewer).where(LockRow.draft_number == lock.draft)).scalar()
        raise Superseded(
            f"{other or 'Another reviewer'} has taken over this case in the meantime; your edits since go on in a "
            "branch of your own."
        )


def _new_token(moment: float) -> str:
    return f"{platform.node()} {os.getpid()} {_started(os.getpid()):.0f} {moment:.3f} {uuid.uuid4().hex}"


def _is_stale(row: LockRow, now: float) -> bool:
    age = now - row.beat
    if row.token in _left:
        return True
    if age > STALE_SECONDS or age < -_NO_CLOCK_IS_SO_WRONG:
        return True
    return row.host == platform.node() and _is_dead(row.token)


def _is_dead(token: str) -> bool:
    """Whether the process of this computer that took ``token`` is no more; its number may be another's by now."""
    try:
        _, process, started, _, _ = token.rsplit(" ", 4)
        return abs(_started(int(process)) - float(started)) > _START_SECONDS
    except ValueError:
        return False


def _started(process: int) -> float:
    """When a process of this computer began, in seconds since 1970; 0 if there is none."""
    import psutil

    try:
        found = psutil.Process(process)
        return 0.0 if found.status() == psutil.STATUS_ZOMBIE else float(found.create_time())
    except psutil.Error:
        return 0.0


def _since(token: str, beat: float) -> str:
    try:
        taken = float(token.rsplit(" ", 2)[1])
    except (ValueError, IndexError):
        taken = beat
    return datetime.fromtimestamp(taken, UTC).isoformat(timespec="seconds")
