"""What lies on the canvas around the picture: the patient's sides, and a bar of millimetres."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay
from psygnal import EmitLoopError

from napari_lesionseg.review.side_letters import Sides, side_letters

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge

PLACES = {"left": "middle_left", "right": "middle_right", "top": "top_center", "bottom": "bottom_center"}
LETTER_POINTS = 14


class CanvasLayers:
    """Letters at the four borders and the scale bar, for as long as they are wanted and a scan is open.

    The letters follow what is shown: another plane, rolled or turned axes, a turned layer, a flipped camera.
    """

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self._wanted = False
        self._had_bar = bridge.viewer.canvas.overlays.scale_bar.visible
        for event in self._events():
            event.connect(self.refresh)

    def set_sides(self, wanted: bool) -> None:
        """Show or hide the letters."""
        self._wanted = wanted
        self.refresh()

    def set_scale_bar(self, wanted: bool) -> None:
        """Show or hide the bar; its length is in the units of the layers, which are mm."""
        self._bridge.viewer.canvas.overlays.scale_bar.visible = wanted

    def close(self) -> None:
        """Leave the canvas as it was found, and listen no more."""
        viewer = self._bridge.viewer
        for event in self._events():
            event.disconnect(self.refresh)
        for side in PLACES:
            viewer.canvas.overlays.pop(_name(side), None)
        with suppress(EmitLoopError):  # The whole window is closed, and its canvas is gone.
            self.set_scale_bar(self._had_bar)

    def _events(self) -> list[Any]:
        viewer, camera = self._bridge.viewer, self._bridge.viewer.scene.camera
        dims = viewer.dims.events
        layers = viewer.layers.events
        return [dims.order, dims.ndisplay, camera.events.orientation, layers.inserted, layers.removed]

    @property
    def sides(self) -> Sides | None:
        """The letters for what is shown now; None in 3D, without a scan, or if they are not wanted."""
        viewer, image = self._bridge.viewer, self._bridge.image
        if image is None or image not in viewer.layers or not self._wanted or viewer.dims.ndisplay != 2:
            return None
        down, across = viewer.dims.displayed
        vertical, horizontal = viewer.scene.camera.orientation2d
        flipped = str(vertical) == "up", str(horizontal) == "left"
        return side_letters(down, across, image.affine.linear_matrix, flipped=flipped)

    def refresh(self, _event: object = None) -> None:
        """Show the letters of what is on the screen."""
        image = self._bridge.image
        if image is not None:
            image.events.affine.connect(self.refresh)  # Connecting twice does nothing.
        sides, overlays = self.sides, self._bridge.viewer.canvas.overlays
        for side, place in PLACES.items():
            name = _name(side)
            if name not in overlays:
                if sides is None:
                    continue
                overlays[name] = TextOverlay(position=place, font_size=LETTER_POINTS, box=False)
            overlays[name].text = "" if sides is None else getattr(sides, side)
            overlays[name].visible = sides is not None


def _name(side: str) -> str:
    return f"lesionseg_{side}"
