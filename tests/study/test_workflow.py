"""Moves from state to state and comments: what is allowed, who did it, and that nothing of it can be changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.states import MOVES, NEED_REASON, STATES
from napari_lesionseg.study.workflow import LONGEST_TEXT, Workflow

# A way from unlabelled to each state.
WAYS = {
    "unlabelled": (),
    "predicted": ("predicted",),
    "in review": ("in review",),
    "corrected": ("in review", "corrected"),
    "approved": ("in review", "corrected", "approved"),
    "rejected": ("in review", "corrected", "rejected"),
    "reopened": ("skipped", "reopened"),
    "skipped": ("skipped",),
}


@pytest.fixture
def case(study: Study, make_scan: Callable[..., Path]) -> str:
    return study.add_case("c1", "p1", make_scan("one.nii")).id


@pytest.fixture
def workflow(study: Study, case: str) -> Workflow:
    return Workflow(study)


@pytest.fixture
def sql(study: Study, case: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(study.folder / "study.db", isolation_level=None)) as connection:
        yield connection


def bring(workflow: Workflow, case: str, state: str) -> None:
    for step in WAYS[state]:
        workflow.move(case, step, "ada", reason="why not")


def state_of(sql: sqlite3.Connection) -> str:
    return str(sql.execute("SELECT state FROM cases").fetchone()[0])


def test_a_move_is_kept_with_who_when_and_why_and_shows_in_the_case(
    workflow: Workflow, case: str, sql: sqlite3.Connection
) -> None:
    bring(workflow, case, "corrected")
    moved = workflow.move(case, "rejected", " bo ", reason=" borders are wrong ")
    assert (moved.before, moved.after, moved.reviewer, moved.reason) == (
        "corrected",
        "rejected",
        "bo",
        "borders are wrong",
    )
    assert [(one.before, one.after) for one in workflow.moves(case)] == [
        ("unlabelled", "in review"),
        ("in review", "corrected"),
        ("corrected", "rejected"),
    ]
    assert workflow.moves(case)[-1] == moved
    assert sql.execute("SELECT state, reviewer, touched FROM cases").fetchone() == ("rejected", "bo", moved.time)


@pytest.mark.parametrize("before", STATES)
def test_only_the_moves_of_the_table_are_possible_in_python_and_in_sql(
    workflow: Workflow, case: str, sql: sqlite3.Connection, before: str
) -> None:
    bring(workflow, case, before)
    for after in set(STATES) - set(MOVES[before]):
        with pytest.raises(LesionsegError, match=f"Case c1 is {before} and cannot become {after}"):
            workflow.move(case, after, "ada", reason="so")
    for after in {*STATES, "lost"} - {*MOVES[before], before}:
        with pytest.raises(sqlite3.IntegrityError):
            sql.execute("UPDATE cases SET state = ?", (after,))
    assert (state_of(sql), len(workflow.moves(case))) == (before, len(WAYS[before]))


@pytest.mark.parametrize("before", STATES)
def test_every_move_of_the_table_is_possible(
    workflow: Workflow, study: Study, make_scan: Callable[..., Path], before: str
) -> None:
    for number, after in enumerate(MOVES[before]):
        case = study.add_case(f"m{number}", f"m{number}", make_scan(f"m{number}.nii", number + 2)).id
        bring(workflow, case, before)
        workflow.move(case, after, "ada", reason="so")
        assert workflow.moves(case)[-1].after == after


@pytest.mark.parametrize("to", sorted(NEED_REASON))
def test_a_reason_is_needed_to_reject_and_to_skip(workflow: Workflow, case: str, to: str) -> None:
    bring(workflow, case, {"rejected": "corrected", "skipped": "unlabelled"}[to])
    before = workflow.moves(case)
    with pytest.raises(LesionsegError, match=f"cannot become {to} without a reason"):
        workflow.move(case, to, "ada", reason="  ")
    assert workflow.moves(case) == before


def test_somebody_moves_a_case_and_only_a_prediction_comes_by_itself(workflow: Workflow, case: str) -> None:
    with pytest.raises(LesionsegError, match="name the reviewer"):
        workflow.move(case, "in review", " ")
    assert workflow.move(case, "predicted", "").reviewer == ""


def test_a_rejection_is_pinned_to_a_voxel_with_its_comment_or_else_its_reason(workflow: Workflow, case: str) -> None:
    bring(workflow, case, "corrected")
    first = workflow.move(case, "rejected", "ada", "lesion is missed", "left lower lobe", (3, 2, 4))
    workflow.move(case, "reopened", "ada")
    second = workflow.move(case, "skipped", "bo", "not now", voxel=(0, 0, 0))
    assert [(one.text, one.voxel, one.move, one.reviewer) for one in workflow.comments(case)] == [
        ("left lower lobe", (3, 2, 4), first.number, "ada"),
        ("not now", (0, 0, 0), second.number, "bo"),
    ]


@pytest.mark.parametrize("voxel", [(4, 0, 0), (0, 3, 0), (0, 0, 5), (-1, 0, 0), (1, 1)])
def test_a_comment_outside_of_the_scan_stops_the_move_as_well(
    workflow: Workflow, case: str, sql: sqlite3.Connection, voxel: tuple[int, ...]
) -> None:
    with pytest.raises(LesionsegError, match="not in the scan of case c1"):
        workflow.move(case, "skipped", "ada", "not now", "here", voxel)
    assert (state_of(sql), workflow.moves(case), workflow.comments(case)) == ("unlabelled", [], [])


def test_a_comment_needs_no_move(workflow: Workflow, study: Study, case: str, make_scan: Callable[..., Path]) -> None:
    study.add_case("c2", "p2", make_scan("two.nii", 1))
    kept = workflow.comment(case, " =1+1, \n zweite Zeile ", "ada")
    workflow.comment("c2", "other", "bo", (1, 1, 1))
    assert (kept.text, kept.voxel, kept.move) == ("=1+1, \n zweite Zeile", None, None)
    assert workflow.comments(case) == [kept]
    assert [one.case for one in workflow.comments()] == ["c1", "c2"]


@pytest.mark.parametrize(("text", "reviewer"), [("  ", "ada"), ("a" * (LONGEST_TEXT + 1), "ada"), ("text", " ")])
def test_a_comment_has_a_text_and_somebody_who_says_it(workflow: Workflow, case: str, text: str, reviewer: str) -> None:
    with pytest.raises(LesionsegError):
        workflow.comment(case, text, reviewer)
    assert workflow.comments(case) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE moves SET reviewer = 'eve'",
        "DELETE FROM moves",
        "UPDATE comments SET text = 'fine'",
        "DELETE FROM comments",
    ],
)
def test_moves_and_comments_are_never_changed_or_deleted(
    workflow: Workflow, case: str, sql: sqlite3.Connection, change: str
) -> None:
    workflow.move(case, "skipped", "ada", "not now", "blurred", (1, 1, 1))
    kept = workflow.moves(case), workflow.comments(case)
    with pytest.raises(sqlite3.IntegrityError):
        sql.execute(change)
    assert (workflow.moves(case), workflow.comments(case)) == kept


def test_unknown_cases_and_states_are_told_by_name(workflow: Workflow, case: str) -> None:
    with pytest.raises(LesionsegError, match="no case 'c9'"):
        workflow.move("c9", "skipped", "ada", "x")
    with pytest.raises(LesionsegError, match="no state 'done'"):
        workflow.move(case, "done", "ada")
    for ask in (workflow.moves, workflow.comments):
        with pytest.raises(LesionsegError, match="no case 'c9'"):
            ask("c9")


def test_of_two_who_move_a_case_at_once_one_is_refused(workflow: Workflow, study: Study, case: str) -> None:
    bring(workflow, case, "corrected")
    Workflow(Study.open(study.folder)).move(case, "approved", "bo")
    with pytest.raises(LesionsegError, match="is approved and cannot become rejected"):
        workflow.move(case, "rejected", "ada", "borders are wrong")
