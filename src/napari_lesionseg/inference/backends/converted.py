"""Networks as OpenVINO reads them, kept where the system keeps what can be made again: converting one takes seconds."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from napari_lesionseg.inference.backends.openvino_import import import_openvino

KEPT = 8
PARTS = ("encoder", "decoder")
SUM = "sha256"
Parts = tuple[Any, Any]


def keep_converted(convert: Callable[[], Parts], key: str) -> Parts:
    """Give the encoder and the decoder named ``key``: those that are kept if they are whole, else new ones.

    A disk that cannot be written to costs time and nothing else. ``""`` is never kept.
    """
    kept = Path(platformdirs.user_cache_dir("napari-lesionseg", appauthor=False)) / "converted"
    folder = kept / hashlib.sha256(key.encode()).hexdigest()[:32]
    if key and _is_whole(folder):
        folder.touch()  # The last to be removed.
        core = import_openvino().Core()
        return core.read_model(folder / f"{PARTS[0]}.xml"), core.read_model(folder / f"{PARTS[1]}.xml")
    parts = convert()
    if key:
        with suppress(OSError):
            _keep(parts, folder)
    return parts


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / SUM).read_text() == _sum(folder)
    except (OSError, ValueError):
        return False


def _sum(folder: Path) -> str:
    files = [folder / f"{part}.{ending}" for part in PARTS for ending in ("xml", "bin")]
    return "\n".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def _keep(parts: Parts, folder: Path) -> None:
    """Write beside, then rename: two windows may convert the same network."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)  # Not whole.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as beside:
        new = Path(beside) / "network"
        new.mkdir()
        for name, part in zip(PARTS, parts, strict=True):
            import_openvino().save_model(part, new / f"{name}.xml", compress_to_fp16=False)
        (new / SUM).write_text(_sum(new))
        os.rename(new, folder)
    kept = sorted(folder.parent.glob("[0-9a-f]*"), key=lambda one: -one.stat().st_mtime)
    for old in kept[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
