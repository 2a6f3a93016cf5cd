"""Whether the last stroke is on the disk: one line, green, amber or red."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from napari_lesionseg.widgets.recorder import Recorder

LATE_SECONDS = 2.0  # An edit that is older and not yet on the disk is shown.
COLOURS = {"none": "", "saved": "#2FA84F", "late": "#F0B13C", "failed": "#E5533D", "reading": ""}
TIPS = {
    "none": "",
    "saved": "Every edit is on the disk as soon as it is made; a crash loses nothing.",
    "late": "The disk is slow: some edits are not on it yet. Nothing is lost while this program runs.",
    "failed": "Edits cannot be written. They are kept in memory and tried again until it works.",
    "reading": "A mask that is only read is not changed, and so not saved.",
}


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


class SaveLine(QLabel):
    """Shows a ``SaveState``; hidden while nothing is open."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("save_state")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setMinimumWidth(1)
        self.show_state(NO_STATE)

    def follow(self, recorder: Recorder) -> None:
        """Show how the journal of ``recorder`` stands, from now on."""
        recorder.state_changed.connect(self.show_state)
        self.show_state(recorder.state)

    def show_state(self, state: SaveState) -> None:
        """Show how the journal stands."""
        colour = COLOURS[state.kind]
        self.setStyleSheet(f"color: {colour};" if colour else "")
        self.setText(state.text)
        self.setToolTip(TIPS[state.kind])
        self.setVisible(bool(state.text))
