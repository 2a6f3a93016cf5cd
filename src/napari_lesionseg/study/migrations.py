"""From an older ``study.db`` to this version: a backup first, then everything in one transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.chain import line_hash
from napari_lesionseg.study.header import refuse_newer
from napari_lesionseg.study.schema import VERSION, Base
from napari_lesionseg.study.tables import make_tables, make_triggers
from napari_lesionseg.volumes.atomic import sync_folder

BUSY_SECONDS = 30


def migrate(path: Path) -> Path | None:
    """Bring a study of an older version to this one; return the backup, or None if another program was faster.

    Killed at any moment, the study is the old one or the new one.

    Raises
    ------
    LesionsegError
        If it cannot be done; the study is then the old one.
    """
    with _opened(path) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        refuse_newer(path, version)
        if version == VERSION:
            return None
        backup = back_up(path, version)
        _rebuild(connection, version)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        return backup


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction that keeps every other writer out, committed only if the block ends well."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            _leave_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except (OSError, sqlite3.Error) as error:
        raise LesionsegError(
            f"{path} could not be brought to schema version {VERSION}: {error}; it has been left as it was, "
            "so close other programs that hold the study, free some space and open it again."
        ) from error


def _leave_wal(connection: sqlite3.Connection) -> None:
    """Let the version stand in the file itself, where an older program looks, at the moment of the commit."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete":
                return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > give_up:  # A disk that fails does not get better by waiting.
                raise
        if time.monotonic() > give_up:
            raise sqlite3.OperationalError("database is locked")
        time.sleep(0.05)


def back_up(path: Path, version: int) -> Path:
    """Copy the database as ``study.db.v1-<UTC>.backup``, whole or not at all; the caller holds the write lock."""
    for left in path.parent.glob(f".????????.{path.name}.v*.backup*"):  # By a program that was killed right here.
        left.unlink(missing_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = path.with_name(f"{path.name}.v{version}-{stamp}.backup")
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{target.name}")
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(temporary)) as copy,
        ):
            source.backup(copy)
            if copy.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise OSError("the study is damaged already, restore it from a backup of your own")
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def newest_backup(path: Path) -> Path | None:
    """The last backup that a migration made of ``path``, if there is one."""
    found = path.parent.glob(f"{path.name}.v*-*.backup")
    return max(found, key=lambda backup: backup.name.rpartition("-")[2], default=None)


def _rebuild(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables anew and fill them: the result cannot differ from a study that was made in this version."""
    old = _names(connection, "table")
    for name in [*_names(connection, "index"), *_names(connection, "trigger")]:
        kind = "INDEX" if name in _names(connection, "index") else "TRIGGER"
        connection.execute(f"DROP {kind} {name}")
    for name in old:
        connection.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
    make_tables(connection)
    for name in Base.metadata.tables:
        if name in old:
            columns = ", ".join(_columns(connection, name) & _columns(connection, f"old_{name}"))
            connection.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM old_{name} ORDER BY rowid")
    for name in old:
        connection.execute(f"DROP TABLE old_{name}")
    if version < 2:
        _fill_ledger(connection)
        _fill_states(connection)
    make_triggers(connection)
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise sqlite3.IntegrityError("rows name others that do not exist")


def _names(connection: sqlite3.Connection, kind: str) -> list[str]:
    made = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    return [name for (name,) in connection.execute(made, (kind,))]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}


def _fill_ledger(connection: sqlite3.Connection) -> None:
    """Version 1 had no hashes: chain the patients in the order in which they came."""
    last = ""
    for number, patient, split in connection.execute(
        "SELECT number, id, split FROM patients ORDER BY number"
    ).fetchall():
        last = line_hash(last, patient, split)
        connection.execute("UPDATE patients SET hash = ? WHERE number = ?", (last, number))


def _fill_states(connection: sqlite3.Connection) -> None:
    """Version 1 had no states: a case is what its masks say, and nobody has approved it."""
    newest = "FROM revisions WHERE case_number = cases.number {} ORDER BY number DESC LIMIT 1"
    connection.execute(f"UPDATE cases SET touched = (SELECT created {newest.format('')})")
    for state, role in (("predicted", "prediction"), ("corrected", "correction")):
        of_role = newest.format(f"AND role = '{role}'")
        connection.execute(
            f"UPDATE cases SET state = ?, reviewer = (SELECT reviewer {of_role}) WHERE EXISTS (SELECT 1 {of_role})",
            (state,),
        )
