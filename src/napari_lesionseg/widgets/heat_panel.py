"""What a model is unsure of, as a heat map over the scan."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QStandardItemModel
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget
from superqt import QLabeledRangeSlider

from napari_lesionseg.review.heat import HEATS
from napari_lesionseg.widgets.parts import chooser, column, note, row, set_silently, slider

ONE_MODEL = "Predicted by one network: nobody disagrees with it."
NONE_YET = "Segment the scan to see what the model is unsure of."


class HeatPanel(QWidget):
    """Says which heat map is wanted, how opaque, and of which range."""

    heat_requested = Signal(str)
    """One of ``HEATS``, "" for none."""
    opacity_requested = Signal(float)
    range_requested = Signal(float, float)
    """From where to where the colours go, 0 to 1."""

    def __init__(self, colours: Sequence[str]) -> None:
        super().__init__()
        self._has = self._of_ensemble = False
        self.kind = chooser("heat_kind", "What the heat map shows of the prediction")
        self.kind.addItem("none", "")
        for name, heat in HEATS.items():
            self.kind.addItem(heat.title, name)
        self.opacity = slider("heat_opacity", "How much the heat map covers the scan, in per cent", 0, 100)
        self.range = QLabeledRangeSlider(Qt.Orientation.Horizontal)
        self.range.setObjectName("heat_range")
        self.range.setToolTip("From where to where the colours go, in per cent; what is below is clear")
        self.range.setRange(0, 100)
        self.range.setEdgeLabelMode(QLabeledRangeSlider.EdgeLabelMode.NoLabel)
        self.range.setHandleLabelPosition(QLabeledRangeSlider.LabelPosition.NoLabel)  # The legend has the numbers.
        self.bar = ColourBar(colours)
        self.low, self.high = QLabel(), QLabel()
        self.low.setObjectName("heat_low")
        self.high.setObjectName("heat_high")
        self.state = note("heat_state")
        column(
            self,
            row(self.kind, label="Heat map"),
            row(self.opacity, label="Opacity"),
            row(self.range, label="Range"),
            row(self.low, self.bar, self.high),
            self.state,
        )
        self.opacity.setValue(60)
        self.range.setValue((25, 100))
        self.kind.currentIndexChanged.connect(lambda: self.heat_requested.emit(str(self.kind.currentData())))
        self.opacity.valueChanged.connect(lambda per_cent: self.opacity_requested.emit(per_cent / 100))
        self.range.valueChanged.connect(self._on_range)
        self.show_has_prediction(False)

    def show_has_prediction(self, has: bool, *, of_ensemble: bool = False) -> None:
        """Offer a heat map if there is a prediction; how far members are apart, if there are several."""
        for control in (self.kind, self.opacity, self.range):
            control.setEnabled(has)
        model = self.kind.model()
        for name, heat in HEATS.items():
            item = model.item(self.kind.findData(name)) if isinstance(model, QStandardItemModel) else None
            if item is not None and heat.source == "disagreement":
                item.setEnabled(of_ensemble)
                item.setToolTip("" if of_ensemble else ONE_MODEL)
        self._of_ensemble, self._has = of_ensemble, has
        self._show_legend()

    def show_heat(self, kind: str) -> None:
        """Show which heat map is wanted."""
        if self.kind.currentData() != kind:
            self.kind.blockSignals(True)
            self.kind.setCurrentIndex(max(0, self.kind.findData(kind)))
            self.kind.blockSignals(False)
        self._show_legend()

    def show_range(self, low: int, high: int) -> None:
        """Show the range in per cent."""
        set_silently(self.range, (low, high))
        self._show_legend()

    def _on_range(self, ends: tuple[float, float]) -> None:
        self._show_legend()
        self.range_requested.emit(ends[0] / 100, ends[1] / 100)

    def _show_legend(self) -> None:
        heat = HEATS.get(str(self.kind.currentData()))
        low, high = self.range.value()
        self.low.setText(f"{low / 100:.2f}")
        self.high.setText(f"{high / 100:.2f}")
        nothing = heat is not None and heat.source == "disagreement" and not self._of_ensemble
        self.state.setText(NONE_YET if not self._has else ONE_MODEL if nothing else "")
        self.state.setVisible(bool(self.state.text()))
        if heat is not None:
            self.bar.setToolTip(f"{heat.title}; 1 is {heat.unit}; below {low / 100:.2f} the scan is seen alone")


class ColourBar(QWidget):
    """The colours of a map, from its low end (left) to its high one."""

    def __init__(self, colours: Sequence[str]) -> None:
        super().__init__()
        self.setObjectName("heat_bar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._colours = [QColor(colour) for colour in colours]

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room, 14 pixels high."""
        return QSize(120, 14)

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the colours."""
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for place, colour in enumerate(self._colours):
            gradient.setColorAt(place / max(1, len(self._colours) - 1), colour)
        QPainter(self).fillRect(self.rect(), gradient)
