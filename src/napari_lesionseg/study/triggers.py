"""What ``study.db`` itself refuses, whoever writes to it: history that changes, patients who move, illegal states."""

from __future__ import annotations

import sqlite3
from typing import Final

from napari_lesionseg.study.states import MOVES, NEED_REASON

# Tables whose rows stay as they are, with the columns besides the number that tell a row apart.
_FROZEN: Final = {
    "study": (),
    "patients": ("id",),
    "revisions": ("id",),
    "entries": ("draft_number", "position"),
    "moves": (),
    "comments": (),
}
# Columns that stay as they are in rows that may change elsewhere.
_FIXED: Final = {
    "cases": ("number", "patient_number", "sha256", "shape", "affine", "added"),
    "drafts": ("number", "id", "case_number", "purpose", "base_number"),
}
_SET_ONCE: Final = {"drafts": ("parent_number", "branched_at")}
_LEGAL: Final = ", ".join(f"'{before}>{after}'" for before, afters in MOVES.items() for after in afters)


def make_triggers(connection: sqlite3.Connection) -> None:
    """Add the triggers to the tables of a study."""
    for trigger in all_triggers():
        connection.execute(trigger)


def all_triggers() -> list[str]:
    """The statements that make the triggers."""
    triggers = []
    for table, columns in _FROZEN.items():
        triggers += [_never(table, "UPDATE"), _never(table, "DELETE"), _not_replaced(table, columns)]
    for table, columns in _FIXED.items():
        triggers += [
            _columns_stay(table, columns, _SET_ONCE.get(table, ())),
            _never(table, "DELETE"),
            _not_replaced(table, ("id",)),
        ]
    return [*triggers, *_states()]


def _never(table: str, action: str) -> str:
    done = {"UPDATE": "changed", "DELETE": "deleted"}[action]
    return _trigger(f"{table}_are_never_{done}", f"BEFORE {action} ON {table}", f"rows of {table} are never {done}")


def _columns_stay(table: str, columns: tuple[str, ...], once: tuple[str, ...]) -> str:
    parts = [f"OLD.{column} IS NOT NEW.{column}" for column in columns]
    parts += [f"(OLD.{column} IS NOT NULL AND OLD.{column} IS NOT NEW.{column})" for column in once]
    changed = " OR ".join(parts)
    when = f"BEFORE UPDATE ON {table} WHEN {changed}"
    return _trigger(f"{table}_keep_their_start", when, f"what a row of {table} started with never changes")


def _not_replaced(table: str, columns: tuple[str, ...]) -> str:
    """INSERT OR REPLACE deletes without asking the triggers for DELETE."""
    same = "rowid = NEW.rowid"
    if columns:
        same += f" OR {' AND '.join(f'{column} = NEW.{column}' for column in columns)}"
    when = f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"
    return _trigger(f"{table}_are_never_replaced", when, f"this row of {table} exists already")


def _states() -> list[str]:
    reasons = ", ".join(f"'{state}'" for state in sorted(NEED_REASON))
    pair = "NEW.before || '>' || NEW.after"
    return [
        _trigger(
            "cases_start_unlabelled",
            "BEFORE INSERT ON cases WHEN NEW.state <> 'unlabelled'",
            "a new case is unlabelled",
        ),
        _trigger(
            "cases_move_along_the_arrows",
            "BEFORE UPDATE OF state ON cases WHEN OLD.state <> NEW.state"
            f" AND OLD.state || '>' || NEW.state NOT IN ({_LEGAL})",
            "a case cannot go from its state to this one",
        ),
        _trigger(
            "moves_follow_the_arrows",
            f"BEFORE INSERT ON moves WHEN {pair} NOT IN ({_LEGAL})",
            "a case cannot go from this state to that one",
        ),
        _trigger(
            "moves_have_their_reason",
            f"BEFORE INSERT ON moves WHEN NEW.after IN ({reasons}) AND trim(NEW.reason) = ''",
            "this move needs a reason",
        ),
    ]


def _trigger(name: str, when: str, sentence: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
