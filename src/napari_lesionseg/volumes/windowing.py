"""Hounsfield windows: the level and width a reader looks through."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Window(NamedTuple):
    """A grey-value window, in HU (or grey levels): centre ``level`` and full ``width``."""

    level: float
    width: float

    @property
    def low(self) -> float:
        """Value shown black."""
        return self.level - self.width / 2

    @property
    def high(self) -> float:
        """Value shown white."""
        return self.level + self.width / 2

    @classmethod
    def from_limits(cls, low: float, high: float) -> Window:
        """Make the window that shows ``low`` black and ``high`` white."""
        return cls((low + high) / 2, high - low)


PRESETS: dict[str, Window] = {
    "lung": Window(-600, 1500),
    "wide lung": Window(-300, 1400),
    "mediastinum": Window(40, 400),
    "bone": Window(400, 1800),
}
GREY_WINDOW = Window(127.5, 255)


def apply_window(array: npt.NDArray[Any], window: Window) -> npt.NDArray[np.float32]:
    """Scale ``array`` so that the window's lower end is 0 and its upper end 1, clipped."""
    scaled = (array.astype(np.float32) - np.float32(window.low)) / np.float32(window.width)
    return np.clip(scaled, 0.0, 1.0, out=scaled)
