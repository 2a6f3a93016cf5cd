from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, store
from napari_lesionseg.study.database import connect, create_database
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.schema import VERSION
from napari_lesionseg.volumes import Mask, nifti


def _snapshot(folder: Path) -> dict[str, str]:
    return {str(path): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _run_sql(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.hazard("H28")
def test_a_newer_study_is_refused_in_one_sentence_and_left_untouched(study: Study) -> None:
    _run_sql(study.folder / "study.db", f"PRAGMA user_version = {VERSION + 1}")
    before = _snapshot(study.folder)
    with pytest.raises(LesionsegError, match=f"schema version {VERSION + 1}, this program knows {VERSION}; update"):
        Study.open(study.folder)
    assert _snapshot(study.folder) == before


@pytest.mark.parametrize("content", [b"", b"not a database" * 50])
def test_a_file_that_is_no_database_is_refused(study: Study, content: bytes) -> None:
    (study.folder / "study.db").write_bytes(content)
    with pytest.raises(LesionsegError, match="is not a study database"):
        Study.open(study.folder)


def test_a_database_of_another_program_is_refused(study: Study) -> None:
    _run_sql(study.folder / "study.db", "PRAGMA application_id = 0")
    with pytest.raises(LesionsegError, match="is not a study database"):
        Study.open(study.folder)


def test_a_damaged_database_is_one_sentence(study: Study) -> None:
    file = study.folder / "study.db"
    data = bytearray(file.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    file.write_bytes(data)
    with pytest.raises(LesionsegError, match=r"study.db is damaged .*; restore it from your backup"):
        Study.open(study.folder)


@pytest.mark.hazard("H2")
def test_commits_are_synced_in_full_through_a_wal_and_keys_are_enforced(study: Study) -> None:
    with connect(study.folder / "study.db").connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        ]
    assert values == ["wal", 2, 1, VERSION]


def test_between_transactions_the_database_is_one_complete_file(study: Study, make_scan: Callable[..., Path]) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    assert sorted(path.name for path in study.folder.glob("study.db*")) == ["study.db"]


def test_a_study_that_could_not_be_completed_leaves_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LesionsegError, match="Could not create .*No space left on device"):
        create_database(tmp_path / "study.db", seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.hazard("H3")
def test_a_mask_that_could_not_be_written_leaves_no_row(
    study: Study, make_scan: Callable[..., Path], make_mask: Callable[..., Mask], monkeypatch: pytest.MonkeyPatch
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))

    def full(*_: object) -> None:
        raise LesionsegError("The disk is full.")

    monkeypatch.setattr(nifti, "write_mask", full)
    with pytest.raises(LesionsegError, match="The disk is full"):
        study.add_revision("c1", "correction", make_mask())
    assert study.revisions("c1") == []


@pytest.mark.hazard("H2")
def test_the_mask_is_on_disk_and_proved_before_its_row_is_begun(
    study: Study, make_scan: Callable[..., Path], make_mask: Callable[..., Mask], monkeypatch: pytest.MonkeyPatch
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    seen: list[int] = []

    def row(**fields: object) -> None:
        seen.append(int(nifti.read_mask(study.folder / str(fields["file"])).array.sum()))
        raise LesionsegError("The power failed here.")

    monkeypatch.setattr(store, "RevisionRow", row)
    with pytest.raises(LesionsegError, match="The power failed here"):
        study.add_revision("c1", "correction", make_mask(7))
    assert seen == [7]


_ADD_FOR_EVER = """
import sys
import numpy as np
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Mask
study = Study.open(sys.argv[1])
geometry = study.case("c1").geometry
while True:
    mask = Mask(np.random.default_rng().integers(0, 2, geometry.display_shape, np.uint8), geometry)
    print(study.add_revision("c1", "correction", mask).id, flush=True)
"""


@pytest.mark.hazard("H1")
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX systems")
def test_killed_at_any_moment_every_acknowledged_revision_is_there_and_whole(
    study: Study, make_scan: Callable[..., Path]
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    acknowledged: list[str] = []
    for delay in (0.05, 0.11, 0.18):
        command = [sys.executable, "-c", _ADD_FOR_EVER, str(study.folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged.append(child.stdout.readline().strip())
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in child.stdout.read().splitlines(keepends=True) if "\n" in line]
    kept = {revision.id: revision for revision in Study.open(study.folder).revisions("c1")}
    assert len(acknowledged) >= 3
    assert set(acknowledged) <= set(kept)
    assert all(sha256_of(revision.path) == revision.sha256 for revision in kept.values())
