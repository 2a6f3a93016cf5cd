"""The keys of the workbench, bound in code since napari does not wire those of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari.components import ViewerModel
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QWidget

from napari_lesionseg.widgets.held_key import HeldKey
from napari_lesionseg.widgets.keys import KEYS
from napari_lesionseg.widgets.layers import LayerBridge

Action = Callable[[Any], None]


def bind_shortcuts(viewer: ViewerModel, panel: QWidget, layers: LayerBridge) -> None:
    """Let keys in the viewer press the buttons of ``panel``, for as long as it exists.

    Undo and redo mean the mask, whichever layer is active. napari asks the active layer first: the mask and what
    cannot be painted on answer as the viewer does, and somebody's own labels layer undoes its own strokes.
    """
    held = HeldKey(panel, Qt.Key.Key_H, layers.overlays.set_hidden)
    panel.destroyed.connect(lambda: layers.overlays.set_hidden(False))
    pressed = {name: _button(panel, name) for name, key in KEYS.items() if key.presses}
    actions = {name: _press(button) for name, button in pressed.items() if button is not None}
    actions["undo"], actions["redo"] = lambda _viewer: layers.undo(), lambda _viewer: layers.redo()
    actions["hide_overlays"] = lambda _viewer: held.press()
    bind_keys(viewer, panel, actions)


def bind_keys(viewer: ViewerModel, panel: QWidget, actions: Mapping[str, Action]) -> None:
    """Let the keys of these names do something in the viewer, and give them back when ``panel`` is gone."""
    bound = {coerce_keybinding(KEYS[name].text): _named(action) for name, action in actions.items()}
    before = {key: viewer.bind_key(key, action, overwrite=True) for key, action in bound.items()}

    def give_back() -> None:
        for key, action in bound.items():
            if viewer.keymap.get(key) is action:  # Else somebody else has taken it meanwhile.
                viewer.bind_key(key, before[key], overwrite=True)

    panel.destroyed.connect(give_back)


def _named(action: Action) -> Action:
    """Make a function of it: napari asks what it runs for its name, which a partial call has not."""

    def run(viewer: Any) -> None:
        action(viewer)

    return run


def _button(panel: QWidget, name: str) -> QAbstractButton | None:
    found: QAbstractButton | None = panel.findChild(QAbstractButton, name)
    return found


def _press(target: QAbstractButton) -> Action:
    def press(_viewer: Any) -> None:
        if target.isEnabled():
            target.click()

    return press
