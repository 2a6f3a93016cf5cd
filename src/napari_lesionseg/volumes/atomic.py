"""Files that are either the old one or the new one, never a part of either."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from napari_lesionseg.errors import LesionsegError

# Some network file systems cannot sync a folder, and a folder may be writable but not readable.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES}


def write_atomically(path: Path, data: bytes, verify: Callable[[Path], None] | None = None) -> None:
    """Write ``data`` to ``path`` through a temporary file on the same file system.

    The temporary file is synced, then read back by ``verify`` (which raises if the file is not
    what was meant), then renamed over ``path``, and the folder is synced.

    Raises
    ------
    LesionsegError
        If anything fails; ``path`` is then what it was before, and no temporary file is left. Only if the folder
        cannot be synced at the very end, ``path`` is already the new file, and the sentence says so.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if verify is not None:
            verify(temporary)
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LesionsegError(
            f"Could not write {path}: {reason}; free some space or choose another folder, then try again."
        ) from error
    finally:
        _remove(temporary)
    try:
        sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LesionsegError(
            f"{path} was written, but the disk did not confirm it: {reason}; save it again."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` durable, where the system allows to sync a folder."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # The folder is gone or read-only; the first error is the one to tell.
        path.unlink(missing_ok=True)
