"""Keyboard shortcuts, bound in code since napari does not wire those of a manifest; none of them is napari's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app_model.types import KeyCode, KeyMod
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QWidget

from napari_lesionseg.widgets.held_key import HeldKey
from napari_lesionseg.widgets.layers import LayerBridge

SHORTCUTS = {
    "Shift-S": "segment",
    "Shift-K": "ask_model",
    "Shift-T": "show_truth",
    "Shift-E": "show_errors",
    "Shift-W": "worst_slice",
    "Shift-R": "revert_slice",
    "Shift-X": "export",
    "Shift-D": "window_drag",
    "Shift-O": "linked_views",
    "Shift-J": "cross_hair_tool",
    "Shift-L": "preset_lung",
    "Shift-M": "preset_mediastinum",
    "Shift-B": "preset_bone",
    "Shift-N": "next_disagreement",
    "Shift-H": "previous_disagreement",
    "Shift-C": "show_agreement",
    "Control-Alt-N": "next_case",
    "Control-Alt-P": "previous_case",
    "Control-Shift-N": "next_unfinished",
    "Control-Shift-P": "previous_unfinished",
}
"""Key, and the object name of the button it presses."""
UNDO = KeyMod.CtrlCmd | KeyCode.KeyZ
REDO = KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ


def bind_shortcuts(viewer: ViewerModel, panel: QWidget) -> None:
    """Let keys in the viewer press the buttons of ``panel``, for as long as it exists."""
    _bind(viewer, panel, {key: _press(panel, name) for key, name in SHORTCUTS.items()})


def bind_undo(viewer: ViewerModel, panel: QWidget, layers: LayerBridge) -> None:
    """Let the keys for undo and redo mean the mask for as long as ``panel`` exists, whichever layer is active.

    napari asks the active layer first: the mask and what cannot be painted on answer as the viewer does, and
    somebody's own labels layer undoes its own strokes.
    """
    _bind(viewer, panel, {UNDO: lambda _viewer: layers.undo(), REDO: lambda _viewer: layers.redo()})


def bind_held(viewer: ViewerModel, panel: QWidget, layers: LayerBridge) -> None:
    """Let H hide what lies over the scan for as long as it is held down."""
    held = HeldKey(panel, Qt.Key.Key_H, layers.overlays.set_hidden)
    _bind(viewer, panel, {"H": lambda _viewer: held.press()})
    panel.destroyed.connect(lambda: layers.overlays.set_hidden(False))


def _bind(viewer: ViewerModel, panel: QWidget, actions: Mapping[str | int, Callable[[Any], None]]) -> None:
    for key, action in actions.items():
        viewer.bind_key(key, action, overwrite=True)

    def unbind() -> None:
        for key in actions:
            viewer.bind_key(key, None, overwrite=True)

    panel.destroyed.connect(unbind)


def _press(panel: QWidget, name: str) -> Callable[[Any], None]:
    target = panel.findChild(QAbstractButton, name)

    def press(_viewer: Any) -> None:
        if target is not None and target.isEnabled():
            target.click()

    return press
