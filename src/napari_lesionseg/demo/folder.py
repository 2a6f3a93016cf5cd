"""The folder a demo leaves its results in: a new one, or that of an earlier demo."""

from __future__ import annotations

import shutil
from pathlib import Path

from napari_lesionseg.errors import LesionsegError

MARK = ".lesionseg-demo"


def make_folder(out: Path) -> None:
    """Make ``out`` an empty folder; only a folder of an earlier demo is cleared.

    Raises
    ------
    LesionsegError
        If it holds anything else.
    """
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise LesionsegError(f"{out} holds other files; give a new folder.")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()
