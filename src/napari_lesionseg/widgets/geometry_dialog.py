"""A scan whose place in space is not clear: a person chooses how to read it."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtWidgets import QDialog, QPushButton, QVBoxLayout, QWidget

from napari_lesionseg.widgets.parts import button, note

WIDTH = 520


class GeometryDialog(QDialog):
    """The problem in words, a button for each way to go on, and Cancel, which Enter and Escape press.

    Parameters
    ----------
    problem
        What disagrees, in one sentence.
    choices
        Name → meaning.
    """

    def __init__(self, problem: str, choices: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Where does this scan lie?")
        self.setObjectName("geometry_dialog")
        self.setMinimumWidth(WIDTH)
        self.chosen = ""
        layout = QVBoxLayout(self)
        layout.addWidget(note("geometry_problem", problem.rstrip(".") + "."))
        for name, meaning in choices.items():
            choice = button(f"geometry_{name}", meaning[:1].upper() + meaning[1:], f"Go on with “{name}”")
            choice.setAutoDefault(False)
            choice.clicked.connect(lambda _=False, name=name: self._on_chosen(name))
            layout.addWidget(choice)
        self.cancel: QPushButton = button("geometry_cancel", "Cancel", "Do not open this scan")
        self.cancel.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        layout.addWidget(self.cancel)
        self.cancel.setFocus()

    def _on_chosen(self, name: str) -> None:
        self.chosen = name
        self.accept()
