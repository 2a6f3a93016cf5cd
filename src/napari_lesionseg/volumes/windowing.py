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
    "vessels": Window(100, 700),
}
GREY_WINDOW = Window(127.5, 255)


SAMPLED = 1_000_000
"""So many voxels tell the window of a scan well enough, and at once."""
_AIR_HU = -950


def auto_window(scan: npt.NDArray[Any], lungs: npt.NDArray[Any] | None = None, *, is_hu: bool = True) -> Window:
    """Find the window of what is there: of the lungs where they are known, of the body otherwise.

    It reaches from the 1st to the 99th percentile, and a tenth of that farther on either side.

    Parameters
    ----------
    scan
        (z, y, x), HU or grey levels. At most ``SAMPLED`` voxels of it are looked at.
    lungs
        Labels on the same grid, or None. If they are empty the body is looked at.
    is_hu
        Whether the body is what is denser than air (-950 HU); else it is what is above the lowest level.
    """
    every = tuple(slice(None, None, step) for step in _steps(scan.shape))
    sample = scan[every]
    inside = None if lungs is None else lungs[every] != 0
    if inside is None or not inside.any():
        inside = sample > (_AIR_HU if is_hu else sample.min())
    values = sample[inside] if inside.any() else sample.ravel()
    low, high = (float(value) for value in np.percentile(values, (1, 99)))
    margin = max(1.0, (high - low) / 10)
    return Window(round((low + high) / 2), round(high - low + 2 * margin))


def _steps(shape: tuple[int, ...]) -> list[int]:
    """How far apart along each axis voxels may be so that there are no more than ``SAMPLED`` of them."""
    steps = [1] * len(shape)
    while np.prod([-(-n // step) for n, step in zip(shape, steps, strict=True)]) > SAMPLED:
        widest = max(range(len(shape)), key=lambda axis: shape[axis] / steps[axis])
        steps[widest] += 1
    return steps


def apply_window(array: npt.NDArray[Any], window: Window) -> npt.NDArray[np.float32]:
    """Scale ``array`` so that the window's lower end is 0 and its upper end 1, clipped."""
    scaled = (array.astype(np.float32) - np.float32(window.low)) / np.float32(window.width)
    return np.clip(scaled, 0.0, 1.0, out=scaled)
