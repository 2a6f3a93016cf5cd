"""What a mask that was dropped beside an open scan should become."""

from __future__ import annotations

from typing import Literal

from qtpy.QtWidgets import QApplication, QMessageBox, QWidget

Role = Literal["truth", "mask", "layer"]


def ask_role(name: str, parent: QWidget | None = None) -> Role:
    """Ask whether a mask on the open scan's grid is the truth, a mask to correct, or just a layer (Escape)."""
    box = QMessageBox(parent or QApplication.activeWindow())
    box.setObjectName("role_dialog")
    box.setWindowTitle("What is this mask?")
    box.setText(f"{name} lies on the grid of the open scan.")
    roles: dict[Role, object] = {
        "truth": box.addButton("Truth", QMessageBox.ButtonRole.AcceptRole),
        "mask": box.addButton("Mask to correct", QMessageBox.ButtonRole.AcceptRole),
    }
    layer = box.addButton("Just a layer", QMessageBox.ButtonRole.RejectRole)
    box.setEscapeButton(layer)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((role for role, one in roles.items() if one is clicked), "layer")
