"""Scanners: spacing, reconstruction kernel and noise of a generated scan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import scipy.fft

from napari_lesionseg.volumes.phantom.fields import Image

Kernel = Literal["soft", "sharp"]
_SLICES_MM = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
_BLUR_MM = {"soft": 0.60, "sharp": 0.35}
_CUTOFF_PER_MM = {"soft": 0.42, "sharp": 0.85}


@dataclass(frozen=True)
class Scanner:
    """How a patient is scanned.

    Parameters
    ----------
    pixel_mm
        In-plane spacing at 512 columns; smaller pictures keep the field of view.
    slice_mm
        Distance and thickness of the slices.
    noise_hu
        Standard deviation of the noise in the middle of the body at 512 columns.
    kernel
        Reconstruction kernel; it colours the noise and sets the blur.
    padded
        Whether everything outside the round field of view is −1024 HU.
    """

    pixel_mm: float = 0.75
    slice_mm: float = 5.0
    noise_hu: float = 25.0
    kernel: Kernel = "soft"
    padded: bool = False

    @classmethod
    def draw(cls, rng: np.random.Generator, slices: int) -> Scanner:
        """Draw a scanner whose ``slices`` cover a chest as nearly as 1–8 mm slices can."""
        wanted = rng.uniform(200, 380) / slices
        slice_mm = min(_SLICES_MM, key=lambda mm: abs(np.log(mm / wanted)))
        kernel: Kernel = "sharp" if rng.random() < 0.4 else "soft"
        low, high = (30.0, 75.0) if kernel == "sharp" else (10.0, 32.0)
        noise = rng.uniform(low, high) * (2.5 / max(slice_mm, 1.0)) ** 0.3
        return cls(round(rng.uniform(0.6, 0.9), 3), slice_mm, round(noise, 1), kernel, bool(rng.random() < 0.4))

    def blur(self, image: Image, pixel_mm: float) -> Image:
        """Apply the kernel's point spread; the sharp one also enhances edges a little."""
        sigma = float(np.hypot(_BLUR_MM[self.kernel] / pixel_mm, 0.25))
        soft = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
        if self.kernel == "soft":
            return soft
        return soft + np.float32(0.35) * (
            soft - np.asarray(cv2.GaussianBlur(soft, (0, 0), 1.6 * sigma + 0.4), np.float32)
        )

    def noise(self, rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float) -> Image:
        """Make one slice of noise, coloured by the kernel; large pixels average some of ``noise_hu`` away."""
        white = rng.standard_normal(shape, dtype=np.float32)
        rows, columns = (scipy.fft.next_fast_len(n, real=True) for n in shape)
        response = _response(rows, columns, pixel_mm, _CUTOFF_PER_MM[self.kernel])
        coloured = scipy.fft.irfft2(scipy.fft.rfft2(white, (rows, columns)) * response, (rows, columns))
        scale = self.noise_hu * (self.pixel_mm / pixel_mm) ** 0.5
        return np.asarray(coloured[: shape[0], : shape[1]] * np.float32(scale), np.float32)


@lru_cache(maxsize=4)
def _response(rows: int, columns: int, pixel_mm: float, cutoff: float) -> Image:
    """Amplitude of filtered back-projection noise (a ramp under a Gaussian roll-off), scaled to keep unit variance."""
    fy = np.fft.fftfreq(rows, pixel_mm)[:, None]
    fx = np.fft.rfftfreq(columns, pixel_mm)[None, :]
    frequency = np.hypot(fy, fx)
    response = np.sqrt(frequency + 0.02) * np.exp(-0.5 * (frequency / cutoff) ** 2)
    weight = np.where((np.arange(response.shape[1]) == 0) | (2 * np.arange(response.shape[1]) == columns), 1.0, 2.0)
    power = float((response**2 * weight).sum() / (rows * columns))
    return np.asarray(response / np.sqrt(power), np.float32)
