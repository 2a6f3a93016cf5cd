"""Scans and masks as files of a study: where they lie, what they hash to, how a scan is copied in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import sync_folder, write_atomically


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


def copy_scan(scan: Path, target: Path, sha256: str) -> None:
    """Copy ``scan`` to ``target``, atomically and proved by its hash.

    Raises
    ------
    LesionsegError
        If it cannot be read or written, or if it changed since ``sha256`` was taken.
    """

    def same(temporary: Path) -> None:
        if sha256_of(temporary) != sha256:
            raise LesionsegError(f"{scan} changed while it was copied; wait until it is complete and add it again.")

    try:
        data = scan.read_bytes()
    except OSError as error:
        raise LesionsegError(f"{scan} cannot be read: {error.strerror}; check the disk and the permissions.") from error
    make_folder(target.parent)
    write_atomically(target, data, same)


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
