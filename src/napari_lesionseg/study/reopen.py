"""Opening a study again: it was proved whole when this program opened it first, which takes seconds if it is large."""

from __future__ import annotations

import threading
from pathlib import Path

from napari_lesionseg.study.header import check_header
from napari_lesionseg.study.schema import VERSION
from napari_lesionseg.study.store import DATABASE, Study

_proved: dict[Path, tuple[int, int]] = {}  # The file that was proved: its device and number on it.
_lock = threading.Lock()


def reopen_study(folder: str | Path) -> Study:
    """Open a study as ``Study.open`` does; the same file again as fast as its first 100 bytes are read.

    Raises
    ------
    LesionsegError
        As ``Study.open``.
    """
    folder = Path(folder).resolve()
    database = folder / DATABASE
    with _lock:
        is_proved = database.is_file() and _proved.get(folder) == _identity(database)
        if is_proved and check_header(database).version == VERSION:
            return Study(folder)
        study = Study.open(folder)
        _proved[folder] = _identity(database)
        return study


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_dev, status.st_ino
