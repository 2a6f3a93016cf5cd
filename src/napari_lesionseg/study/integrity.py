"""Whether ``study.db`` is whole; asked each time a study is opened."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.migrations import newest_backup


def check_integrity(path: Path, busy_seconds: float = 30) -> int:
    """Prove that the database is whole and that every row it names exists; return its schema version.

    Raises
    ------
    LesionsegError
        If it is damaged; the sentence names the newest backup.
    """
    problem = ""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=busy_seconds)) as connection:
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if answer != "ok":
                problem = str(answer).splitlines()[-1]
            elif (missing := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
                problem = f"a row of {missing[0]} names one of {missing[2]} that does not exist"
    except sqlite3.OperationalError as error:
        raise LesionsegError(
            f"{path} could not be read or written: {error}; check the disk and that no other program holds the study."
        ) from error
    except sqlite3.DatabaseError as error:
        problem = str(error)
    if problem:
        raise LesionsegError(f"{path} is damaged ({problem}); {_way_back(path)}.")
    return version


def _way_back(path: Path) -> str:
    backup = newest_backup(path)
    if backup is None:
        return "restore it from your backup of the study folder"
    return f"restore your backup of the study folder, or put {backup.name} in its place"
