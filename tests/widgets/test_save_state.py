"""Whether the last stroke is on the disk, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from napari_lesionseg.widgets.save_state import SaveState, describe

NOON = "2026-01-01T12:00:00.000+00:00"
HERE = datetime.fromisoformat(NOON).astimezone().strftime("%H:%M:%S")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, SaveState("saved", f"saved {HERE}")),
        ({"saved_at": None}, SaveState("saved", "no edits yet")),
        ({"waiting": 1.9}, SaveState("saved", f"saved {HERE}")),
        ({"waiting": 2.1}, SaveState("late", f"not saved for 2 s (saved {HERE})")),
        ({"waiting": 9.0, "saved_at": None}, SaveState("late", "not saved for 9 s (no edits yet)")),
        ({"failure": "The disk is full.", "waiting": 9.0}, SaveState("failed", "not saved: The disk is full.")),
        ({"reading": True}, SaveState("reading", "open for reading only")),
    ],
)
def test_the_state_of_the_journal_in_words(changes: dict[str, Any], state: SaveState) -> None:
    plain: dict[str, Any] = {"reading": False, "failure": "", "waiting": 0.0, "saved_at": NOON}
    assert describe(**{**plain, **changes}) == state
