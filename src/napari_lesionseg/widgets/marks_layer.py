"""What a tool is about to do, drawn over the mask while the mouse is led: outline, box or seeds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psygnal import EmitLoopError

from napari_lesionseg.widgets.layers import LayerBridge

Point = tuple[float, float]
"""y, x in voxels of the slice that is shown; the centre of a voxel is a whole number."""


class Marks:
    """Corners on the canvas, and the polygon they make.

    napari's own overlay for polygons is borrowed: it moves with the layer, and needs no layer in the list.
    """

    def __init__(self, layers: LayerBridge) -> None:
        self._layers = layers
        self._layer: Any = None

    def show(self, z: int, corners: Sequence[Point]) -> None:
        """Draw these corners in display slice ``z``."""
        self._layer = self._layers.mask
        if self._layer is not None:
            with suppress(EmitLoopError):  # vispy cannot fill some outlines that touch themselves.
                # The overlay counts from the corner of a voxel.
                self._overlay.points = [[float(z), y + 0.5, x + 0.5] for y, x in corners]

    def clear(self) -> None:
        """Draw nothing."""
        if self._layer is not None:
            self._overlay.points = []
            self._layer = None

    @property
    def points(self) -> list[Point]:
        """The corners that are drawn."""
        return [] if self._layer is None else [(y - 0.5, x - 0.5) for _, y, x in self._overlay.points]

    @property
    def _overlay(self) -> Any:
        return self._layer._overlays["polygon"]  # There is no public way.
