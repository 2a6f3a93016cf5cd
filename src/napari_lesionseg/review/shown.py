"""What is shown of a scan: the window it is looked at through, and the slice."""

from __future__ import annotations

import math

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.volume import Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window


class Shown:
    """The view of ``scan``: at first through its default window, at slice ``z`` or its middle one.

    Parameters
    ----------
    scan
        The open scan, if there is one.
    z
        The display slice to look at first.
    """

    def __init__(self, scan: Volume | None, z: int | None = None) -> None:
        self._count = 0 if scan is None else len(scan.array)
        self.window = GREY_WINDOW if scan is not None and scan.intensity == "grey" else PRESETS["lung"]
        self.z = self.nearest(self._count // 2 if z is None else z)

    def nearest(self, z: int) -> int:
        """The display slice there is that is nearest to ``z``; 0 without a scan."""
        return max(0, min(int(z), self._count - 1))


def check_window(window: Window) -> None:
    """Raise LesionsegError if the window's width is not above 0, or a number is not finite."""
    if not (math.isfinite(window.level) and math.isfinite(window.width) and window.width > 0):
        raise LesionsegError("A window needs a level and a width above 0; enter other numbers.")
