"""A folder that appears with all its files, or not at all."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import sync_folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which gets the name ``folder`` at the end; whatever fails, nothing is left.

    Raises
    ------
    LesionsegError
        If ``folder`` exists already, or cannot be made. Only if its parent cannot be synced at the very end, the
        folder is there, and the sentence says so.
    """
    if folder.exists():
        raise LesionsegError(f"{folder} exists already; choose a new folder for the data set.")
    new_parents = [parent for parent in folder.parents if not parent.exists()]
    temporary = folder.with_name(f".{uuid.uuid4().hex[:8]}.{folder.name}")
    done = False
    try:
        temporary.mkdir(parents=True)
        yield temporary
        sync_folder(temporary)
        temporary.rename(folder)
        done = True
    except OSError as error:
        reason = error.strerror or str(error)
        raise LesionsegError(
            f"Could not write {folder}: {reason}; free some space or choose another folder, then try again."
        ) from error
    finally:
        if not done:
            shutil.rmtree(temporary, ignore_errors=True)
            with suppress(OSError):  # Somebody else may have put something there by now.
                for parent in new_parents:
                    parent.rmdir()
    try:
        sync_folder(folder.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LesionsegError(
            f"{folder} was written, but the disk did not confirm it: {reason}; check the disk, and export it again."
        ) from error
