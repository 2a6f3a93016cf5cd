"""The one-click edits of the correct panel: slices, shape, sets, undo."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_lesionseg.widgets.button_grid import ButtonGrid
from napari_lesionseg.widgets.keys import with_key
from napari_lesionseg.widgets.parts import button, chooser, column, decimal, heading, row, whole

SLICES = {
    "copy_below": ("From below", "Replace this slice's mask by that of the slice below"),
    "copy_above": ("From above", "Replace this slice's mask by that of the slice above"),
    "interpolate": ("Interpolate", "Draw what is missing between slices that hold lesion"),
    "copy_down": (
        "Copy down",
        "Copy the lesions here to the next slices below, following the picture",
    ),
    "copy_up": ("Copy up", "Copy the lesions here to the next slices above, following the picture"),
}
SHAPE = {
    "fill_holes": ("Fill holes", "Fill what lesion encloses in this slice"),
    "keep_largest": ("Largest", "Keep the largest piece of lesion and remove the others"),
    "smooth": ("Smooth", "Smooth the outline over so many mm; the volume stays"),
    "grow_mm": ("Grow", "Grow the lesion by so many mm"),
    "shrink_mm": ("Shrink", "Shrink the lesion by so many mm"),
}
UNDO = {
    "revert_slice": ("Revert slice", "Go back to the prediction in this slice"),
    "undo": ("Undo", "Undo the last change of the mask"),
    "redo": ("Redo", "Redo what was undone"),
}
HOW = {"Add": "union", "Take away": "subtract", "Keep only": "intersect"}
OTHERS = {"truth": "truth", "prediction": "prediction", "lungs": "lungs"}
IN_MM = ("smooth", "grow_mm", "shrink_mm")


class ActionPanel(QWidget):
    """Says which edit is wanted, and how much of it."""

    action_requested = Signal(str, object)
    """An edit's name, and its amount: slices, mm, ml, a pair of how and with what, or None."""
    undo_requested = Signal()
    redo_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        texts = {**SLICES, **SHAPE, **UNDO}
        self.buttons = {name: button(name, *text) for name, text in texts.items()}
        self.undo, self.redo = self.buttons["undo"], self.buttons["redo"]
        self.count = whole("copy_slices", "To so many slices", 1, 50)
        self.mm = decimal("shape_mm", "By so many mm", 0.5, 9.5)
        self.ml = decimal("small_ml", "Pieces below so many ml", 0.01, 9.99)
        self._set_up_numbers()
        self.small = button("remove_small", "Remove below", "Remove the pieces that are smaller")
        self.how = chooser("combine_how", "What to do with the truth, the prediction or the lungs")
        self.how.addItems(list(HOW))
        self.other = chooser("combine_with", "What the mask is combined with")
        self.other.addItems(list(OTHERS))
        self.apply = button("combine", "Apply", "Combine the mask with it")
        self._lay_out()
        self._connect()

    def _set_up_numbers(self) -> None:
        self.count.setValue(3)
        self.count.setPrefix("to ")
        for number, first, unit in ((self.mm, 1.0, " mm"), (self.ml, 0.1, " ml")):
            number.setSingleStep(first / 2)
            number.setDecimals(1 if number is self.mm else 2)
            number.setValue(first)
            number.setSuffix(unit)

    def _lay_out(self) -> None:
        column(
            self,
            heading("Slices"),
            ButtonGrid([*(self.buttons[name] for name in SLICES), self.count], 3),
            heading("Shape"),
            ButtonGrid([*(self.buttons[name] for name in SHAPE), self.mm], 3),
            row(self.small, self.ml),
            heading("Sets"),
            row(self.how, self.other, self.apply),
            heading("Undo"),
            ButtonGrid([self.buttons[name] for name in UNDO], 3),
        )

    def _connect(self) -> None:
        for name in (*SLICES, *SHAPE, "revert_slice"):
            self.buttons[name].clicked.connect(lambda _=False, name=name: self._ask(name, self._amount(name)))
        self.small.clicked.connect(lambda: self._ask("remove_small", self.ml.value()))
        self.apply.clicked.connect(
            lambda: self._ask("combine", (HOW[self.how.currentText()], OTHERS[self.other.currentText()]))
        )
        self.undo.clicked.connect(self.undo_requested)
        self.redo.clicked.connect(self.redo_requested)

    def _ask(self, name: str, amount: object) -> None:
        self.action_requested.emit(name, amount)

    def _amount(self, name: str) -> object:
        amounts: dict[str, Callable[[], object]] = dict.fromkeys(IN_MM, self.mm.value)
        amounts["copy_down"] = amounts["copy_up"] = self.count.value
        return amounts[name]() if name in amounts else None

    def show_editable(self, editable: bool) -> None:
        """Offer the edits if there is a mask that may be changed."""
        steps = (self.undo, self.redo)
        one_click: list[QPushButton] = [one for one in self.buttons.values() if one not in steps]
        for control in (*one_click, self.small, self.apply):
            control.setEnabled(editable)

    def show_steps(self, undo: str, redo: str) -> None:
        """Offer to undo and to redo these steps by their names; "" if there is none."""
        self.undo.setEnabled(bool(undo))
        self.redo.setEnabled(bool(redo))
        self.undo.setToolTip(with_key("undo", f"Undo: {undo}" if undo else "Nothing to undo"))
        self.redo.setToolTip(with_key("redo", f"Redo: {redo}" if redo else "Nothing to redo"))
