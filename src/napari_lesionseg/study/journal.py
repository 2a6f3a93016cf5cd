"""The journal of a draft: lines are added by whoever holds its lock, and never changed."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.study import blind
from napari_lesionseg.study.database import connect, translated
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.lineage import Part, find_parts, last_position, read_rows
from napari_lesionseg.study.lines import PLAIN, WHOLE, to_entry, to_values
from napari_lesionseg.study.locks import Lock, Superseded, prove
from napari_lesionseg.study.replay import Restored, replay
from napari_lesionseg.study.schema import EntryRow
from napari_lesionseg.study.store import DATABASE, Study

_READ_AT_ONCE: Final = 256
_BUSY_MS: Final = 1000  # The writer tries again by itself, and tells; a reviewer is not left without word for longer.


class Journal:
    """Lines 1, 2, … of a draft; a branch has its parent's up to where it branched, then its own.

    It keeps one connection open, for closing the last one of a database costs more than a line. Use it in one thread
    at a time, and close it.

    Parameters
    ----------
    token
        That of the draft's lock; a journal without one can only be read, and that of a blind reading not at all.
    """

    def __init__(self, study: Study, draft: Draft, token: str = "") -> None:
        self.study, self.draft = study, draft
        self._lock = Lock(draft.number, token)
        self._path = study.folder / DATABASE
        self._engine = connect(self._path)
        self._connection: Connection | None = None
        self._parts: list[Part] = []
        self._asks = True  # Whether the journal of a blind reading wants its lock; not where nobody is shown it.

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # It may be closed because the disk is gone.
                connection.close()

    @property
    def length(self) -> int:
        """The position of the last line; 0 if there is none."""
        with self.transaction() as connection:
            return last_position(connection, self.draft.number)

    def append(self, entries: Sequence[Entry], reviewer: str) -> int:
        """Add lines in one transaction, which is on the disk when this returns; return the position of the last line.

        Lines that are in the journal already are passed over, so that a call whose outcome is unknown may be repeated.

        Raises
        ------
        Superseded
            If the lock was taken over, the draft was closed, or other lines stand in these positions. Nothing was
            added.
        LesionsegError
            If a position is left out, or the database cannot be written.
        """
        with self.transaction(write=True) as connection:
            prove(connection, self._lock)
            length = last_position(connection, self.draft.number)
            fresh = [entry for entry in entries if entry.position > length]
            self._check_known(connection, [entry for entry in entries if entry.position <= length])
            for position, entry in enumerate(fresh, start=length + 1):
                if entry.position != position:
                    raise LesionsegError(f"Line {position} of the journal is missing; open the case again.")
            if fresh:
                connection.execute(insert(EntryRow), [to_values(line, self.draft.number, reviewer) for line in fresh])
            return length + len(fresh)

    def entries(self, first: int = 1) -> list[Entry]:
        """Return the lines from ``first`` on, with their voxels."""
        with self.transaction() as connection:
            return [to_entry(row) for row in read_rows(connection, self._parts, WHOLE, first)]

    def log(self) -> list[Entry]:
        """Return all lines without their voxels."""
        with self.transaction() as connection:
            return [to_entry(row) for row in read_rows(connection, self._parts, PLAIN)]

    def entry(self, position: int) -> Entry:
        """Return one line, with its voxels.

        Raises
        ------
        LesionsegError
            If there is none.
        """
        with self.transaction() as connection:
            row = next(read_rows(connection, self._parts, WHOLE, position, position), None)
            if row is None:
                raise LesionsegError(f"The journal has no line {position}; close the case and open it again.")
            return to_entry(row)

    def chosen(self, positions: Collection[int]) -> Iterator[Entry]:
        """Read lines with their voxels one by one, in order."""
        ordered = sorted(positions)
        for start in range(0, len(ordered), _READ_AT_ONCE):
            some = ordered[start : start + _READ_AT_ONCE]
            wanted = set(some)
            with self.transaction() as connection:
                rows = read_rows(connection, self._parts, WHOLE, some[0], some[-1])
                found = [to_entry(row) for row in rows if row.position in wanted]
            yield from found

    def restore(self) -> Restored:
        """Replay the journal on what the draft began with.

        Raises
        ------
        LesionsegError
            If the mask that the draft began with is missing or has changed, or a line does not fit it.
        """
        return replay(self.study, self.draft, self.log(), self.chosen)

    def _check_known(self, connection: Connection, entries: list[Entry]) -> None:
        if not entries:
            return
        rows = read_rows(connection, self._parts, WHOLE, entries[0].position, entries[-1].position)
        if [to_entry(row) for row in rows] != entries:
            raise Superseded(
                "Other edits stand in the journal where yours belong; yours go on in a branch of your own."
            )

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Connection]:
        """One transaction on the connection that is kept; a busy database is given up after a second."""
        with translated(self._path):
            try:
                connection = self._connect()
                connection.execution_options(write=write)
                with connection.begin():
                    if not self._parts:  # What a draft branched from never changes: found once.
                        if self._asks:
                            blind.refuse_without_lock(connection, self.draft.number, self._lock.token)
                        self._parts = find_parts(connection, self.draft.number)
                    yield connection
            except DBAPIError:
                self.close()  # After an I/O error the connection is not to be trusted.
                raise

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.rollback()
            self._connection = connection
        return self._connection
