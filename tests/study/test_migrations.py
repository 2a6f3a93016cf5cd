from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, database, migrations
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.ledger import check_ledger, ledger_hash
from napari_lesionseg.study.schema import VERSION
from napari_lesionseg.volumes import nifti

# Written by version 1 (commit dc5ffde): five scans of four patients with four masks.
FIXTURE = Path(__file__).parent / "fixtures" / "v1" / "study.tar.gz"
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a study of version 1."""
    return _unpack(tmp_path / "old")


def _unpack(folder: Path) -> Path:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _sql(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def _version(path: Path) -> int:
    return int(_sql(path, "PRAGMA user_version")[0][0])


def _schema(folder: Path) -> list[Any]:
    """Every table, index and trigger, word for word."""
    return sorted(_sql(folder / "study.db", "SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_master"))


def _rows_of_v1(path: Path) -> list[list[Any]]:
    return [
        _sql(path, "SELECT id, seed, created FROM study"),
        _sql(path, "SELECT number, id, split FROM patients ORDER BY number"),
        _sql(path, "SELECT number, id, patient_number, scan, sha256, shape, affine, added FROM cases ORDER BY number"),
        _sql(
            path,
            "SELECT number, id, case_number, role, file, sha256, created, reviewer, model, parent_number,"
            " corrected_slices FROM revisions ORDER BY number",
        ),
    ]


def _files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.hazard("H28")
def test_a_study_of_version_1_opens_with_every_row_and_every_mask(old: Path) -> None:
    before, files = _rows_of_v1(old / "study.db"), _files(old)
    study = Study.open(old)
    assert _version(old / "study.db") == VERSION
    assert _rows_of_v1(old / "study.db") == before
    assert study.seed == 3
    assert study.split() == {"train": ["p1"], "calibration": ["p2"], "gate": ["P3"], "test": ["p4"]}
    for case in study.cases():
        study.check_scan(case)
    truth = study.latest("judged", "truth")
    assert truth is not None and np.count_nonzero(nifti.read_mask(truth.path).array) == 8
    kept = {name: sha for name, sha in _files(old).items() if "study.db" not in name}
    assert kept == {name: sha for name, sha in files.items() if name != "study.db"}


def test_what_version_1_did_not_know_is_filled_from_what_it_knew(old: Path) -> None:
    study = Study.open(old)
    states = {case.id: case.state for case in study.cases()}
    assert states == {
        "plain": "unlabelled",
        "predicted": "predicted",
        "corrected": "corrected",
        "second": "unlabelled",
        "judged": "unlabelled",
    }
    assert _sql(old / "study.db", "SELECT reviewer FROM cases WHERE id = 'corrected'") == [("anna",)]
    touched = _sql(old / "study.db", "SELECT touched FROM cases WHERE id = 'predicted'")[0][0]
    assert touched == study.revisions("predicted")[-1].created
    check_ledger(study)
    assert len(ledger_hash(study)) == 64


@pytest.mark.hazard("H28")
def test_a_migrated_study_is_made_of_the_same_tables_as_a_new_one(old: Path, study: Study) -> None:
    Study.open(old)
    assert _schema(old) == _schema(study.folder)
    assert len(_schema(old)) > 40


def test_a_migrated_study_goes_on_as_a_new_one_does(
    old: Path, make_scan: Callable[..., Path], make_mask: Callable[..., Any]
) -> None:
    study = Study.open(old)
    last = max(row[0] for row in _sql(old / "study.db", "SELECT number FROM revisions"))
    study.add_case("new", "p9", make_scan("new.nii", 99))
    study.add_revision("new", "prediction", make_mask(2))
    assert _sql(old / "study.db", "SELECT max(number) FROM revisions") == [(last + 1,)]
    check_ledger(study)


@pytest.mark.hazard("H28")
def test_the_backup_is_the_study_as_it_was(old: Path) -> None:
    before, dump = _rows_of_v1(old / "study.db"), _schema(old)
    Study.open(old)
    (backup,) = old.glob("study.db.v1-*.backup")
    assert _version(backup) == 1
    assert _rows_of_v1(backup) == before
    back = old.with_name("back")
    back.mkdir()
    shutil.copy(backup, back / "study.db")
    assert _schema(back) == dump
    assert [case.id for case in Study.open(back).cases()][0] == "plain"  # It can be migrated again.
    Study.open(old)
    assert len(list(old.glob("*.backup"))) == 1


@pytest.mark.hazard("H28")
def test_a_migration_without_room_for_the_backup_leaves_the_study_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _rows_of_v1(old / "study.db")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(LesionsegError, match="schema version 2: .*No space left on device.* left as it was"):
            Study.open(old)
    assert (_version(old / "study.db"), _rows_of_v1(old / "study.db")) == (1, before)
    assert [path.name for path in old.glob("*study.db*")] == ["study.db"]
    assert len(Study.open(old).cases()) == 5


def test_a_study_that_is_damaged_is_not_migrated(old: Path) -> None:
    _sql(old / "study.db", "UPDATE cases SET patient_number = 99 WHERE id = 'plain'")
    with pytest.raises(LesionsegError, match="rows name others that do not exist"):
        Study.open(old)
    assert _version(old / "study.db") == 1


def _migrate_in_child(path: Path, die_at: int | None) -> int:
    """Migrate in a forked process that kills itself before statement ``die_at``; return how many there were."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            real, seen = sqlite3.connect, [0]

            def count(_: str) -> None:
                seen[0] += 1
                if seen[0] == die_at:
                    os.kill(os.getpid(), signal.SIGKILL)

            def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
                connection = real(*arguments, **named)
                connection.set_trace_callback(count)
                return connection

            sqlite3.connect = connect  # type: ignore[assignment]
            migrations.migrate(path)
            os.write(writer, str(seen[0]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as said:
        return int(said.read() or 0)


@pytest.fixture
def moments(tmp_path: Path, hazard_count: Count) -> Iterator[int]:
    """Statements of a migration to be killed before: some, or every one."""
    total = _migrate_in_child(_unpack(tmp_path / "counted") / "study.db", None)
    assert total > 60
    return iter(range(1, total + 1, hazard_count(6, 1)))


@pytest.mark.hazard("H28")
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX systems")
def test_a_migration_killed_at_any_statement_is_done_or_undone_and_goes_on(
    tmp_path: Path, moments: Iterator[int], study: Study, hazard_figure: Figure
) -> None:
    wanted, schema = _rows_of_v1(_unpack(tmp_path / "untouched") / "study.db"), _schema(study.folder)
    killed, lost, left = 0, 0, set()
    for moment in moments:
        folder = _unpack(tmp_path / f"at-{moment}")
        killed += _migrate_in_child(folder / "study.db", moment) == 0
        left.add(_version(folder / "study.db"))
        opened = Study.open(folder)
        check_ledger(opened)
        whole = _rows_of_v1(folder / "study.db") == wanted and _schema(folder) == schema
        backups = list(folder.glob("study.db.v1-*.backup"))
        lost += not (whole and backups and all(_rows_of_v1(backup) == wanted for backup in backups))
        lost += bool(list(folder.glob(".*.backup*")))
        shutil.rmtree(folder)
    hazard_figure("H28", f"{killed} killed migrations: {lost} studies or backups damaged", lost == 0)
    assert killed > 0 and lost == 0
    assert left == {1}  # The last statement is the commit.


@pytest.mark.hazard("H28")
@pytest.mark.parametrize("newer", [VERSION + 1, VERSION + 40])
def test_a_newer_study_is_refused_with_not_a_byte_changed(study: Study, newer: int, hazard_figure: Figure) -> None:
    _sql(study.folder / "study.db", f"PRAGMA user_version = {newer}")
    before = _files(study.folder)
    with pytest.raises(LesionsegError, match=f"schema version {newer}.*left untouched"):
        Study.open(study.folder)
    changed = sum(_files(study.folder).get(name) != sha for name, sha in before.items())
    hazard_figure("H28", f"newer study refused: {changed} of {len(before)} files changed", changed == 0)
    assert _files(study.folder) == before  # No -wal and no -shm either.


@pytest.mark.hazard("H28")
def test_a_newer_version_that_a_killed_program_left_in_the_log_is_refused_too(study: Study, tmp_path: Path) -> None:
    with closing(sqlite3.connect(study.folder / "study.db")) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        shutil.copytree(study.folder, tmp_path / "killed")  # As a kill leaves it: the log not written back
    killed = tmp_path / "killed"
    assert (killed / "study.db-wal").stat().st_size > 0
    before = _files(killed)
    with pytest.raises(LesionsegError, match=f"schema version {VERSION + 1}"):
        Study.open(killed)
    assert _files(killed) == before


def test_a_log_of_this_version_is_taken_in(study: Study, tmp_path: Path, make_scan: Callable[..., Path]) -> None:
    with closing(sqlite3.connect(study.folder / "study.db")):  # Held open: nothing is written back.
        reader = sqlite3.connect(study.folder / "study.db")
        reader.execute("SELECT * FROM study").fetchall()
        study.add_case("c1", "p1", make_scan("one.nii"))
        shutil.copytree(study.folder, tmp_path / "killed")
        reader.close()
    assert (tmp_path / "killed" / "study.db-wal").stat().st_size > 0
    assert [case.id for case in Study.open(tmp_path / "killed").cases()] == ["c1"]


def test_a_version_that_an_unfinished_commit_wrote_is_undone_before_it_is_believed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill inside the commit may leave version 2 in the file and version 1 in the rollback journal."""
    asked = database.check_header

    def too_early(path: Path) -> Any:
        header = asked(path)
        return type(header)(VERSION, header.has_wal)

    monkeypatch.setattr(database, "check_header", too_early)
    assert len(Study.open(old).cases()) == 5
    assert _version(old / "study.db") == VERSION
