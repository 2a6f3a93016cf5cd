"""Going through the slices: with the wheel, as on a reading workstation, and with keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel

ZOOM_A_NOTCH = 1.2


class SliceWheel:
    """While it is on, the wheel goes through the slices, and zooms with Ctrl or Shift.

    Parameters
    ----------
    viewer
        Whose canvas it is. In 3D the wheel zooms as ever.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._naparis: tuple[int, Callable[..., Any]] | None = None  # Its own scrolling, and where it was.
        self._turned = 0.0  # Notches; a touch pad sends parts of one.

    def set_on(self, on: bool) -> None:
        """Take the wheel, or give it back to napari."""
        callbacks = self._viewer.mouse_wheel_callbacks
        if on and self._on_wheel not in callbacks:
            own = [(at, one) for at, one in enumerate(callbacks) if getattr(one, "__name__", "") == "dims_scroll"]
            self._naparis = own[0] if own else None
            for _, one in own:
                callbacks.remove(one)
            callbacks.append(self._on_wheel)
        elif not on and self._on_wheel in callbacks:
            callbacks.remove(self._on_wheel)
            if self._naparis is not None:
                callbacks.insert(*self._naparis)

    def _on_wheel(self, viewer: ViewerModel, event: Any) -> None:
        held = set(event.modifiers)
        notches = float(np.sum(event.delta))  # Some systems turn the wheel sideways while Shift is held.
        if held in ({"Control"}, {"Shift"}):
            zoom(viewer, ZOOM_A_NOTCH**notches, event.position)
            event.handled = True
        elif not held and viewer.dims.ndisplay == 2:
            self._turned += float(np.clip(notches, -1, 1))
            whole = int(self._turned)
            self._turned -= whole
            step(viewer, whole)
            event.handled = True


def step(viewer: ViewerModel, slices: int) -> None:
    """Go so many slices on in the plane that is shown: towards the head in an axial one."""
    dims = viewer.dims
    if dims.ndisplay == 2 and dims.ndim == 3 and slices:
        axis = dims.order[0]
        dims.set_current_step(axis, int(np.clip(dims.current_step[axis] + slices, 0, dims.nsteps[axis] - 1)))


def zoom(viewer: ViewerModel, factor: float, position: Any) -> None:
    """Zoom so that what is at this position (in mm, along all axes) stays where it is."""
    camera, shown = viewer.scene.camera, list(viewer.dims.displayed)
    camera.zoom *= factor
    centre = np.asarray(camera.center, float)
    centre[-len(shown) :] += (np.asarray(position, float)[shown] - centre[-len(shown) :]) * (1 - 1 / factor)
    camera.center = tuple(centre)
