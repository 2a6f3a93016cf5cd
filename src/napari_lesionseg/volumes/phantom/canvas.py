"""A finer picture to draw bones and vessels on, averaged down to the slice for partial volume."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.phantom.fields import Image, Plane

_SHIFT = 4  # drawing positions keep four binary places


class Canvas:
    """Grey drawing in mm over one plane; 0 is nothing, 1 fully covered."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._factor = max(1, round(512 / plane.shape[1]))
        rows, columns = plane.shape
        self._fine = np.zeros((rows * self._factor, columns * self._factor), np.uint8)
        self.pixel_mm = plane.pixel_mm / self._factor

    def _positions(self, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        fine = (self._plane.to_pixels(points_mm) + 0.5) * self._factor - 0.5
        return np.round(fine * (1 << _SHIFT)).astype(np.int32)

    def line(self, points_mm: npt.NDArray[np.float64], width_mm: float, amount: float = 1.0) -> None:
        """Draw a line through (n, 2) points (x, y); one thinner than a pixel is drawn fainter."""
        width = width_mm / self.pixel_mm
        grey = int(255 * min(1.0, amount * min(1.0, width)))
        shape = [self._positions(points_mm).reshape(-1, 1, 2)]
        cv2.polylines(self._fine, shape, False, grey, max(1, round(width)), cv2.LINE_AA, _SHIFT)

    def segments(
        self, ends_mm: npt.NDArray[np.float64], widths_mm: npt.NDArray[np.float64], amounts: npt.NDArray[np.float64]
    ) -> None:
        """Draw (n, 2, 2) segments in the order given, with a width in mm and an amount from 0 to 1 each."""
        widths = widths_mm / self.pixel_mm
        greys = (255 * np.minimum(1.0, amounts * np.minimum(1.0, widths))).astype(int).tolist()
        sizes = np.maximum(1, np.round(widths)).astype(int).tolist()
        positions = self._positions(ends_mm).tolist()
        for (start, end), size, grey in zip(positions, sizes, greys, strict=True):
            cv2.line(self._fine, start, end, grey, size, cv2.LINE_AA, _SHIFT)

    def fill(self, points_mm: npt.NDArray[np.float64], amount: float = 1.0) -> None:
        """Fill the polygon of (n, 2) points."""
        cv2.fillPoly(self._fine, [self._positions(points_mm).reshape(-1, 1, 2)], int(255 * amount), cv2.LINE_AA, _SHIFT)

    def image(self) -> Image:
        """Average down to the plane's own pixels, (rows, columns) from 0 to 1."""
        rows, columns = self._plane.shape
        small = cv2.resize(self._fine, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32) / np.float32(255)


def oval(centre: tuple[float, float], radii: tuple[float, float], points: int = 40) -> npt.NDArray[np.float64]:
    """Points (n, 2) on an ellipse, in mm."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)
