from __future__ import annotations

import builtins
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, database
from napari_lesionseg.study.header import check_header
from napari_lesionseg.study.reopen import reopen_study
from tests.study.drafting import add_case


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One item for each time a database is read whole."""
    seen: list[object] = []
    check = database.check_integrity

    def noting(path: object, *rest: object) -> int:
        seen.append(path)
        return check(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "check_integrity", noting)
    return seen


def test_a_study_is_proved_once_and_then_opened_at_once(study: Study, proofs: list[object]) -> None:
    add_case(study)
    proofs.clear()
    assert [case.id for case in reopen_study(study.folder).cases()] == ["c1"]
    assert len(proofs) == 1
    assert [case.id for case in reopen_study(study.folder).cases()] == ["c1"]
    assert len(proofs) == 1


def test_another_database_under_the_same_name_is_proved_anew(study: Study, proofs: list[object]) -> None:
    reopen_study(study.folder)
    file, kept = study.folder / "study.db", study.folder / "kept.db"
    shutil.copy(file, kept)
    kept.replace(file)
    proofs.clear()
    reopen_study(study.folder)
    assert len(proofs) == 1


def test_a_study_that_was_migrated_or_taken_away_meanwhile_is_refused(study: Study) -> None:
    reopen_study(study.folder)
    connection = sqlite3.connect(study.folder / "study.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LesionsegError, match="schema version 99"):
        reopen_study(study.folder)
    (study.folder / "study.db").unlink()
    with pytest.raises(LesionsegError, match="is not a study"):
        reopen_study(study.folder)


def test_a_log_that_goes_while_it_is_looked_for_holds_nothing_up(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the last connection removes it, and each transaction has one of its own."""
    log, opened = study.folder / "study.db-wal", builtins.open
    log.write_bytes(bytes(64))

    def too_late(path: Any, *rest: Any) -> Any:
        if Path(path) == log:
            log.unlink()
        return opened(path, *rest)

    monkeypatch.setattr(builtins, "open", too_late)
    assert check_header(study.folder / "study.db").has_wal
    assert not log.exists()
