"""``study.db``: made whole or not at all, refused if newer, durable at every commit."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.header import check_header
from napari_lesionseg.study.integrity import check_integrity
from napari_lesionseg.study.migrations import migrate
from napari_lesionseg.study.place import is_on_network
from napari_lesionseg.study.schema import APPLICATION_ID, VERSION
from napari_lesionseg.study.tables import make_tables, make_triggers
from napari_lesionseg.volumes.atomic import sync_folder

BUSY_SECONDS = 30  # how long a writer waits for another one


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def create_database(path: Path, seed: int) -> None:
    """Make a new study database; it appears under ``path`` only when it is complete."""
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            make_tables(connection)
            make_triggers(connection)
            connection.execute("INSERT INTO study (id, seed, created) VALUES (1, ?, ?)", (seed, now()))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            # The version is written before the journal becomes a WAL, so that it stands in the file itself.
            connection.execute(f"PRAGMA journal_mode = {_journal_mode(path)}")
        os.replace(temporary, path)
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise LesionsegError(f"Could not create {path}: {error}; free some space or choose another folder.") from error
    finally:
        temporary.unlink(missing_ok=True)


def prepare_database(path: Path) -> None:
    """Make sure that a database may be used: ours, not newer, of this version and whole.

    Raises
    ------
    LesionsegError
        If it is no study database, is of a newer version (its files have been read and nothing else), is damaged, or
        could not be migrated.
    """
    header = check_header(path)
    # What a killed program left in a journal is settled by opening it, and may bring an older version back.
    if header.version < VERSION or check_integrity(path) < VERSION:
        migrate(path)
        check_integrity(path)
    _settle_journal(path)


def _journal_mode(path: Path) -> str:
    return "DELETE" if is_on_network(path.parent) else "WAL"


def _settle_journal(path: Path) -> None:
    """A study may have been carried from a local disk to a network, or back, since it was opened last."""
    wanted = _journal_mode(path)
    if check_header(path).has_wal == (wanted == "WAL"):
        return
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        try:
            settled = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
        except sqlite3.OperationalError:
            settled = ""
    if wanted == "DELETE" and settled != "delete":
        raise LesionsegError(
            f"{path} lies on a network drive and is held open by another program that takes it for a local disk; "
            "close that program, then open the study again."
        )


def connect(path: Path) -> Engine:
    """Make an engine that opens ``path`` for each transaction and closes it after.

    No connection outlives its transaction: threads and child processes share nothing, and between two
    transactions ``study.db`` is one complete file that can be copied.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # Transactions begin where we say, see _on_begin.
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A writer locks before it reads: what it decides on cannot change before it commits.
        writes = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn a database error into one sentence that names ``path``."""
    try:
        yield
    except IntegrityError as error:
        raise LesionsegError(f"{path} refused this change: {error.orig}; nothing has been changed.") from error
    except DBAPIError as error:
        raise LesionsegError(
            f"{path} could not be read or written: {error.orig}; "
            "check that the disk is not full and that no other program holds the study."
        ) from error
