"""Correcting the mask by hand."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_lesionseg.widgets.correct_actions import ActionPanel
from napari_lesionseg.widgets.correct_tools import ToolPanel
from napari_lesionseg.widgets.parts import column, note, set_silently


class CorrectPanel(QWidget):
    """Says which tool is wanted and what should happen to the slice."""

    tool_requested = Signal(str)
    """A tool of the mouse, by its key in ``correct_tools``."""
    brush_requested = Signal(int)
    action_requested = Signal(str, object)
    """An edit, by its key in ``correct_actions``, and its amount."""
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mouse, self.edits = ToolPanel(), ActionPanel()
        self.tools, self.brush, self.gate = self.mouse.tools, self.mouse.brush, self.mouse.gate
        self.undo, self.redo = self.edits.undo, self.edits.redo
        self.count = note("corrected_count")
        column(self, self.mouse, self.edits, self.count)
        self.mouse.tool_requested.connect(self.tool_requested)
        self.mouse.brush_requested.connect(self.brush_requested)
        self.edits.action_requested.connect(self.action_requested)
        self.edits.undo_requested.connect(self.undo_requested)
        self.edits.redo_requested.connect(self.redo_requested)
        self.show_editable(False)
        self.show_steps("", "")

    def show_editable(self, editable: bool) -> None:
        """Offer correcting if there is a mask that may be changed."""
        self.mouse.show_editable(editable)
        self.edits.show_editable(editable)

    def show_steps(self, undo: str, redo: str) -> None:
        """Offer to undo and to redo these steps by their names; "" if there is none."""
        self.edits.show_steps(undo, redo)

    def show_tool(self, name: str) -> None:
        """Show which tool is in hand; none of ours is possible."""
        self.mouse.show_tool(name)

    def show_brush(self, size: int) -> None:
        """Show the brush's diameter in voxels."""
        set_silently(self.brush, size)

    def show_count(self, corrected: int, this_slice: bool) -> None:
        """Show how many slices are corrected, and whether this one is."""
        noun = "slice" if corrected == 1 else "slices"
        here = ", this one too" if this_slice else ""
        self.count.setText(f"{corrected} {noun} corrected{here}" if corrected else "No slice is corrected yet.")
