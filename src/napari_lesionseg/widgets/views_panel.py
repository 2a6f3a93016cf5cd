"""Views beside the axial canvas."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.parts import button, column, note, row, set_silently


class ViewsPanel(QWidget):
    """Says which views are wanted, and where the cross-hair is."""

    linked_toggled = Signal(bool)
    cross_toggled = Signal(bool)
    space_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.linked = button(
            "linked_views",
            "Coronal, sagittal",
            "Show the coronal and the sagittal section through the cross-hair beside the canvas",
            checkable=True,
        )
        self.cross = button(
            "cross_hair_tool",
            "Cross-hair",
            "Drag the cross-hair on the canvas; a plain click moves it while no tool is in hand",
            checkable=True,
        )
        self.space = button(
            "space_view_shown", "3D", "Show lungs and lesions as surfaces beside the canvas", checkable=True
        )
        self.place, self.state = note("cross_hair_place"), note("space_state")
        column(self, row(self.linked, self.cross, self.space), self.place, self.state)
        self.space.toggled.connect(self.space_toggled)
        self.linked.toggled.connect(self.linked_toggled)
        self.cross.toggled.connect(self.cross_toggled)
        self.show_linked(False)
        self.show_space(False, "")

    def show_linked(self, linked: bool) -> None:
        """Show whether the linked views are there; without them there is no cross-hair to drag."""
        set_silently(self.linked, linked)
        self.cross.setEnabled(linked)
        self.place.setVisible(linked)
        if not linked:
            self.cross.setChecked(False)

    def show_space(self, shown: bool, sentence: str) -> None:
        """Show whether there is a view in space, and what is missing in it, ``""`` for nothing."""
        set_silently(self.space, shown)
        self.state.setText(sentence)
        self.state.setVisible(bool(sentence))

    def show_place(self, scan: Volume | None, place: tuple[int, int, int]) -> None:
        """Show the voxel under the cross-hair (z, y, x), and its value."""
        if scan is None or not scan.array.size:
            self.place.setText("")
            return
        z, y, x = place
        unit = " HU" if scan.intensity == "HU" else ""
        self.place.setText(f"z {z}  y {y}  x {x}:  {float(scan.array[place]):.0f}{unit}")
