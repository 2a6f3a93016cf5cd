"""Whether the last stroke is on the disk, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LATE_SECONDS = 2.0  # An edit that is older and not yet on the disk is shown.


@dataclass(frozen=True)
class SaveState:
    """What the line shows.

    Parameters
    ----------
    kind
        ``none`` (nothing is open), ``saved``, ``late``, ``failed`` or ``reading``.
    text
        For people.
    """

    kind: Literal["none", "saved", "late", "failed", "reading"]
    text: str


NO_STATE = SaveState("none", "")


def describe(*, reading: bool, failure: str, waiting: float, saved_at: str | None) -> SaveState:
    """Say how the journal of the open case stands.

    Parameters
    ----------
    reading
        Whether the mask is only read.
    failure
        Why edits cannot be written, "" if they can.
    waiting
        Seconds since the oldest edit that is not on the disk, 0 if all are.
    saved_at
        UTC, ISO 8601, of the last edit that reached the disk; None if there was none.
    """
    if failure:
        return SaveState("failed", f"not saved: {failure}")
    if reading:
        return SaveState("reading", "open for reading only")
    last = "no edits yet" if saved_at is None else f"saved {clock_time(saved_at)}"
    if waiting > LATE_SECONDS:
        return SaveState("late", f"not saved for {waiting:.0f} s ({last})")
    return SaveState("saved", last)


def clock_time(iso: str) -> str:
    """Give a moment of UTC as the time of day here: ``14:02:31``."""
    return datetime.fromisoformat(iso).astimezone().strftime("%H:%M:%S")
