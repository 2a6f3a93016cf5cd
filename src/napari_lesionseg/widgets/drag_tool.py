"""Dragging the window on the canvas, as on a reading workstation: across is width, up and down is level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.context import Context

PIXELS_A_WINDOW = 300  # Dragging this far changes the width by the width it had.
MODIFIER = "Control"  # With it, napari neither pans nor draws another way; Shift and Alt have their uses.


class DragTool:
    """While it is on, a drag on the canvas changes the window instead of panning; with Ctrl it always does.

    Parameters
    ----------
    put_down
        Called when it is no longer on, also because another tool took the mouse.
    """

    def __init__(self, context: Context, put_down: Callable[[], object]) -> None:
        self._context, self._put_down = context, put_down
        context.viewer.mouse_drag_callbacks.insert(0, self._on_press)  # Before all tools, which it keeps waiting.

    def set_on(self, on: bool) -> None:
        """Switch the tool on or off; off gives the mouse back to napari."""
        if on:
            self._context.mouse.take(self._drag, self._put_down)
        else:
            self._context.mouse.give_back(self._drag)

    def close(self) -> None:
        """Listen to the mouse no more."""
        self.set_on(False)
        callbacks = self._context.viewer.mouse_drag_callbacks
        if self._on_press in callbacks:
            callbacks.remove(self._on_press)

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        start, first = event.pos, self._context.session.window
        yield
        while event.type == "mouse_move":
            self._context.session.set_window(self._dragged(first, start, event.pos))
            yield

    def _dragged(self, first: Window, start: Any, now: Any) -> Window:
        way = -1 if self._context.settings.drag_inverted else 1
        return dragged(first, way * (now[0] - start[0]), way * (now[1] - start[1]))

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None] | None:
        if event.button != 1 or set(event.modifiers) != {MODIFIER} or self._context.session.scan is None:
            return None
        layer = viewer.layers.selection.active
        if layer is not None and str(layer.mode) == "transform":  # There, Ctrl has a meaning.
            return None
        return self._drag_alone(viewer, layer, event)

    def _drag_alone(self, viewer: Any, layer: Any, event: Any) -> Iterator[None]:
        """Drag while nobody else hears of the press: neither the tool in hand nor a brush."""
        lists = [one.mouse_drag_callbacks for one in (viewer, layer) if one is not None]
        waiting = [list(callbacks) for callbacks in lists]
        for callbacks in lists:
            callbacks.clear()
        drag = self._drag(viewer, event)
        next(drag)
        yield  # The press has been told to everybody by now.
        for callbacks, before in zip(lists, waiting, strict=True):
            callbacks[:] = [*before, *(one for one in callbacks if one not in before)]
        yield from drag


def dragged(window: Window, right: float, down: float) -> Window:
    """The window after a drag of so many pixels from ``window``."""
    step = window.width / PIXELS_A_WINDOW
    return Window(round(window.level - down * step), max(1, round(window.width + right * step)))
