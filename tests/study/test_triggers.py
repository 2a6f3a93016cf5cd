from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.schema import PatientRow
from napari_lesionseg.study.states import MOVES, STATES
from napari_lesionseg.study.workflow import Workflow


@pytest.fixture
def sql(study: Study, make_scan: Callable[..., Path], make_mask: Callable[..., object]) -> Iterator[sqlite3.Connection]:
    """A bare connection to a study that has a row in every table that never changes."""
    study.add_case("c1", "p1", make_scan("one.nii"))
    study.add_revision("c1", "prediction", make_mask(3))
    Workflow(study).comment("c1", "look here", "ann")
    draft = Drafts(study).open_main("c1", "ann")
    with closing(sqlite3.connect(study.folder / "study.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO entries (draft_number, position, kind, tool, slice, voxels, reviewer, time)"
            " VALUES (?, 1, 'edit', 'brush', 0, 1, 'ann', '')",
            (draft.number,),
        )
        yield connection


@pytest.mark.parametrize("table", ["study", "patients", "revisions", "entries", "moves", "comments"])
def test_history_is_never_changed_deleted_or_replaced(sql: sqlite3.Connection, table: str) -> None:
    before = sql.execute(f"SELECT rowid, * FROM {table}").fetchall()
    assert before
    names = [row[1] for row in sql.execute(f"PRAGMA table_info({table})")]
    statements = [f"UPDATE {table} SET {name} = {name}" for name in names]
    for statement in [*statements, f"DELETE FROM {table}", f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"]:
        with pytest.raises(sqlite3.IntegrityError, match="never|exists already"):
            sql.execute(statement)
    assert sql.execute(f"SELECT rowid, * FROM {table}").fetchall() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases SET patient_number = 2",
        "UPDATE cases SET sha256 = ''",
        "UPDATE cases SET affine = '[]'",
        "DELETE FROM cases",
        "INSERT OR REPLACE INTO cases (id, patient_number, scan, sha256, shape, affine, added)"
        " SELECT id, patient_number, 'elsewhere', sha256, shape, affine, added FROM cases",
        "UPDATE drafts SET base_number = NULL",
        "UPDATE drafts SET purpose = 'reading'",
        "DELETE FROM drafts",
    ],
)
def test_what_a_case_and_a_draft_began_with_stays(sql: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="never|exists already"):
        sql.execute(statement)


def test_what_a_draft_branched_from_is_set_once(sql: sqlite3.Connection) -> None:
    sql.execute("UPDATE drafts SET parent_number = 1, branched_at = 1")
    with pytest.raises(sqlite3.IntegrityError, match="never changes"):
        sql.execute("UPDATE drafts SET branched_at = 0")


@pytest.mark.parametrize(("before", "after"), [(a, b) for a, b in product(STATES, STATES) if a != b])
def test_a_state_follows_another_only_along_the_arrows(before: str, after: str) -> None:
    from napari_lesionseg.study.tables import make_tables, make_triggers

    with closing(sqlite3.connect(":memory:")) as sql:
        make_tables(sql)
        sql.execute(
            "INSERT INTO cases (number, id, patient_number, scan, sha256, shape, affine, added, state)"
            " VALUES (1, 'c1', 1, '', '', '', '', '', ?)",
            (before,),
        )
        make_triggers(sql)
        move = "INSERT INTO moves (case_number, before, after, reviewer, time, reason) VALUES (1, ?, ?, '', '', 'so')"
        for statement, values in ((move, (before, after)), ("UPDATE cases SET state = ?", (after,))):
            if after in MOVES[before]:
                sql.execute(statement, values)
            else:
                with pytest.raises(sqlite3.IntegrityError, match="a case cannot go from"):
                    sql.execute(statement, values)
        assert sql.execute("SELECT state FROM cases").fetchone() == (after if after in MOVES[before] else before,)


@pytest.mark.parametrize("state", [state for state in STATES if state != "unlabelled"])
def test_a_case_is_born_unlabelled(sql: sqlite3.Connection, state: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="a new case is unlabelled"):
        sql.execute(
            "INSERT INTO cases (id, patient_number, scan, sha256, shape, affine, added, state)"
            " VALUES ('c2', 1, '', '', '', '', '', ?)",
            (state,),
        )


@pytest.mark.parametrize(("before", "after"), [("corrected", "rejected"), ("predicted", "skipped")])
def test_a_rejection_and_a_skip_have_their_reason(sql: sqlite3.Connection, before: str, after: str) -> None:
    move = "INSERT INTO moves (case_number, before, after, reviewer, time, reason) VALUES (1, ?, ?, 'ann', '', ?)"
    with pytest.raises(sqlite3.IntegrityError, match="needs a reason"):
        sql.execute(move, (before, after, "  "))
    sql.execute(move, (before, after, "motion"))


def test_a_refused_change_is_one_sentence(study: Study, sql: sqlite3.Connection) -> None:
    sentence = "study.db refused this change: rows of patients are never changed"
    with pytest.raises(LesionsegError, match=sentence), study._session(write=True) as session:
        session.get_one(PatientRow, 1).split = "test"
    assert study.split()["train"] == ["p1"]
