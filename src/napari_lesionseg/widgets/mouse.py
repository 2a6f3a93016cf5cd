"""Who has the mouse on the canvas: napari, or one of our tools; never two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_lesionseg.widgets.layers import LayerBridge

MOVE = "pan_zoom"
PUT_DOWN_KEYS = ("Escape", "Z")
"""Both are napari's keys on a labels layer; while a tool of ours has the mouse they mean to move again, as Z does."""


class Mouse:
    """The mouse on one viewer's canvas."""

    def __init__(self, layers: LayerBridge) -> None:
        self._layers = layers
        self._drag: Callable[..., Any] | None = None  # Of the tool that has the mouse.
        self._lost: Callable[[], object] = lambda: None
        self._mask: Any = None  # The layer that was active when it got it.
        self._before: list[tuple[Any, str, Any]] = []  # Whose key, and what it did.
        layers.session.scan_changed.connect(self._on_scan)

    def take(self, drag: Callable[..., Any], lost: Callable[[], object]) -> None:
        """Let ``drag`` (a drag callback of napari) have the mouse until it is put down or taken: then call ``lost``."""
        self.put_down()
        self._drag, self._lost, self._mask = drag, lost, self._layers.mask
        if self._mask is not None:
            self._mask.mode = MOVE  # A brush would paint along.
            self._mask.events.mode.connect(self._on_mode)
        self._bind()
        self._layers.viewer.mouse_drag_callbacks.append(drag)
        self._layers.viewer.scene.camera.mouse_pan = False

    def give_back(self, drag: Callable[..., Any]) -> None:
        """Give the mouse back to napari, if ``drag`` has it."""
        if drag == self._drag:
            self.put_down()

    def put_down(self) -> None:
        """Give the mouse back to napari, whoever has it."""
        drag, lost = self._drag, self._lost
        if drag is None:
            return
        self._drag = None
        viewer = self._layers.viewer
        if drag in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(drag)
        self._unbind()
        if self._mask is not None:
            self._mask.events.mode.disconnect(self._on_mode)
        viewer.scene.camera.mouse_pan = self._mask is None or str(self._mask.mode) == MOVE
        self._mask = None
        lost()

    def _on_mode(self) -> None:
        if str(self._mask.mode) != MOVE:
            self.put_down()

    def _on_scan(self, _scan: object) -> None:
        if self._layers.mask is not self._mask:
            self.put_down()

    def _bind(self) -> None:
        for owner in (self._layers.viewer, self._mask):
            if owner is not None:
                for key in PUT_DOWN_KEYS:
                    self._before.append((owner, key, owner.bind_key(key, self._on_key, overwrite=True)))

    def _on_key(self, _owner: object) -> None:
        self.put_down()

    def _unbind(self) -> None:
        for owner, key, action in self._before:
            owner.bind_key(key, action, overwrite=True)
        self._before.clear()
