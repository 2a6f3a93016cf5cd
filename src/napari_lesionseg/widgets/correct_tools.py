"""The tools of the correct panel that the mouse is used with, and the options of the one in hand."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QWidget

from napari_lesionseg.widgets.button_grid import ButtonGrid
from napari_lesionseg.widgets.parts import (
    button,
    check,
    column,
    decimal,
    heading,
    note,
    row,
    set_silently,
    slider,
    whole,
)

BRUSHES = {
    "paint": ("Paint", "Paint lesion where the HU lie in the range (P); Alt and a move of the mouse: another size"),
    "erase": ("Erase", "Erase lesion (E)"),
    "fill": ("Fill", "Fill the area under the mouse (F)"),
    "pan_zoom": ("Move", "Move and zoom the picture (Z, or Escape)"),
    "paint_model": ("Model", "Paint lesion where the model says at least so much"),
    "pick_hu": ("Pick HU", "Click on the picture to learn the range of HU from there"),
}
REGIONS = {
    "lasso_add": ("Lasso +", "Draw round a place to add what lies inside"),
    "lasso_remove": ("Lasso −", "Draw round a place to remove what lies inside"),
    "grow": ("Seeds", "Click or drag seeds; lesion grows from them inside the range of HU and the lungs"),
    "trace": ("Trace", "Click just inside an edge; what the line of equal grey there encloses becomes lesion"),
    "box": ("Box", "Drag a box; what in it is denser than the lung, within the range of HU, becomes lesion"),
    "accept": ("Accept", "Click on a place the model suspects; all of it that is connected becomes lesion"),
    "reset_lesion": ("Reset lesion", "Click on a lesion to have it as predicted"),
    "keep_island": ("Keep piece", "Click on the piece of lesion to keep; the others are removed"),
    "drop_island": ("Drop piece", "Click on the piece of lesion to remove"),
}
SIZED = ("paint", "paint_model", "erase")
RANGED = ("paint", "lasso_add", "grow", "box", "pick_hu")
CERTAIN = ("paint_model", "accept")
GATE_TIP = "Paint, and Lasso +, add only voxels in this range of HU; off: all voxels"


class ToolPanel(QWidget):
    """Says which tool is wanted, and how it should work."""

    tool_requested = Signal(str)
    """A key of ``BRUSHES`` or ``REGIONS``."""
    brush_requested = Signal(int)
    gate_requested = Signal(bool)
    range_requested = Signal(int, int)
    certainty_requested = Signal(float)
    slab_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        texts = {**BRUSHES, **REGIONS}
        self.tools = {name: button(f"tool_{name}", *text, checkable=True) for name, text in texts.items()}
        self._group = QButtonGroup(self)
        for name, tool in self.tools.items():
            self._group.addButton(tool)
            tool.clicked.connect(lambda _=False, name=name: self.tool_requested.emit(name))
        self.brush = slider("brush_size", "Diameter of the brush, in voxels ([ and ] on the keyboard)", 1, 60)
        self._make_range()
        self.certainty = decimal("certainty", "The model says at least so much, 0 to 1", 0.01, 1)
        self.certainty.setSingleStep(0.05)
        self.slab = whole("slab", "All tools work on so many slices on either side, too; 0: one slice", 0, 50)
        self.slab.setPrefix("± ")
        self.why = note("gate_note")
        self._size, self._certain = _line(self.brush, label="Brush"), _line(self.certainty, label="Model says ≥")
        self._range = _line(self.gate, self.low, self.high)
        self._lay_out()
        self._connect()
        self.show_tool("")

    def _make_range(self) -> None:
        self.gate = check("gate", "Only HU", GATE_TIP)
        self.low = whole("hu_low", "Lowest HU that is painted", -1024, 3071)
        self.high = whole("hu_high", "Highest HU that is painted", -1024, 3071)
        for number in (self.low, self.high):
            number.setSingleStep(10)

    def _lay_out(self) -> None:
        brushes = ButtonGrid([self.tools[name] for name in BRUSHES], 3)
        regions = ButtonGrid([self.tools[name] for name in REGIONS], 3)
        column(
            self,
            heading("Brushes"),
            brushes,
            heading("Region tools"),
            regions,
            heading("Options"),
            self._size,
            self._range,
            self._certain,
            self.why,
            row(self.slab, label="Slab, slices"),
        )

    def _connect(self) -> None:
        self.brush.valueChanged.connect(self.brush_requested)
        self.gate.toggled.connect(self.gate_requested)
        for number in (self.low, self.high):
            number.valueChanged.connect(lambda _: self.range_requested.emit(self.low.value(), self.high.value()))
        self.certainty.valueChanged.connect(self.certainty_requested)
        self.slab.valueChanged.connect(self.slab_requested)

    def show_tool(self, name: str) -> None:
        """Show which tool is in hand, and its options; none of ours is possible."""
        self._group.setExclusive(False)
        for one, tool in self.tools.items():
            set_silently(tool, one == name)
        self._group.setExclusive(True)
        self._size.setVisible(name in SIZED)
        self._range.setVisible(name in RANGED)
        self._certain.setVisible(name in CERTAIN)
        self.why.setVisible(name in RANGED and bool(self.why.text()))

    def show_gate(self, on: bool, low: int, high: int, why_not: str) -> None:
        """Show the range of HU, and why there can be none; "" if there can."""
        set_silently(self.gate, on and not why_not)
        set_silently(self.low, low)
        set_silently(self.high, high)
        for control in (self.gate, self.low, self.high):
            control.setEnabled(not why_not)
        self.why.setText(why_not)
        self.why.setVisible(not self._range.isHidden() and bool(why_not))

    def show_editable(self, editable: bool) -> None:
        """Offer the tools if there is a mask that may be changed."""
        for tool in self.tools.values():
            tool.setEnabled(editable)
        self.brush.setEnabled(editable)


def _line(*controls: QWidget, label: str = "") -> QWidget:
    """Put controls into a row that can be hidden."""
    made = QWidget()
    column(made, row(*controls, label=label))
    return made
