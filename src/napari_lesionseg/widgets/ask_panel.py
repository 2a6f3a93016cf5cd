"""Asking the model about a place, nnInteractive where it is installed, and taking what others drew."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from napari_lesionseg.widgets.parts import button, column, row, widen

TIP = """Click a missed lesion, or drag a box over it.
The model looks at these slices again, and what it sees from this probability on joins the mask, as one step.
Where its prediction of the whole scan is there already, nothing is run again."""


class AskPanel(QWidget):
    """Says whether the mouse asks the model, and what of other plugins is wanted."""

    ask_toggled = Signal(bool)
    nninteractive_requested = Signal()
    take_requested = Signal()

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
        tip = "Open nnInteractive on this scan; what it draws, in a layer of its own, can then be taken into the mask"
        self.nninteractive = button("open_nninteractive", "nnInteractive", tip)
        tip = "Add what is drawn in another labels layer (the selected one) to the mask, as one step"
        self.take = button("take_layer", "Take layer into mask", tip)
        answer = row(self.threshold, self.reach, label="Its answer")
        column(self, row(self.ask), answer, row(self.nninteractive, self.take))
        self.nninteractive.clicked.connect(self.nninteractive_requested)
        self.take.clicked.connect(self.take_requested)
        self.ask.toggled.connect(self.ask_toggled)
        self.show_possible(False)

    def show_possible(self, possible: bool) -> None:
        """Offer the tool if there is a mask that may be changed, and a model; else put it away."""
        if not possible:
            self.ask.setChecked(False)
        self.ask.setEnabled(possible)
