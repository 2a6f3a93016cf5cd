"""The chest as formulas: body wall, lungs, mediastinum and diaphragm at any height, in mm.

Heights are in mm above the lowest tip of the lungs; x runs to the patient's left, y to posterior. Every surface is a
signed distance (negative inside), bent by smooth random fields so that no two patients are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lesionseg.volumes.phantom.fields import Image, Plane, SmoothField, cover, ellipse, smooth_max, smooth_min

_HEIGHT = (-0.3, -0.1, 0.0, 0.12, 0.30, 0.50, 0.65, 0.78, 0.88, 0.95, 1.0, 1.1)
_WIDTH = (0.93, 0.95, 0.97, 1.0, 1.0, 0.96, 0.88, 0.75, 0.60, 0.47, 0.37, 0.25)
_DEPTH = (0.88, 0.92, 0.95, 0.98, 1.0, 0.97, 0.88, 0.73, 0.56, 0.42, 0.30, 0.2)
_SHIFT = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 4.0, 9.0, 14.0, 17.0, 19.0, 20.0)
_MIDDLE = (22.0, 22.0, 20.0, 17.0, 14.0, 14.0, 16.0, 19.0, 22.0, 27.0, 38.0, 60.0)
_FRONT = (9.0, 9.0, 8.0, 6.0, 4.0, 3.0, 5.0, 10.0, 19.0, 26.0, 38.0, 60.0)
_SHOULDER = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.02, 1.07, 1.13, 1.17, 1.17, 1.1)
_SHALLOW = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.98, 0.93, 0.86, 0.80, 0.76, 0.68)


@dataclass(frozen=True)
class Build:
    """Measures of one patient, in mm where not said otherwise."""

    height: float
    width: float
    depth: float
    wall_front: float
    wall_side: float
    wall_back: float
    fat: float
    breast: float
    heart: float
    dome_right: float
    dome_left: float
    contrast_hu: float

    @classmethod
    def draw(cls, rng: np.random.Generator, field_mm: float) -> Build:
        """Draw a patient who fits a field of view ``field_mm`` wide."""
        half_body = float(np.clip(field_mm * rng.uniform(0.40, 0.475), 125, 205))
        fat = rng.uniform(4, 22)
        side = rng.uniform(17, 24) + fat * 0.8
        width = float(np.clip(half_body - side, 95, 155))
        return cls(
            height=rng.uniform(215, 265),
            width=width,
            depth=width * rng.uniform(0.68, 0.84),
            wall_front=rng.uniform(16, 24) + fat * 0.9,
            wall_side=side,
            wall_back=rng.uniform(30, 40) + fat * 0.6,
            fat=fat,
            breast=rng.uniform(12, 40) if rng.random() < 0.5 else 0.0,
            heart=rng.uniform(0.85, 1.12),
            dome_right=rng.uniform(0.22, 0.38),
            dome_left=rng.uniform(0.18, 0.32),
            contrast_hu=rng.uniform(120, 260) if rng.random() < 0.3 else 0.0,
        )


@dataclass(frozen=True, eq=False)
class Section:
    """What one height of the chest looks like: signed distances in mm, (rows, columns)."""

    z: float
    x: Image
    y: Image
    cavity: Image
    heart: Image
    mediastinum: Image
    dome: Image
    lung: Image

    def lung_cover(self, pixel_mm: float, slice_mm: float) -> Image:
        """Fraction of each voxel that is lung; the diaphragm is blurred over the slice and a breath."""
        inside = cover(smooth_max(self.cavity, -self.mediastinum, 6.0), pixel_mm)
        return inside * cover(self.dome, 0.8 * slice_mm + 1.5)


class Chest:
    """A patient: a build and the random fields that bend it."""

    def __init__(self, rng: np.random.Generator, field_mm: float, low_mm: float, high_mm: float) -> None:
        self.build = Build.draw(rng, field_mm)
        side = field_mm * 1.1
        self._bend_x = SmoothField(rng, 45.0, low_mm, high_mm, side)
        self._bend_y = SmoothField(rng, 45.0, low_mm, high_mm, side)

    def along(self, table: tuple[float, ...], z: float) -> float:
        """Read a profile table at height ``z``."""
        return float(np.interp(z / self.build.height, _HEIGHT, table))

    def cavity_shape(self, z: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Centre and half axes (x, y) of the rib cage's inner side at ``z``."""
        build = self.build
        return (0.0, self.along(_SHIFT, z)), (build.width * self.along(_WIDTH, z), build.depth * self.along(_DEPTH, z))

    @property
    def spine_y(self) -> float:
        """Where the middle of the vertebral bodies lies."""
        return self.build.depth * 0.97 - 19.0

    def body(self, z: float, plane: Plane) -> Image:
        """Signed distance to the skin."""
        build = self.build
        front, back = build.depth + build.wall_front, build.depth + build.wall_back
        shallow = self.along(_SHALLOW, z)
        half_width = (build.width + build.wall_side) * self.along(_SHOULDER, z)
        x = plane.x + np.float32(3) * self._bend_x.at(z, plane)
        y = plane.y + np.float32(3) * self._bend_y.at(z, plane)
        middle = back - (front + back) / 2 * shallow
        skin = ellipse(x, y, (0.0, middle), (half_width, (front + back) / 2 * shallow), 0.35)
        bulge = max(0.0, 1 - ((z / build.height - 0.42) / 0.32) ** 2) ** 0.5
        if build.breast * bulge > 1:
            for side in (-1, 1):
                centre = (side * build.width * 0.52, -front * 0.55)
                size = (build.width * 0.44 * bulge, (front * 0.40 + build.breast) * bulge)
                skin = smooth_min(skin, ellipse(x, y, centre, size), 15.0)
        return smooth_max(skin, np.broadcast_to(plane.y - np.float32(back - 5), skin.shape), 18.0)

    def section(self, z: float, plane: Plane) -> Section:
        """Evaluate the inner surfaces at height ``z`` on ``plane``."""
        x = plane.x + np.float32(4) * self._bend_x.at(z, plane)
        y = plane.y + np.float32(4) * self._bend_y.at(z, plane)
        centre, radii = self.cavity_shape(z)
        cavity = ellipse(x, y, centre, radii, 0.28)
        heart = self._heart(x, y, z)
        mediastinum = self._mediastinum(x, y, z, heart)
        dome = self._dome(x, y) - np.float32(z)
        lung = smooth_max(smooth_max(cavity, -mediastinum, 6.0), dome * np.float32(0.8), 4.0)
        return Section(z, x, y, cavity, heart, mediastinum, dome, lung)

    def _heart(self, x: Image, y: Image, z: float) -> Image:
        build = self.build
        scale = build.heart * build.width / 130
        rise = (z - 0.27 * build.height) / (0.27 * build.height)
        level = np.sqrt(max(0.0, 1 - rise**2)) if abs(rise) < 1 else 0.0
        if level < 0.05:
            return np.full(np.broadcast_shapes(x.shape, y.shape), 500, np.float32)
        cx, cy = 20 * scale - 10 * rise, -0.30 * build.depth
        along, across = (x - cx) * 0.85 - (y - cy) * 0.53, (x - cx) * 0.53 + (y - cy) * 0.85
        return ellipse(along, across, (0.0, 0.0), (62 * scale * level, 46 * scale * level), 0.2)

    def _mediastinum(self, x: Image, y: Image, z: float, heart: Image) -> Image:
        build, spine = self.build, self.spine_y
        scale = build.width / 130
        middle = ellipse(x, y, (0.0, spine - 45), (self.along(_MIDDLE, z) * scale + 4, 46.0 * scale))
        backbone = ellipse(x, y, (0.0, spine + 8), (23.0, 30.0), 0.4)
        aorta = ellipse(x, y, (21.0, spine - 22), (15.0, 14.0))
        joined = smooth_min(smooth_min(middle, backbone, 8.0), aorta, 6.0)
        front = ellipse(x, y, (3.0, -0.65 * build.depth), (4.0 + self.along(_FRONT, z), 0.75 * build.depth))
        joined = smooth_min(joined, front, 8.0)
        level = 1 - ((z / build.height - 0.56) / 0.22) ** 2
        if level > 0.02:
            size = np.sqrt(level)
            vessels = ellipse(x, y, (3.0, -0.22 * build.depth), (40 * scale * size, 0.47 * build.depth * size))
            joined = smooth_min(joined, vessels, 8.0)
        hilum = 1 - ((z / build.height - 0.50) / 0.11) ** 2
        if hilum > 0.02:
            for side in (-1, 1):
                root = ellipse(x, y, (side * 42.0 * scale, 0.05 * build.depth), (15 * hilum**0.5, 19 * hilum**0.5))
                joined = smooth_min(joined, root, 10.0)
        return smooth_min(joined, heart, 6.0)

    def _dome(self, x: Image, y: Image) -> Image:
        """Height of the diaphragm in mm: two domes, lowest at the ribs."""
        build = self.build
        right = self._one_dome(x, y, -0.48 * build.width, build.dome_right)
        left = self._one_dome(x, y, 0.50 * build.width, build.dome_left)
        return np.where(x < 0, right, left).astype(np.float32)

    def _one_dome(self, x: Image, y: Image, centre: float, rise: float) -> Image:
        build = self.build
        u = (x - np.float32(centre)) / np.float32(0.62 * build.width)
        v = (y + np.float32(0.18 * build.depth)) / np.float32(1.08 * build.depth)
        return np.maximum((1 - u * u - v * v) * np.float32(rise * build.height), np.float32(-40)) + np.float32(2)
