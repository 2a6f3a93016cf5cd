"""Why a case is rejected or skipped, or what is to be said of it, pinned to the voxel that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QCheckBox, QDialog, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from napari_lesionseg.widgets.parts import button, chooser, note, row

WIDTH: Final = 460
REASONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rejected": ("lesion is missed", "no lesion is marked as one", "borders are wrong", "scan is not readable"),
        "skipped": ("scan is not readable", "not the wanted anatomy", "needs a second opinion", "not enough time"),
    }
)
"""What is offered for each state; any other reason can be typed."""
_VERBS: Final = {"rejected": "Reject", "skipped": "Skip"}


@dataclass(frozen=True)
class Reason:
    """What a person said.

    Parameters
    ----------
    reason
        In one line; empty for a comment alone.
    comment
        At length; may be empty beside a reason.
    voxel
        The display voxel (z, y, x) it is pinned to, if any.
    """

    reason: str
    comment: str
    voxel: tuple[int, int, int] | None


class ReasonDialog(QDialog):
    """A reason from a list or typed, a comment, and whether they are pinned; Ctrl+Enter accepts, Escape cancels.

    Parameters
    ----------
    case_id
        What it is about.
    to
        The state the case shall have, ``rejected`` or ``skipped``; empty for a comment alone.
    voxel
        The display voxel (z, y, x) to offer as the place, None if no scan is open.
    """

    def __init__(
        self, case_id: str, to: str = "", voxel: tuple[int, int, int] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("reason_dialog")
        self.setMinimumWidth(WIDTH)
        verb = _VERBS.get(to, "Comment on")
        self.setWindowTitle(f"{verb} case {case_id}")
        self._to, self._voxel = to, voxel
        self.reason = chooser("reason", "Choose a reason, or type another one")
        self.reason.setEditable(True)
        self.reason.addItems(REASONS.get(to, ()))
        self.reason.setCurrentIndex(-1)  # Nobody is rejected for the reason that happens to stand first.
        if (line := self.reason.lineEdit()) is not None:
            line.setPlaceholderText("why?")
        self.comment = QPlainTextEdit()
        self.comment.setObjectName("comment")
        self.comment.setPlaceholderText("What did you see?" if not to else "More about it (may stay empty)")
        self.comment.setTabChangesFocus(True)
        self.pin = QCheckBox("" if voxel is None else f"Pin to slice {voxel[0]}, row {voxel[1]}, column {voxel[2]}")
        self.pin.setObjectName("pin")
        self.pin.setToolTip("Whoever opens the case next is led to this voxel")
        self.pin.setChecked(voxel is not None)
        self.missing = note("reason_missing")
        self.ok = button("reason_ok", verb if to else "Comment", "Ctrl+Enter")
        self.cancel = button("reason_cancel", "Cancel", "Leave the case as it is (Escape)")
        self._lay_out()
        self.reason.editTextChanged.connect(self._update)
        self.comment.textChanged.connect(self._update)
        self.ok.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self._update()
        (self.reason if to else self.comment).setFocus()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        if self._to:
            layout.addLayout(row(self.reason, label="Reason"))
        layout.addWidget(QLabel("Comment"))
        layout.addWidget(self.comment)
        layout.addWidget(self.pin)
        layout.addWidget(self.missing)
        layout.addLayout(row(self.cancel, self.ok))
        self.pin.setVisible(self._voxel is not None)
        for one in (self.ok, self.cancel):
            one.setAutoDefault(False)  # Enter in the reason must not send what is half said.

    @property
    def answer(self) -> Reason:
        """What the dialog says now."""
        reason = self.reason.currentText().strip() if self._to else ""
        return Reason(reason, self.comment.toPlainText().strip(), self._voxel if self.pin.isChecked() else None)

    def accept(self) -> None:
        """Close, unless what is needed is missing."""
        if self.ok.isEnabled():
            super().accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let Ctrl+Enter accept."""
        enter = event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.accept()
        else:
            super().keyPressEvent(event)

    def _update(self) -> None:
        said = self.answer
        self.ok.setEnabled(bool(said.reason if self._to else said.comment))
        self.missing.setText("" if self.ok.isEnabled() else f"A {'reason' if self._to else 'comment'} is needed.")


def ask_reason(
    case_id: str, to: str = "", voxel: tuple[int, int, int] | None = None, parent: QWidget | None = None
) -> Reason | None:
    """Ask why a case shall become ``to``, or for a comment (``to`` empty); None if the person thinks better of it."""
    dialog = ReasonDialog(case_id, to, voxel, parent)
    accepted = bool(dialog.exec())
    answer = dialog.answer if accepted else None
    dialog.deleteLater()
    return answer
