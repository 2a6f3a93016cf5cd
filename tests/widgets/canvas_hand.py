"""A hand with a mouse on the canvas of a viewer without a window."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from napari.utils._proxies import ReadOnlyWrapper
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks


class Hand:
    """Leads the mouse over the slice that is shown; napari's viewer and layer answer as on a real canvas."""

    def __init__(self, workbench: Any) -> None:
        self._bench = workbench

    def lead(self, *points: tuple[float, float]) -> None:
        """Press the left button at the first of these places (y, x, in voxels), and let it go at the last."""
        self.press(points[0])
        for point in points[1:]:
            self.move(point)
        self.let_go(points[-1])

    def press(self, point: tuple[float, float]) -> None:
        """Press the left button."""
        self._tell(mouse_press_callbacks, "mouse_press", point)

    def move(self, point: tuple[float, float]) -> None:
        """Move with the button held."""
        self._tell(mouse_move_callbacks, "mouse_move", point)

    def let_go(self, point: tuple[float, float]) -> None:
        """Let the button go."""
        self._tell(mouse_release_callbacks, "mouse_release", point)

    def _tell(self, callbacks: Any, kind: str, point: tuple[float, float]) -> None:
        context, session = self._bench.context, self._bench.session
        at = np.array((session.slice_index, *point)) * session.scan.geometry.spacing
        more = {"view_direction": None, "dims_displayed": [1, 2], "modifiers": (), "button": 1, "handled": False}
        event = SimpleNamespace(
            type=kind, is_dragging=True, position=tuple(at), pos=(point[1], point[0]), camera_zoom=1, **more
        )
        for owner in (context.viewer, context.layers.mask):
            callbacks(owner, ReadOnlyWrapper(event))  # As napari's canvas does.
