"""Work that may be interrupted: a study of the first version is opened, and so brought to this one."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

from napari_lesionseg.study import Study
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.schema import VERSION
from tests.study.faults.work import DATABASE, OneCall, Tell, database_damage, database_state, visible

FIXTURE = Path(__file__).parents[1] / "fixtures" / "v1" / "study.tar.gz"


class Migrating(OneCall):
    """The study of the fixture, as an older program wrote it."""

    again = False

    def build(self, folder: Path) -> None:
        with tarfile.open(FIXTURE) as archive:
            archive.extractall(folder, filter="data")
        self._old = _rows(study_in(folder) / DATABASE)

    def step(self, folder: Path, number: int, tell: Tell) -> None:
        Study.open(study_in(folder))
        tell("migrated 2")

    def lost(self, folder: Path, told: list[str]) -> list[str]:
        place = study_in(folder)
        version = _version(place)
        found = ["it is the old one again"] if told and version != VERSION else []
        found += [] if version in (1, VERSION) else [f"it has version {version}"]
        found += _differs(self._old, _rows(place / DATABASE), "before it is opened again")
        backups = list(place.glob("study.db.v1-*.backup"))
        found += ["there is no backup"] if version == VERSION and not backups else []
        found += [one for path in backups for one in _differs(self._old, _rows(path), path.name)]
        Study.open(place)
        found += _differs(self._old, _rows(place / DATABASE), "after it is opened again")
        return found + ([] if _version(place) == VERSION else ["it was not migrated"]) + database_damage(place)

    def state(self, folder: Path) -> dict[str, str]:
        place = study_in(folder)
        files = {path.name: sha256_of(path) for path in visible(place)}
        return {DATABASE: database_state(place), "version": str(_version(place)), **files}

    def completed(self, before: dict[str, str], after: dict[str, str]) -> bool:
        changed = {DATABASE, "version"}
        same = {name for name in before if before[name] == after.get(name)} == set(before) - changed
        return same and after["version"] == str(VERSION)


def study_in(folder: Path) -> Path:
    """The study that was unpacked in ``folder``."""
    return next(folder.rglob(DATABASE)).parent


def _version(study: Path) -> int:
    with closing(sqlite3.connect(study / DATABASE)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _rows(database: Path) -> dict[str, str]:
    """What the first version knew of patients, cases and revisions, a line for each."""
    wanted = {
        "patients": "number, id, split",
        "cases": "number, id, patient_number, scan, sha256, shape, affine, added",
        "revisions": "number, id, case_number, role, file, sha256, created, reviewer, model, parent_number",
    }
    with closing(sqlite3.connect(database)) as connection:
        rows = {
            name: connection.execute(f"SELECT {columns} FROM {name}").fetchall() for name, columns in wanted.items()
        }
    return {f"{name} {row[0]}": repr(row) for name, those in rows.items() for row in those}


def _differs(old: dict[str, str], new: dict[str, str], where: str) -> list[str]:
    return [f"{name} {where}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
