"""What is shown when there is nothing left to do in a study."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame

from napari_lesionseg.study.states import State
from napari_lesionseg.widgets.parts import button, column, note, row


class EndScreen(QFrame):
    """Says that all cases are finished, and how they ended."""

    close_requested = Signal()
    """The study may be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("end_screen")
        self.setStyleSheet("QFrame#end_screen { border: 1px solid #4FB36B; border-radius: 4px; }")
        self.text = note("end_text")
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        close = button("end_close", "Close the study", "Everything in it is saved")
        close.clicked.connect(self.close_requested)
        layout = column(self, self.text, row(close))
        layout.setContentsMargins(10, 10, 10, 10)
        self.hide()

    def show_counts(self, counts: Mapping[State, int], approved_ml: float) -> None:
        """Say how many cases ended in which state, and the lesion volume (ml) of the approved ones."""
        total = sum(counts.values())
        cases = "The case is" if total == 1 else f"All {total} cases are"
        ends = " · ".join(f"{count} {state}" for state, count in counts.items())
        self.text.setText(f"<b>{cases} finished.</b><br>{ends}<br>{approved_ml:.1f} ml of lesion approved")
