"""Dragging the window on the canvas, as on a reading workstation: across is width, up and down is level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.context import Context

PIXELS_A_WINDOW = 300  # Dragging this far changes the width by the width it had.


class DragTool:
    """While it is on, a drag on the canvas changes the window instead of panning.

    Parameters
    ----------
    put_down
        Called when it is no longer on, also because another tool took the mouse.
    """

    def __init__(self, context: Context, put_down: Callable[[], object]) -> None:
        self._context, self._put_down = context, put_down

    def set_on(self, on: bool) -> None:
        """Switch the tool on or off; off gives the mouse back to napari."""
        if on:
            self._context.mouse.take(self._drag, self._put_down)
        else:
            self._context.mouse.give_back(self._drag)

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        start, first = event.pos, self._context.session.window
        yield
        while event.type == "mouse_move":
            self._context.session.set_window(dragged(first, event.pos[0] - start[0], event.pos[1] - start[1]))
            yield


def dragged(window: Window, right: float, down: float) -> Window:
    """The window after a drag of so many pixels from ``window``."""
    step = window.width / PIXELS_A_WINDOW
    return Window(round(window.level - down * step), max(1, round(window.width + right * step)))
