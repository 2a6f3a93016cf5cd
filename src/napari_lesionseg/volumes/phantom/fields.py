"""Grids in mm, smooth random fields and signed distances: the drawing tools of the phantom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plane:
    """One axial slice's pixels, centred on the patient.

    Parameters
    ----------
    shape
        Rows and columns.
    pixel_mm
        Side of one square pixel in mm.
    centre_mm
        Patient position (x to the left, y to posterior) of the middle of the plane.
    """

    shape: tuple[int, int]
    pixel_mm: float
    centre_mm: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def x(self) -> Image:
        """Positions to the patient's left in mm, shape (1, columns)."""
        return self._axis(self.shape[1], self.centre_mm[0])[None, :]

    @cached_property
    def y(self) -> Image:
        """Positions to posterior in mm, shape (rows, 1)."""
        return self._axis(self.shape[0], self.centre_mm[1])[:, None]

    def _axis(self, n: int, centre: float) -> Image:
        return ((np.arange(n) - (n - 1) / 2) * self.pixel_mm + centre).astype(np.float32)

    def coarser(self, pixel_mm: float) -> Plane:
        """Cover the same area with pixels of at least ``pixel_mm``."""
        if pixel_mm <= self.pixel_mm:
            return self
        factor = pixel_mm / self.pixel_mm
        rows, columns = (max(8, round(n / factor)) for n in self.shape)
        return Plane((rows, columns), self.pixel_mm * self.shape[1] / columns, self.centre_mm)

    def to_pixels(self, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Turn (n, 2) positions (x, y) in mm into fractional (column, row)."""
        middle = (np.array(self.shape[::-1]) - 1) / 2
        return np.asarray((points_mm - np.array(self.centre_mm)) / self.pixel_mm + middle)


class SmoothField:
    """A random field with unit variance that is smooth over ``cell_mm``, fixed in the patient.

    Values are drawn on a coarse grid and interpolated, so that every slice costs one small resize.
    """

    def __init__(self, rng: np.random.Generator, cell_mm: float, low_mm: float, high_mm: float, side_mm: float) -> None:
        self._cell, self._low, self._side = cell_mm, low_mm, side_mm
        cells = int(np.ceil(side_mm / cell_mm)) + 3
        planes = int(np.ceil((high_mm - low_mm) / cell_mm)) + 3
        self._values = rng.standard_normal((planes, cells, cells), dtype=np.float32)

    def at(self, z_mm: float, plane: Plane) -> Image:
        """Sample the field on ``plane`` at height ``z_mm``; (rows, columns), mean 0, variance near 1."""
        position = np.clip((z_mm - self._low) / self._cell + 1, 0, len(self._values) - 1.001)
        index, share = int(position), float(position % 1)
        coarse = (self._values[index] * (1 - share) + self._values[index + 1] * share) / np.hypot(1 - share, share)
        rows, columns = plane.shape
        scale = plane.pixel_mm / self._cell
        shift = ((np.array(plane.centre_mm) + self._side / 2) / self._cell + 1) - scale * (
            np.array([columns, rows]) - 1
        ) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float64)
        return np.asarray(
            cv2.warpAffine(
                coarse.astype(np.float32),
                matrix,
                (columns, rows),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT,
            ),
            np.float32,
        )


def ellipse(x: Image, y: Image, centre: tuple[float, float], radii: tuple[float, float], square: float = 0.0) -> Image:
    """Approximate the signed distance in mm to an ellipse, negative inside; ``square`` (0–1) fills its corners."""
    a, b = max(radii[0], 0.5), max(radii[1], 0.5)
    u, v = (x - np.float32(centre[0])) / np.float32(a), (y - np.float32(centre[1])) / np.float32(b)
    u, v = u * u, v * v
    radius = np.sqrt(u + v)
    if square:
        radius += np.float32(square) * (np.sqrt(np.sqrt(u * u + v * v)) - radius)
    return (radius - np.float32(1)) * np.float32(np.sqrt(a * b))


def smooth_min(first: Image, second: Image, blend_mm: float) -> Image:
    """Unite two signed distances with a rounded joint ``blend_mm`` wide."""
    share = np.clip(0.5 + (second - first) / np.float32(2 * blend_mm), 0, 1)
    joined: Image = second + (first - second) * share - np.float32(blend_mm) * share * (1 - share)
    return joined


def smooth_max(first: Image, second: Image, blend_mm: float) -> Image:
    """Intersect two signed distances with a rounded joint ``blend_mm`` wide."""
    return -smooth_min(-first, -second, blend_mm)


def cover(distance: Image, edge_mm: float) -> Image:
    """Turn a signed distance into the covered fraction of a pixel, from 1 inside to 0 outside."""
    covered: Image = np.clip(np.float32(0.5) - distance / np.float32(edge_mm), 0, 1)
    return covered
