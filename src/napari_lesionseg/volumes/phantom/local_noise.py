"""The noise of a scan: measured in its soft tissue, and made anew for what is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_SOFT_HU = (-40, 130)
_LEAST_PAIRS = 500
_USUAL = (25.0, 0.6)


@dataclass(frozen=True)
class LocalNoise:
    """Noise that is like a scan's: its standard deviation in HU, and its correlation from one pixel to the next."""

    hu: float
    correlation: float

    @classmethod
    def measure(cls, scan: npt.NDArray[Any]) -> LocalNoise:
        """Compare soft-tissue pixels of each slice (z, y, x) with their neighbours one and three columns away.

        Robust (median) variances; edges and vessels hardly count. A scan almost without soft tissue gets a usual noise.
        """
        soft = (scan > _SOFT_HU[0]) & (scan < _SOFT_HU[1])
        inner = soft[:, :, 4:] & soft[:, :, :-4]
        for step in (1, 2, 3):
            inner = inner & soft[:, :, step : step - 4]
        if np.count_nonzero(inner) < _LEAST_PAIRS:
            return cls(*_USUAL)
        start = scan[:, :, :-4][inner].astype(np.float32)
        near, far = (_variance(scan[:, :, step : step - 4][inner] - start) for step in (1, 3))
        return cls(float(np.sqrt(max(far, 1.0) / 2)), float(np.clip(1 - near / max(far, 1.0), 0, 0.9)))

    def make(self, rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """One slice of noise (y, x) in HU."""
        white = rng.standard_normal(shape, dtype=np.float32)
        if self.correlation < 0.02:
            return white * np.float32(self.hu)
        # A Gaussian of s pixels makes white noise correlated by exp(-1 / 4 s²) over one pixel.
        sigma = float(np.sqrt(-1 / (4 * np.log(self.correlation))))
        if sigma < 0.3:  # Too narrow for a sampled Gaussian: the noise stays white.
            return white * np.float32(self.hu)
        smooth = np.asarray(cv2.GaussianBlur(white, (0, 0), sigma), np.float32)
        return smooth * np.float32(self.hu / max(float(smooth.std()), 1e-6))


def _variance(differences: npt.NDArray[np.float32]) -> float:
    return float((1.4826 * np.median(np.abs(differences))) ** 2)
