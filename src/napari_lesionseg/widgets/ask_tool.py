"""A click, or a box dragged on the canvas, that asks the model what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari.layers import Labels

from napari_lesionseg.review.tools.ask import Point
from napari_lesionseg.widgets.context import Context


class AskTool:
    """While it is on, a drag on the canvas draws a box instead of panning.

    Parameters
    ----------
    ask
        Called with the voxels (y, x) where the mouse was pressed and let go.
    put_down
        Called when it is no longer on, also because another tool took the mouse.
    """

    def __init__(
        self, context: Context, ask: Callable[[tuple[Point, Point]], None], put_down: Callable[[], object]
    ) -> None:
        self._context, self._ask, self._put_down = context, ask, put_down

    def set_on(self, on: bool) -> None:
        """Switch the tool on or off; off gives the mouse back to napari."""
        if on:
            self._context.mouse.take(self._drag, self._put_down)
        else:
            self._context.mouse.give_back(self._drag)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        layers, mask = self._context.layers, self._context.layers.mask
        if mask is None or event.button != 1:
            return
        if layers.shows_all():
            self._context.say("The model is asked on an axial slice; show the scan in slices.")
            return
        box, pressed, first = viewer.canvas.overlays._zoom_box, event.pos[::-1], _voxel(mask, event.position)
        box.position = (pressed, pressed)
        box.visible = True
        yield
        while event.type == "mouse_move":
            box.position = (pressed, event.pos[::-1])
            yield
        box.visible = False
        self._ask((first, _voxel(mask, event.position)))


def _voxel(mask: Labels, position: tuple[float, ...]) -> Point:
    y, x = mask.world_to_data(position)[-2:]
    return round(float(y)), round(float(x))
