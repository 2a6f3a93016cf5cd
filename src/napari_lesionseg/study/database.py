"""``study.db``: made whole or not at all, refused if newer, durable at every commit."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.schema import APPLICATION_ID, VERSION, Base, StudyRow
from napari_lesionseg.volumes.atomic import sync_folder

BUSY_SECONDS = 30  # how long a writer waits for another one


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def create_database(path: Path, seed: int) -> None:
    """Make a new study database; it appears under ``path`` only when it is complete."""
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        with translated(path):
            engine = connect(temporary)
            with Session(engine.execution_options(write=True)) as session, session.begin():
                Base.metadata.create_all(session.connection())
                session.add(StudyRow(id=1, seed=seed, created=now()))
            _set_pragmas(temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise LesionsegError(f"Could not create {path}: {error}; free some space or choose another folder.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _set_pragmas(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # The version is written before the journal becomes a WAL, so that it stands in the file itself.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def check_database(path: Path) -> None:
    """Read the first 100 bytes of ``path`` and nothing else.

    Raises
    ------
    LesionsegError
        If it is no study database, or one of a newer version.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror}; check the disk and the permissions.") from error
    application = int.from_bytes(header[68:72], "big")
    if not header.startswith(b"SQLite format 3\0") or application != APPLICATION_ID:
        raise LesionsegError(f"{path} is not a study database; choose a folder made by 'lesionseg study create'.")
    version = int.from_bytes(header[60:64], "big")
    if version != VERSION:
        raise LesionsegError(
            f"{path} has schema version {version}, this program knows {VERSION}; "
            "update napari-lesionseg to open this study, which has been left untouched."
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
    except DBAPIError as error:
        raise LesionsegError(
            f"{path} could not be read or written: {error.orig}; "
            "check that the disk is not full and that no other program holds the study."
        ) from error
