"""Asking the model about a place: the tool, from which probability on, and how many slices it looks at."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from napari_lesionseg.widgets.parts import button, column, row, widen

TIP = """Click a missed lesion, or drag a box over it.
The model looks at these slices again, and what it sees from this probability on joins the mask, as one step.
Where its prediction of the whole scan is there already, nothing is run again."""


class AskPanel(QWidget):
    """Says whether the mouse asks the model."""

    ask_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.ask = button("ask_model", "Ask the model", TIP, checkable=True)
        self.threshold = QDoubleSpinBox()
        self.threshold.setObjectName("ask_threshold")
        self.threshold.setRange(0.01, 0.99)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(0.25)
        self.threshold.setPrefix("from ")
        self.threshold.setToolTip("Probability from which the model's answer is lesion; lower finds more")
        self.reach = QSpinBox()
        self.reach.setObjectName("ask_reach")
        self.reach.setRange(0, 50)
        self.reach.setValue(5)
        self.reach.setPrefix("± ")
        self.reach.setToolTip("So many slices above and below the one on the screen are asked about, too")
        widen(self.threshold, 84)
        widen(self.reach, 56)
        column(self, row(self.ask, self.threshold, self.reach))
        self.ask.toggled.connect(self.ask_toggled)
        self.show_possible(False)

    def show_possible(self, possible: bool) -> None:
        """Offer the tool if there is a mask that may be changed, and a model; else put it away."""
        if not possible:
            self.ask.setChecked(False)
        self.ask.setEnabled(possible)
