"""What may be interrupted: one step of work in a folder, and how to tell afterwards whether anything is lost."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import numpy as np

from napari_lesionseg.study import Study
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

GRID = Geometry.from_spacing((48, 48, 8), (0.8, 0.8, 2.5))
DATABASE = "study.db"
Tell = Callable[[str], None]
"""Takes a line: what has been acknowledged, so that it must be there whatever comes."""


class Work(Protocol):
    """Work in a folder, one step at a time; each step is another."""

    again: bool
    """Whether a step can follow another in the same folder."""

    def build(self, folder: Path) -> None:
        """Make the folder in which the work begins."""

    def open(self, folder: Path, tell: Tell) -> None:
        """Do what comes before the first step; a step that finds it undone does it."""

    def step(self, folder: Path, number: int, tell: Tell) -> None:
        """Do one step, and tell what can be relied on."""

    def close(self) -> None:
        """Do what comes after the last step."""

    def lost(self, folder: Path, told: list[str]) -> list[str]:
        """What is damaged or missing, given all that was told; nothing, if all is well."""

    def state(self, folder: Path) -> dict[str, str]:
        """What the folder holds for anybody who opens it now, a line each; equal if nothing has changed."""

    def completed(self, before: dict[str, str], after: dict[str, str]) -> bool:
        """Whether ``after`` is what a whole step makes of the state ``before``, all of which is still there."""


def make_mask(number: int) -> Mask:
    """A mask that no other number has: some noise, so that its file is not too small to be cut."""
    voxels = np.random.default_rng(number).integers(0, 2, GRID.display_shape, np.uint8)
    return Mask(voxels, GRID)


def make_study(folder: Path) -> Study:
    """A study of one case without a mask."""
    study = Study.create(folder)
    scan = folder / "scans" / "one.nii.gz"
    nifti.write_scan(scan, Volume(np.full(GRID.display_shape, -800, np.int16), GRID))
    study.add_case("c1", "p1", scan, split="train")
    return study


def database_state(folder: Path) -> str:
    """The SHA-256 of all rows and tables of ``study.db``, in the order SQLite gives them."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        text = json.dumps([version, *connection.iterdump()])
    return hashlib.sha256(text.encode()).hexdigest()


def database_damage(folder: Path) -> list[str]:
    """What SQLite finds wrong with ``study.db``."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return found + [f"no parent: {row}" for row in connection.execute("PRAGMA foreign_key_check")]


def visible(folder: Path) -> Iterator[Path]:
    """Every file below ``folder`` that has its name: what is hidden is on its way to one, or was cut off there."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and not path.name.startswith("study.db"):
            yield path


class OneCall:
    """Work of which each step is complete in itself."""

    again = True

    def open(self, folder: Path, tell: Tell) -> None:
        pass

    def close(self) -> None:
        pass


class Keeping(OneCall):
    """A mask is kept as a revision."""

    def build(self, folder: Path) -> None:
        make_study(folder).add_revision("c1", "prediction", make_mask(0))

    def step(self, folder: Path, number: int, tell: Tell) -> None:
        mask = make_mask(number)
        revision = Study.open(folder).add_revision("c1", "correction", mask)
        tell(f"{revision.id} {number}")

    def lost(self, folder: Path, told: list[str]) -> list[str]:
        kept = {revision.id: revision for revision in Study.open(folder).revisions("c1")}
        found = database_damage(folder)
        found += [f"corrupt {one.id}" for one in kept.values() if sha256_of(one.path) != one.sha256]
        for identity, number in (line.split() for line in told):
            if identity not in kept:
                found.append(f"lost {identity}")
            elif not np.array_equal(nifti.read_mask(kept[identity].path).array, make_mask(int(number)).array):
                found.append(f"another mask {identity}")
        return found

    def state(self, folder: Path) -> dict[str, str]:
        kept = {revision.id: revision for revision in Study.open(folder).revisions("c1")}
        rows = {f"revision {one.id}": f"{one} {sha256_of(one.path)}" for one in kept.values()}
        return {DATABASE: database_state(folder), **rows}

    def completed(self, before: dict[str, str], after: dict[str, str]) -> bool:
        same = all(after.get(name) == line for name, line in before.items() if name != DATABASE)
        return same and len(after) == len(before) + 1
