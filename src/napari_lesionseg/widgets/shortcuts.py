"""Keyboard shortcuts, bound in code since napari does not wire those of a manifest; none of them is napari's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from qtpy.QtWidgets import QAbstractButton, QWidget

SHORTCUTS = {
    "Shift-S": "segment",
    "Shift-T": "show_truth",
    "Shift-E": "show_errors",
    "Shift-W": "worst_slice",
    "Shift-R": "revert_slice",
    "Shift-X": "export",
    "Shift-D": "window_drag",
    "Shift-L": "preset_lung",
    "Shift-M": "preset_mediastinum",
    "Shift-B": "preset_bone",
    "Shift-N": "next_disagreement",
    "Shift-P": "previous_disagreement",
    "Shift-C": "show_agreement",
    "Control-Alt-N": "next_case",
    "Control-Alt-P": "previous_case",
    "Control-Shift-N": "next_unfinished",
    "Control-Shift-P": "previous_unfinished",
}
"""Key, and the object name of the button it presses."""


def bind_shortcuts(viewer: ViewerModel, panel: QWidget) -> None:
    """Let keys in the viewer press the buttons of ``panel``, for as long as it exists."""
    for key, name in SHORTCUTS.items():
        viewer.bind_key(key, _press(panel, name), overwrite=True)

    def unbind() -> None:
        for key in SHORTCUTS:
            viewer.bind_key(key, None, overwrite=True)

    panel.destroyed.connect(unbind)


def _press(panel: QWidget, name: str) -> Callable[[Any], None]:
    target = panel.findChild(QAbstractButton, name)

    def press(_viewer: Any) -> None:
        if target is not None and target.isEnabled():
            target.click()

    return press
