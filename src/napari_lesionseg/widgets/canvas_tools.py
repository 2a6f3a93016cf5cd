"""Tools the mouse is led with on the canvas: an outline, a box, seeds or a click."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.marks_layer import Marks, Point

GESTURES = {
    "lasso_add": "outline",
    "lasso_remove": "outline",
    "box": "box",
    "grow": "seeds",
}
"""How the mouse is led; a click for all others."""
NEAR = 1.0  # Voxels between two corners of an outline.
MOST_MARKS = 40  # Corners that are drawn.
ONLY_AXIAL = "This tool works on an axial slice; show the scan in slices."
MOVED = "The slice was changed while the mouse was held; nothing was done."
Done = Callable[[str, list[Point]], object]


class CanvasTools:
    """Gives one tool at a time the mouse.

    Parameters
    ----------
    done
        Called with the tool and the points (y, x) it was led over: two corners of a box, one of a click.
    put_down
        Called when none of the tools has the mouse any more.
    """

    def __init__(self, context: Context, done: Done, put_down: Callable[[], object]) -> None:
        self._context, self._done, self._put_down = context, done, put_down
        self.marks = Marks(context.layers)
        self.tool = ""  # The one in hand.

    def take(self, tool: str) -> None:
        """Take a tool in hand."""
        self._context.mouse.take(self._drag, self._on_lost)
        self.tool = tool

    def put_down(self) -> None:
        """Give the mouse back to napari."""
        self._context.mouse.give_back(self._drag)

    def _on_lost(self) -> None:
        self.tool = ""
        self.marks.clear()
        self._put_down()

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        layers, tool, z = self._context.layers, self.tool, self._context.session.slice_index
        if layers.mask is None or event.button != 1:
            return
        if layers.shows_all():
            self._context.say(ONLY_AXIAL)
            return
        gesture = GESTURES.get(tool, "click")
        points = [self._voxel(event)]
        self.marks.show(z, points)
        yield
        while event.type == "mouse_move":
            if self.tool != tool:
                return  # It was put down in the middle of the drag.
            points = led(gesture, points, self._voxel(event))
            self.marks.show(z, _corners(points) if gesture == "box" else _some(points))
            yield
        self.marks.clear()
        if self.tool == tool:
            self._finish(tool, z, points)

    def _finish(self, tool: str, z: int, points: list[Point]) -> None:
        if self._context.session.slice_index == z:
            self._done(tool, points)
        else:
            self._context.say(MOVED)

    def _voxel(self, event: Any) -> Point:
        layer: Any = self._context.layers.mask
        y, x = layer.world_to_data(event.position)[-2:]
        return float(y), float(x)


def led(gesture: str, points: list[Point], to: Point) -> list[Point]:
    """The points of a gesture after the mouse was led on."""
    if gesture == "click":
        return points
    if gesture == "box":
        return [points[0], to]
    far = max(abs(to[0] - points[-1][0]), abs(to[1] - points[-1][1])) >= NEAR
    return [*points, to] if far else points


def _some(points: list[Point]) -> list[Point]:
    """So few of the points that the marks at them do not hide the scan, the last one among them."""
    step = -(-len(points) // MOST_MARKS)
    return points[::-step][::-1]


def _corners(box: list[Point]) -> list[Point]:
    (top, left), (bottom, right) = box[0], box[-1]
    return [(top, left), (top, right), (bottom, right), (bottom, left)]
