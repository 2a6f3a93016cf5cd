"""A case that somebody else works on: read it, work on a copy of one's own, or leave it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from qtpy.QtWidgets import QMessageBox, QWidget

Choice = Literal["read", "branch", ""]


def ask_locked(case_id: str, reviewer: str, host: str, since: str, parent: QWidget | None = None) -> Choice:
    """Ask how to open a case that ``reviewer`` has open on ``host`` since then (ISO 8601); "" for not at all."""
    box = QMessageBox(parent)
    box.setObjectName("lock_dialog")
    box.setWindowTitle("Somebody works on this case")
    box.setText(f"{reviewer or 'Somebody'} works on case {case_id} ({host}, since {_clock(since)}).")
    box.setInformativeText("A copy of your own begins with what they have saved; both are kept.")
    choices: dict[Choice, object] = {
        "read": box.addButton("Read only", QMessageBox.ButtonRole.AcceptRole),
        "branch": box.addButton("Work on a copy of your own", QMessageBox.ButtonRole.AcceptRole),
    }
    cancel = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
    box.setEscapeButton(cancel)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((choice for choice, one in choices.items() if one is clicked), "")


def _clock(since: str) -> str:
    try:
        return f"{datetime.fromisoformat(since).astimezone():%H:%M}"
    except ValueError:
        return since
