"""Bones: ribs that fall from the spine to the front, vertebrae, sternum, shoulder blades and collar bones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.phantom.anatomy import Chest
from napari_lesionseg.volumes.phantom.canvas import Canvas, oval
from napari_lesionseg.volumes.phantom.fields import Image, Plane

_TURN = np.linspace(0, np.pi, 60)  # from the spine (0) round the left side to the sternum (pi)


class Skeleton:
    """Bones of one patient; ``amount`` 1 is cortical bone of about 1000 HU, a third of it marrow."""

    def __init__(self, rng: np.random.Generator, chest: Chest) -> None:
        self._chest = chest
        self._rib_step = chest.build.height / 9.5 * rng.uniform(0.95, 1.05)
        self._rib_start = rng.uniform(-60, -35)
        self._drop = rng.uniform(65, 95)
        self._disc = rng.uniform(0, 25)
        self._blade = rng.uniform(0.62, 0.70)

    def draw(self, z: float, slice_mm: float, plane: Plane) -> Image:
        """Draw the bones in a slice ``slice_mm`` thick at height ``z``."""
        canvas = Canvas(plane)
        self._vertebra(canvas, z)
        self._sternum(canvas, z)
        self._shoulders(canvas, z)
        for side in (-1.0, 1.0):
            self._ribs(canvas, z, slice_mm, side)
        return canvas.image()

    def _ring(self, z: float, side: float, offset: float) -> npt.NDArray[np.float64]:
        """Points of the rib cage's contour, ``offset`` mm outside its inner face."""
        centre, radii = self._chest.cavity_shape(z)
        sine, cosine = np.sin(_TURN), np.cos(_TURN)
        x = side * (radii[0] + offset) * sine ** (2 / 2.3)
        y = centre[1] + (radii[1] + offset) * np.sign(cosine) * np.abs(cosine) ** (2 / 2.3)
        return np.stack([x, y], axis=1)

    def _ribs(self, canvas: Canvas, z: float, slice_mm: float, side: float) -> None:
        ring = self._ring(z, side, 6.5)
        fall = self._drop * (1 - np.cos(_TURN)) / 2
        for number in range(14):
            start = self._rib_start + number * self._rib_step
            drop = fall * (1.0 if number < 9 else 0.55)
            shown = (np.abs(start - drop - z) < 5.5 + slice_mm / 4) & (_TURN > 0.16) & (_TURN < 2.55)
            if np.count_nonzero(shown) > 1:
                points = ring[shown]
                canvas.line(points, 7.5, 0.72)
                canvas.line(points, 4.0, 0.34)

    def _vertebra(self, canvas: Canvas, z: float) -> None:
        y = self._chest.spine_y
        phase = ((z + self._disc) % 25) / 25
        disc = phase < 0.2
        canvas.fill(oval((0.0, y), (19.0, 15.5)), 0.10 if disc else 0.46)
        canvas.fill(oval((0.0, y), (17.2, 13.8)), 0.08 if disc else 0.24)
        if 0.1 < phase < 0.75:
            for side in (-1, 1):
                canvas.line(np.array([(side * 13.0, y + 10), (side * 12.0, y + 24)]), 6.0, 0.5)
                canvas.line(np.array([(side * 11.0, y + 25), (side * 33.0, y + 31)]), 7.0, 0.42)
        canvas.line(np.array([(-11.0, y + 27), (0.0, y + 34), (11.0, y + 27)]), 4.5, 0.5)
        canvas.line(np.array([(0.0, y + 34), (0.0, y + 44 + 8 * phase)]), 5.0, 0.45)

    def _sternum(self, canvas: Canvas, z: float) -> None:
        share = z / self._chest.build.height
        if 0.22 < share < 0.88:
            centre, radii = self._chest.cavity_shape(z)
            y = centre[1] - radii[1] - 8
            wide = 16.0 + 14.0 * max(0.0, share - 0.6)
            canvas.fill(oval((0.0, y), (wide, 6.5)), 0.5)
            canvas.fill(oval((0.0, y), (wide - 2, 4.5)), 0.2)

    def _shoulders(self, canvas: Canvas, z: float) -> None:
        share = z / self._chest.build.height
        for side in (-1.0, 1.0):
            if self._blade < share < 1.15:
                turn = 0.62 + 0.5 * (share - self._blade)
                ring = self._ring(z, side, 22 + 25 * max(0.0, share - 0.7))[np.abs(_TURN - turn - 0.375) < 0.375]
                canvas.line(ring, 6.0, 0.6)
                canvas.line(ring, 2.5, 0.35)
            if 0.9 < share < 1.06:
                shift = (share - 0.9) * 400
                bone = [(side * (22.0 + shift), -38.0), (side * (58.0 + shift), -30.0)]
                canvas.line(np.array(bone), 11.0, 0.6)
                canvas.line(np.array(bone), 6.0, 0.35)
