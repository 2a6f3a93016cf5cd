"""Correcting the mask by hand."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QWidget

from napari_lesionseg.widgets.keys import with_key
from napari_lesionseg.widgets.parts import button, column, note, row, set_silently, slider

TOOLS = {
    "paint": ("Paint", "Paint lesion (P); the wheel with Alt changes the brush"),
    "erase": ("Erase", "Erase lesion (E)"),
    "fill": ("Fill", "Fill the area under the mouse (F)"),
    "pan_zoom": ("Move", "Move and zoom the picture (Z)"),
}


class CorrectPanel(QWidget):
    """Says which tool is wanted and what should happen to the slice."""

    tool_requested = Signal(str)
    """A mode of napari's labels layer."""
    brush_requested = Signal(int)
    copy_requested = Signal(int)
    """The slice so many steps away."""
    fill_holes_requested = Signal()
    revert_requested = Signal()
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tools = {mode: button(f"tool_{mode}", *texts, checkable=True) for mode, texts in TOOLS.items()}
        self._group = QButtonGroup(self)
        for mode, tool in self.tools.items():
            self._group.addButton(tool)
            tool.clicked.connect(lambda _=False, mode=mode: self.tool_requested.emit(mode))
        self.brush = slider("brush_size", "Diameter of the brush, in voxels ([ and ] on the keyboard)", 1, 60)
        below = button("copy_below", "From below", "Replace this slice's mask by that of the slice below")
        above = button("copy_above", "From above", "Replace this slice's mask by that of the slice above")
        holes = button("fill_holes", "Fill holes", "Fill what lesion encloses in this slice")
        self.revert = button("revert_slice", "Revert slice", "Go back to the prediction in this slice")
        self.undo = button("undo", "Undo", "Undo the last change of the mask")
        self.redo = button("redo", "Redo", "Redo what was undone")
        self.count = note("corrected_count")
        column(
            self,
            row(*self.tools.values()),
            row(self.brush, label="Brush"),
            row(below, above, holes),
            row(self.revert, self.undo, self.redo),
            self.count,
        )
        self._actions = (below, above, holes, self.revert, self.brush, *self.tools.values())
        self.brush.valueChanged.connect(self.brush_requested)
        below.clicked.connect(lambda: self.copy_requested.emit(-1))
        above.clicked.connect(lambda: self.copy_requested.emit(1))
        holes.clicked.connect(self.fill_holes_requested)
        self.revert.clicked.connect(self.revert_requested)
        self.undo.clicked.connect(self.undo_requested)
        self.redo.clicked.connect(self.redo_requested)
        self.show_editable(False)
        self.show_steps("", "")

    def show_editable(self, editable: bool) -> None:
        """Offer correcting if there is a mask that may be changed."""
        for control in self._actions:
            control.setEnabled(editable)

    def show_steps(self, undo: str, redo: str) -> None:
        """Offer to undo and to redo these steps by their names; "" if there is none."""
        self.undo.setEnabled(bool(undo))
        self.redo.setEnabled(bool(redo))
        self.undo.setToolTip(with_key("undo", f"Undo: {undo}" if undo else "Nothing to undo"))
        self.redo.setToolTip(with_key("redo", f"Redo: {redo}" if redo else "Nothing to redo"))

    def show_tool(self, mode: str) -> None:
        """Show which tool is in hand; none of ours is possible."""
        self._group.setExclusive(False)
        for name, tool in self.tools.items():
            set_silently(tool, name == mode)
        self._group.setExclusive(True)

    def show_brush(self, size: int) -> None:
        """Show the brush's diameter in voxels."""
        set_silently(self.brush, size)

    def show_count(self, corrected: int, this_slice: bool) -> None:
        """Show how many slices are corrected, and whether this one is."""
        noun = "slice" if corrected == 1 else "slices"
        here = ", this one too" if this_slice else ""
        self.count.setText(f"{corrected} {noun} corrected{here}" if corrected else "No slice is corrected yet.")
