"""A curtain: left of a line the mask, right of it the truth, and the line can be dragged on the canvas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from psygnal import Signal

from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets import layer_styles as styles

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge

MASK_SIDE, TRUTH_SIDE, LINE = 1, 2, 3
GRIP = 10  # Canvas pixels on either side of the line by which it is taken hold of.


class CurtainLayer:
    """One labels layer in place of mask and truth; of it only what is on the screen is written.

    The mask can be painted on all the same: its own layer is there, but not to be seen.
    """

    shown = Signal(bool, float)  # Whether it is on the screen, and the share of the picture left of the line.

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self.layer: Labels | None = None
        self.wanted, self._place = False, 0.5
        self._seen: list[tuple[Labels, float]] = []  # What is not to be seen behind it, and how opaque it was.

    @property
    def column(self) -> int:
        """The first column (x) right of the line."""
        width = 0 if self._bridge.session.mask is None else self._bridge.session.mask.array.shape[2]
        return round(self._place * width)

    def want(self, wanted: bool) -> None:
        """Draw the curtain as soon as there is a truth, or take it away."""
        self.wanted = wanted
        mask, truth = self._bridge.session.mask, self._bridge.session.truth
        if not wanted or mask is None or truth is None:
            self.clear()
        elif self.layer is None:
            empty = Mask.empty(mask.geometry)  # Pages of a zero array cost nothing until a slice is looked at.
            self.layer = self._bridge.add_locked(empty, styles.curtain_style(empty))
            self._hide_what_is_behind()
            self._bridge.viewer.mouse_drag_callbacks.append(self._drag)
        self.update()
        self.shown.emit(self.layer is not None, self._place)

    def move_to(self, place: float) -> None:
        """Put the line at this share of the picture, 0 (its left border) to 1."""
        self._place = min(1.0, max(0.0, place))
        self.update()
        self.shown.emit(self.layer is not None, self._place)

    def follow(self, mask: Mask) -> None:
        """Be ready for the mask of another scan, which has a layer of its own by now."""
        if self.layer is not None:
            empty = Mask.empty(mask.geometry)
            styles.move_to(self.layer, styles.curtain_style(empty))
            self.layer.data = empty.array
            self.write()

    def update(self) -> None:
        """Bring the curtain on the screen up to date."""
        if self.layer is not None:
            self.write()
            self.layer.refresh(extent=False, highlight=False, thumbnail=False)

    def write(self) -> None:
        """Write the slices that are on the screen, or about to be, in place."""
        session = self._bridge.session
        if self.layer is None or session.mask is None or session.truth is None:
            return
        shown = slice(None) if self._bridge.shows_all() else slice(session.slice_index, session.slice_index + 1)
        out, split = self.layer.data[shown], self.column
        np.not_equal(session.mask.array[shown, :, :split], 0, out=out[:, :, :split].view(np.bool_))
        np.multiply(session.truth.array[shown, :, split:] != 0, TRUTH_SIDE, out=out[:, :, split:], casting="unsafe")
        out[:, :, min(split, out.shape[2] - 1)] = LINE

    def clear(self) -> None:
        """Take the curtain away, and show what is behind it as it was."""
        self._bridge.remove(self.layer)
        self.layer = None
        callbacks = self._bridge.viewer.mouse_drag_callbacks
        if self._drag in callbacks:
            callbacks.remove(self._drag)
        for layer, opacity in self._seen:
            layer.opacity = opacity
        if self._bridge.mask is not None:
            self._bridge.mask.events.labels_update.disconnect(self._on_painting)
        self._seen = []

    def _hide_what_is_behind(self) -> None:
        behind = (self._bridge.mask, self._bridge.comparison.truth)
        self._seen = [(layer, float(layer.opacity)) for layer in behind if layer is not None]
        for layer, _ in self._seen:
            layer.opacity = 0.0
        if self._bridge.mask is not None:
            self._bridge.mask.events.labels_update.connect(self._on_painting)

    def _on_painting(self) -> None:
        self.update()  # A stroke is seen while it is drawn, not only when it is done.

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Let the line follow a mouse that took hold of it; a brush in the hand does not paint meanwhile."""
        camera, active, panned = viewer.scene.camera, viewer.layers.selection.active, viewer.scene.camera.mouse_pan
        a_tool_has_it = not panned and active is not None and str(active.mode) == "pan_zoom"
        if self.layer is None or a_tool_has_it or abs(self._away(event)) * camera.zoom > GRIP:
            return
        viewer.layers.selection.active = self.layer  # napari asks the active layer next.
        camera.mouse_pan = False
        yield
        while event.type == "mouse_move":
            self.move_to(self._place + self._away(event) / self._width())
            yield
        viewer.layers.selection.active = active
        camera.mouse_pan = panned

    def _away(self, event: Any) -> float:
        """How far the mouse is right of the line, in mm."""
        return float(event.position[-1]) - (self._place * self._width() - 0.5 * self._spacing())

    def _width(self) -> float:
        mask = self._bridge.session.mask
        return 1.0 if mask is None else mask.array.shape[2] * self._spacing()

    def _spacing(self) -> float:
        mask = self._bridge.session.mask
        return 1.0 if mask is None else float(mask.geometry.spacing[2])
