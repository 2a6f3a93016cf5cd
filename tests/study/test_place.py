from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, database
from napari_lesionseg.study.integrity import check_integrity
from napari_lesionseg.study.place import is_on_network


def _mounted(monkeypatch: pytest.MonkeyPatch, *mounts: tuple[str, str, str]) -> None:
    parts = [SimpleNamespace(mountpoint=point, fstype=kind, opts=opts) for point, kind, opts in mounts]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "FUSE.rclone"])
def test_a_folder_below_a_shared_one_is_on_the_network(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _mounted(monkeypatch, ("/", "ext4", "rw"), ("/share", kind, "rw"), ("/share/local", "xfs", "rw"))
    assert is_on_network(Path("/share/study"))
    assert not is_on_network(Path("/shared"))
    assert not is_on_network(Path("/share/local/study"))


@pytest.mark.parametrize("kind", ["ext4", "apfs", "NTFS", "fuseblk", "tmpfs", "overlay", "btrfs"])
def test_a_disk_of_this_machine_is_none(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    _mounted(monkeypatch, ("/", kind, "rw,fixed"))
    assert not is_on_network(Path("/study"))


def test_of_two_file_systems_at_one_place_the_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _mounted(monkeypatch, ("/share", "ext4", "rw"), ("/share", "nfs4", "rw"))
    assert is_on_network(Path("/share/study"))


def test_a_drive_that_windows_calls_remote_is_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    _mounted(monkeypatch, ("/", "NTFS", "rw,remote"))
    assert is_on_network(Path("/study"))
    assert is_on_network(Path("\\\\server\\share\\study"))


def _mode(study: Study) -> str:
    with closing(sqlite3.connect(study.folder / "study.db")) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_a_study_keeps_a_log_on_a_disk_and_a_rollback_journal_on_a_network(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_scan: Callable[..., Path]
) -> None:
    assert _mode(study) == "wal"
    with monkeypatch.context() as carried:
        carried.setattr(database, "is_on_network", lambda folder: True)
        assert _mode(Study.create(tmp_path / "new")) == "delete"
        moved = Study.open(study.folder)
        assert _mode(moved) == "delete"
        moved.add_case("c1", "p1", make_scan("one.nii"))
        assert _mode(moved) == "delete"
    assert _mode(Study.open(study.folder)) == "wal"
    assert [case.id for case in Study.open(study.folder).cases()] == ["c1"]


def test_a_study_on_a_network_that_another_program_holds_as_a_local_one_is_refused(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "is_on_network", lambda folder: True)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(study.folder / "study.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM study").fetchall()
        with pytest.raises(LesionsegError, match="lies on a network drive and is held open by another program"):
            Study.open(study.folder)


def test_a_damaged_study_names_the_newest_backup(study: Study) -> None:
    for name in ("study.db.v1-20260101T000000000000Z.backup", "study.db.v2-20270101T000000000000Z.backup"):
        (study.folder / name).write_bytes(b"")
    file = study.folder / "study.db"
    data = bytearray(file.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(LesionsegError, match=r"is damaged \(.*or put study.db.v2-2027\S+ in its place"):
        Study.open(study.folder)


def test_a_row_that_names_a_missing_one_is_damage(study: Study) -> None:
    with closing(sqlite3.connect(study.folder / "study.db")) as connection, connection:
        connection.execute(
            "INSERT INTO cases (id, patient_number, scan, sha256, shape, affine, added)"
            " VALUES ('c1', 99, '', '', '', '', '')"
        )
    with pytest.raises(LesionsegError, match="a row of cases names one of patients that does not exist"):
        check_integrity(study.folder / "study.db")
