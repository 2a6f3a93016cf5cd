"""The main canvas as one of the linked views: the cross-hair over its layers, and the clicks that move it.

The only file of the views that knows napari: neither layers nor axes of the viewer are changed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
from napari.components.overlays import SceneOverlay
from psygnal import EmitLoopError

from napari_lesionseg.widgets.layers import LayerBridge

NAME = "lesionseg_cross_hair"
COLOUR = "#7FE0A0"
STILL = 3  # Canvas pixels that a hand may move and still mean a click.
Pointed = Callable[[int, int], object]


class CrossHairOverlay(SceneOverlay):  # type: ignore[misc]
    """Two lines through ``place`` over a picture of ``extent``; both (y, x) in mm."""

    place: tuple[float, float] = (0.0, 0.0)
    extent: tuple[float, float] = (1.0, 1.0)

    def segments(self) -> np.ndarray[Any, Any]:
        """Ends of the level and of the upright line, (x, y) as vispy takes them: shape (4, 2)."""
        (y, x), (high, wide) = self.place, self.extent
        return np.array([(0, y), (wide, y), (x, 0), (x, high)], np.float32)


class OrthoLayers:
    """The cross-hair on one viewer's canvas.

    Parameters
    ----------
    pointed
        Called with the voxel (y, x) that was clicked, or dragged to, on the canvas.
    """

    def __init__(self, layers: LayerBridge, pointed: Pointed) -> None:
        self._layers, self._pointed = layers, pointed
        self.overlay = CrossHairOverlay()
        self._on = False

    def set_on(self, on: bool) -> None:
        """Show the cross-hair and listen to clicks, or let go of the canvas."""
        if on == self._on:
            return
        self._on = on
        viewer = self._layers.viewer
        if on:
            _register()
            viewer.scene.overlays[NAME] = self.overlay
            viewer.mouse_drag_callbacks.append(self._click)
            viewer.dims.events.ndisplay.connect(self._on_dims)
            viewer.dims.events.order.connect(self._on_dims)
            self._on_dims()
            return
        viewer.mouse_drag_callbacks.remove(self._click)
        viewer.dims.events.ndisplay.disconnect(self._on_dims)
        viewer.dims.events.order.disconnect(self._on_dims)
        with suppress(RuntimeError, EmitLoopError):  # A window that is closed takes its canvas away first.
            del viewer.scene.overlays[NAME]

    def show_cross(self, y: int, x: int) -> None:
        """Put the cross-hair at a voxel of the axial slice."""
        scan = self._layers.session.scan
        if scan is not None:
            _, height, width = scan.geometry.spacing
            self.overlay.extent = (scan.array.shape[1] * height, scan.array.shape[2] * width)
            self.overlay.place = (y * height, x * width)
        self._on_dims()

    def _on_dims(self) -> None:
        seen = self._on and self._layers.session.scan is not None and not self._layers.shows_all()
        if self.overlay.visible != seen:
            self.overlay.visible = seen

    def drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Let the cross-hair follow the mouse: a drag callback of napari, for the tool."""
        self._point(event)
        yield
        while event.type == "mouse_move":
            self._point(event)
            yield

    def _click(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click that is no drag, while napari's own mouse moves the picture."""
        mask = self._layers.mask
        free = viewer.scene.camera.mouse_pan and (mask is None or str(mask.mode) == "pan_zoom")
        if event.button != 1 or event.modifiers or not free:
            return
        pressed = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.array(event.pos) - pressed).max() <= STILL:
            self._point(event)

    def _point(self, event: Any) -> None:
        mask = self._layers.mask
        if mask is not None and not self._layers.shows_all():
            y, x = mask.world_to_data(event.position)[-2:]
            self._pointed(round(float(y)), round(float(x)))


@cache
def _register() -> None:
    """Tell napari's canvas how the overlay is drawn; there is no public way."""
    from napari._vispy.overlays.base import ViewerOverlayMixin, VispySceneOverlay
    from napari._vispy.utils.visual import overlay_to_visual
    from vispy.scene.visuals import Line

    class VispyCrossHair(ViewerOverlayMixin, VispySceneOverlay):  # type: ignore[misc]
        """Draws the two lines."""

        def __init__(self, **kwargs: Any) -> None:
            line = Line(pos=np.zeros((4, 2), np.float32), connect="segments", color=COLOUR, width=1)
            super().__init__(node=line, **kwargs)
            self.overlay.events.place.connect(self._on_place)
            self.overlay.events.extent.connect(self._on_place)
            self._on_place()
            self.reset()

        def _on_place(self) -> None:
            self.node.set_data(pos=self.overlay.segments())

        def close(self) -> None:
            self.overlay.events.place.disconnect(self._on_place)
            self.overlay.events.extent.disconnect(self._on_place)
            super().close()

    overlay_to_visual[CrossHairOverlay] = VispyCrossHair
