"""What a study database says of itself in its first bytes; reading them changes nothing, not even beside the file."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.schema import APPLICATION_ID, VERSION

_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME_HEADER = 32, 24


@dataclass(frozen=True)
class Header:
    """The schema version, and whether the database keeps a write-ahead log."""

    version: int
    has_wal: bool


def check_header(path: Path) -> Header:
    """Read the first 100 bytes of ``path``, and of a log beside it the newest copy of them.

    Raises
    ------
    LesionsegError
        If it is no study database, or one of a newer version.
    """
    try:
        # The log first: once it is gone, what it held is in the database.
        logged = _page_one_in_log(path.with_name(path.name + "-wal"))
        with open(path, "rb") as file:
            first = file.read(100)
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror}; check the disk and the permissions.") from error
    application = int.from_bytes(first[68:72], "big")
    if not first.startswith(b"SQLite format 3\0") or application != APPLICATION_ID:
        raise LesionsegError(f"{path} is not a study database; choose a folder made by 'lesionseg study create'.")
    version = max(int.from_bytes(page[60:64], "big") for page in (first, logged or first))
    refuse_newer(path, version)
    return Header(version, has_wal=first[18] == 2)


def refuse_newer(path: Path, version: int) -> None:
    """Raise one sentence if ``version`` is not one that this program can read or migrate."""
    if not 1 <= version <= VERSION:
        raise LesionsegError(
            f"{path} has schema version {version}, this program knows {VERSION}; "
            "update napari-lesionseg to open this study, which has been left untouched."
        )


def _page_one_in_log(log: Path) -> bytes | None:
    """The start of the newest committed page 1 in a write-ahead log: a killed program may have left it only there."""
    with suppress(FileNotFoundError), open(log, "rb") as file:  # SQLite removes it, with its last connection.
        head = file.read(_WAL_HEADER)
        page_size = int.from_bytes(head[8:12], "big")
        if int.from_bytes(head[:4], "big") not in _WAL_MAGIC or page_size < 512:
            return None
        newest, pending = None, None
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == head[16:24]:
            if frame[:4] == b"\0\0\0\1":
                pending = file.read(100)
                file.seek(page_size - len(pending), os.SEEK_CUR)
            else:
                file.seek(page_size, os.SEEK_CUR)
            if frame[4:8] != b"\0\0\0\0":  # The last frame of a commit
                newest = pending
        return newest
    return None
