"""Scans and masks as files of a study: where they lie, what they hash to, how a scan is copied in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.atomic import sync_folder


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    LesionsegError
        If the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LesionsegError(f"{path} cannot be read: {error.strerror}; check the disk and the permissions.") from error


def path_to_store(folder: Path, file: Path) -> str:
    """Return how the study in ``folder`` notes ``file``: relative where it lies inside, else absolute."""
    resolved = file.resolve()
    if resolved.is_relative_to(folder.resolve()):
        return resolved.relative_to(folder.resolve()).as_posix()
    return str(resolved)


def stored_path(folder: Path, noted: str) -> Path:
    """Return the absolute path behind what ``path_to_store`` noted; the disk is not touched."""
    return Path(os.path.normpath(folder / noted))


def write_copy(scan: Volume, target: Path, check: Callable[[str], None]) -> str:
    """Write ``scan`` to ``target`` with a fresh header, atomically and proved; return the SHA-256 of the file.

    Parameters
    ----------
    check
        Called with that hash; if it raises, the file is removed.

    Raises
    ------
    LesionsegError
        If it cannot be written, or as ``check``.
    """
    from napari_lesionseg.volumes import nifti  # It brings nibabel: not for every reader of a study.

    make_folder(target.parent)
    nifti.write_scan(target, scan)
    sha256 = sha256_of(target)
    try:
        check(sha256)
    except LesionsegError:
        target.unlink(missing_ok=True)
        raise
    return sha256


def make_folder(folder: Path) -> None:
    """Make ``folder`` inside an existing one, durably, if it is not there.

    Raises
    ------
    LesionsegError
        If it cannot be made.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
    except OSError as error:
        raise LesionsegError(
            f"Could not make {folder}: {error.strerror}; check the disk and the permissions."
        ) from error


def make_empty_folder(folder: Path) -> None:
    """Make ``folder`` with all folders above it, or accept one that is empty.

    Raises
    ------
    LesionsegError
        If it holds anything, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise LesionsegError(f"Could not make the folder {folder}: {error.strerror}; choose another one.") from error
    if not empty:
        raise LesionsegError(f"{folder} is not empty; choose a new folder for the study.")
