"""How a case was looked at: zoom, centre and window go along to the next case, and each case keeps its slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.layers import LayerBridge


@dataclass(frozen=True, eq=False)
class View:
    """What is seen of a scan, whatever the scan.

    Parameters
    ----------
    extent
        Size of the scan in mm (z, y, x).
    centre
        Of the camera, in mm (z, y, x).
    zoom
        Canvas pixels a mm.
    angles
        Of the camera in 3D, degrees.
    window, intensity
        The window, and what kind of numbers it is for.
    """

    extent: tuple[float, float, float]
    centre: tuple[float, ...]
    zoom: float
    angles: tuple[float, ...]
    window: Window
    intensity: str


class ViewMemory:
    """Takes the view of one case to the next; a scan of another size is seen at the same share of its size."""

    def __init__(self, layers: LayerBridge) -> None:
        self._layers, self._session = layers, layers.session
        self._slices: dict[str, int] = {}

    def remember_slice(self, case_id: str, z: int) -> None:
        """Note which display slice of a case is looked at."""
        self._slices[case_id] = z

    def slice_of(self, case_id: str) -> int | None:
        """The display slice (z) last looked at in a case."""
        return self._slices.get(case_id)

    def take(self) -> View | None:
        """The view of the open scan, None without one."""
        scan, camera = self._session.scan, self._layers.viewer.scene.camera
        if scan is None:
            return None
        angles = tuple(float(angle) for angle in camera.angles)
        centre = tuple(float(at) for at in camera.center)
        return View(_extent(scan), centre, float(camera.zoom), angles, self._session.window, scan.intensity)

    def give(self, view: View | None) -> None:
        """Look at the open scan in the same way."""
        scan = self._session.scan
        if view is None or scan is None:
            return
        if view.intensity == scan.intensity:
            self._session.set_window(view.window)
        ratio = np.divide(_extent(scan), view.extent)
        same = bool((ratio == 1).all())
        camera = self._layers.viewer.scene.camera
        camera.angles = view.angles
        camera.center = view.centre if same else tuple(np.multiply(view.centre, ratio))
        camera.zoom = view.zoom if same else view.zoom / float(ratio[1:].max())


def _extent(scan: Volume) -> tuple[float, float, float]:
    z, y, x = (size * side for size, side in zip(scan.array.shape, scan.geometry.spacing, strict=True))
    return z, y, x
