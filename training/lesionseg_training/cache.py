"""Prepared scans on disk, inside the study: each scan is unpacked and brought to the network's grid once.

A cache may be deleted at any time, and whatever is wrong with it (full disk, damage, no permission) costs time alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.format import open_memmap

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.preprocess import Bytes
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.study.files import sha256_of

CODE_VERSION: Final = 1  # Raise it when preprocessing makes other bytes of the same scan.
FOLDER: Final = Path("cache", "prepared")  # In the study: voxels of patients never leave it for the user's own cache.
ABOUT: Final = "about.json"
ARRAYS: Final = ("slices", "soft")
TAG: Final = (  # https://bford.info/cachedir/
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Prepared scans of lesionseg-train; they can be made again, so backups may skip them.\n"
)
STALE_SECONDS: Final = 3600.0  # No writer takes so long: what is older was left by one that was killed.
SPARED_BYTES: Final = 1_000_000_000  # Left free on the disk, for checkpoints and for a reviewer who saves.


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan and its target on the network's grid.

    Parameters
    ----------
    slices, soft
        (Z, h, w) grey levels, and share of lesion times 255; in memory, or mapped read-only.
    first
        Display z of the first slice.
    """

    slices: Bytes
    soft: Bytes
    first: int


def prepared_key(scan_sha256: str, mask_sha256: str, preprocessing: Preprocessing) -> str:
    """SHA-256 over everything that the prepared bytes depend on."""
    parts = (str(CODE_VERSION), scan_sha256, mask_sha256, preprocessing.model_dump_json())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(eq=False)
class PreparedCache:
    """The cache of one study, as one run uses it.

    Parameters
    ----------
    study
        The study's folder.
    limit_gb
        Room for all entries, in GB (1e9 bytes); 0: nothing is read or written. What was used longest ago goes first;
        what this run uses stays, so that a study larger than the limit is cached in part instead of in turn.
    """

    study: Path
    limit_gb: float
    _used: set[str] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Where the entries lie, each in a folder named by its key."""
        return self.study / FOLDER

    def get(self, key: str, make: Callable[[], Prepared]) -> Prepared:
        """The entry ``key`` mapped from disk, or what ``make`` makes, which is kept where there is room.

        A damaged entry is made anew.
        """
        if self.limit_gb <= 0:
            return make()
        known = self._open(key)
        if known is not None:
            return known
        made = make()
        try:
            self._keep(key, made)
        except (OSError, LesionsegError):
            return made  # Full, read-only, or gone: the run goes on from memory.
        return self._open(key) or made

    def _open(self, key: str) -> Prepared | None:
        """Map an entry whose bytes are those that were written; None if there is no such."""
        entry = self.folder / key
        try:
            about = json.loads((entry / ABOUT).read_text())
            arrays = [_map(entry / f"{name}.npy", about[name]) for name in ARRAYS]
            found = Prepared(arrays[0], arrays[1], int(about["first"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, LesionsegError):
            return None
        with contextlib.suppress(OSError):
            os.utime(entry / ABOUT)  # When it was last used.
        self._used.add(key)
        return found

    def _keep(self, key: str, made: Prepared) -> None:
        """Write an entry beside its place and rename it; another trainer may be doing the same."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _tag(self.folder.parent)
        size = made.slices.nbytes + made.soft.nbytes
        if not self._make_room(key, size) or shutil.disk_usage(self.folder).free < size + SPARED_BYTES:
            return
        beside = self.folder / f".{uuid.uuid4().hex[:8]}.{key}"
        try:
            beside.mkdir()
            _write(beside, made)
            _remove(self.folder / key)  # A damaged one, or the same that another trainer has just made.
            beside.rename(self.folder / key)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _make_room(self, key: str, size: int) -> bool:
        """Remove what was used longest ago until ``size`` more bytes fit; whether they do."""
        _sweep(self.folder)
        entries = {path: _last_use(path) for path in self.folder.iterdir() if path.name[0] != "." and path.name != key}
        sizes = {path: _size(path) for path in entries}
        room = self.limit_gb * 1e9 - size - sum(sizes.values())
        unused = sorted((path for path in entries if path.name not in self._used), key=entries.__getitem__)
        if room + sum(sizes[path] for path in unused) < 0:
            return False  # It would not fit even then: nothing is removed in vain.
        for path in unused:
            if room >= 0:
                break
            if _remove(path):
                room += sizes[path]
        return room >= 0


def _write(folder: Path, made: Prepared) -> None:
    about: dict[str, Any] = {"first": made.first}
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(made, name), allow_pickle=False)
        about[name] = {"shape": getattr(made, name).shape, "sha256": sha256_of(folder / f"{name}.npy")}
    (folder / ABOUT).write_text(json.dumps(about))


def _map(path: Path, about: dict[str, Any]) -> Bytes:
    """Map a file after reading all of it once: it is proved, and in the system's memory for the first epoch."""
    if sha256_of(path) != about["sha256"]:
        raise ValueError(path)
    array: Bytes = np.asarray(open_memmap(path, mode="r"))  # A plain view: a memmap is slow to take slices of.
    if array.shape != tuple(about["shape"]) or array.dtype != np.uint8:
        raise ValueError(path)
    return array


def _tag(folder: Path) -> None:
    path = folder / "CACHEDIR.TAG"
    if not path.exists():
        path.write_text(TAG)


def _sweep(folder: Path) -> None:
    for left in folder.glob(".????????.*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _last_use(entry: Path) -> float:
    try:
        return (entry / ABOUT).stat().st_mtime
    except OSError:
        return 0.0  # No whole entry.


def _size(entry: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for file in entry.iterdir():
            total += file.stat().st_size
    return total


def _remove(entry: Path) -> bool:
    """Remove an entry; first its name, so that nobody opens half of one. Those who have mapped it keep it (POSIX)."""
    gone = entry.with_name(f".{uuid.uuid4().hex[:8]}.{entry.name}")
    try:
        entry.rename(gone)
    except OSError:  # Another trainer took it away, or Windows keeps it while it is mapped.
        return not entry.exists()
    shutil.rmtree(gone, ignore_errors=True)
    return True
