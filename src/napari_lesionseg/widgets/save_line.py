"""Whether the last stroke is on the disk: one line, green, amber or red."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_lesionseg.widgets.recorder import Recorder
from napari_lesionseg.widgets.save_state import NO_STATE, SaveState

COLOURS = {"none": "", "saved": "#2FA84F", "late": "#F0B13C", "failed": "#E5533D", "reading": ""}
TIPS = {
    "none": "",
    "saved": "Every edit is on the disk as soon as it is made; a crash loses nothing.",
    "late": "The disk is slow: some edits are not on it yet. Nothing is lost while this program runs.",
    "failed": "Edits cannot be written. They are kept in memory and tried again until it works.",
    "reading": "A mask that is only read is not changed, and so not saved.",
}


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
