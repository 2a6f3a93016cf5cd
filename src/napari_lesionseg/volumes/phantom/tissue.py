"""Hounsfield units of one slice before blur and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lesionseg.volumes.phantom.anatomy import Chest, Section
from napari_lesionseg.volumes.phantom.canvas import Canvas
from napari_lesionseg.volumes.phantom.fields import Image, Plane, SmoothField, cover, ellipse
from napari_lesionseg.volumes.phantom.lung_trees import grow_lung_trees
from napari_lesionseg.volumes.phantom.skeleton import Skeleton

AIR_HU, FAT_HU, MUSCLE_HU, BLOOD_HU, LIVER_HU, CORTEX_HU = -1000.0, -105.0, 50.0, 40.0, 58.0, 1000.0


@dataclass(frozen=True, eq=False)
class LesionSlice:
    """Lesions of one slice: the fraction of each voxel that is lesion, and the lesion's HU."""

    fraction: Image
    hu: Image


class Tissue:
    """A patient in Hounsfield units."""

    def __init__(self, rng: np.random.Generator, chest: Chest, field_mm: float, span_mm: tuple[float, float]) -> None:
        self._chest = chest
        self._trees = grow_lung_trees(rng, chest, field_mm)
        self._walls = self._trees.airways.thicker(0.55, 0.12)
        self._skeleton = Skeleton(rng, chest)
        side = field_mm * 1.1
        self._fine = SmoothField(rng, 3.2, *span_mm, side)
        self._middle = SmoothField(rng, 11.0, *span_mm, side)
        self._coarse = SmoothField(rng, 40.0, *span_mm, side)
        self._lung_hu = rng.uniform(-890, -835)
        self._gravity_hu = rng.uniform(15, 35)
        self._dependent_hu = rng.uniform(40, 330) if rng.random() < 0.6 else 0.0
        self._dependent_mm = rng.uniform(3.0, 7.0)
        self._fissures = rng.uniform(0.38, 0.52, 2)
        self._gas = rng.random() < 0.5
        self._table_mm = (rng.uniform(2, 6), rng.uniform(18, 40), rng.uniform(0.0004, 0.0011))
        self._motion_mm = rng.uniform(0.0, 4.0)

    def slice(self, z: float, slice_mm: float, plane: Plane, lesion: LesionSlice | None) -> tuple[Image, Image]:
        """Compose the slice at height ``z``; return HU and the covered fraction of lung, both (rows, columns)."""
        section = self._chest.section(z, plane)
        lung = section.lung_cover(plane.pixel_mm, slice_mm)
        skin = self._chest.body(z, plane)
        lung = lung * cover(skin + np.float32(12), 4.0)
        hu = self._outside(plane)
        body = cover(skin, plane.pixel_mm)
        hu += (self._soft(section, skin, plane) - hu) * body
        bone = self._skeleton.draw(z, slice_mm, plane) * body
        hu += bone * np.float32(CORTEX_HU)
        hu += (self._parenchyma(section, slice_mm, plane, lesion, lung) - hu) * lung
        self._draw_airways(hu, z, slice_mm, plane, lung)
        return self._move(hu, section, lung, plane), lung

    def _outside(self, plane: Plane) -> Image:
        """Air and the table: two thin sheets round a light core."""
        gap, thick, bend = self._table_mm
        build = self._chest.build
        depth = plane.y - np.float32(build.depth + build.wall_back - 5 + gap) + np.float32(bend) * plane.x**2
        wide = cover(np.abs(plane.x) - np.float32(215), 3.0)
        hu = np.full(plane.shape, AIR_HU, np.float32)
        hu += cover(np.abs(depth - np.float32(thick / 2)) - np.float32(thick / 2), plane.pixel_mm) * wide * 90
        for sheet, strength in ((0.0, 620.0), (thick, 760.0)):
            line = cover(np.abs(depth - np.float32(sheet)) - np.float32(0.8), plane.pixel_mm)
            hu += np.minimum(line, np.float32(1.6 / plane.pixel_mm)) * wide * np.float32(strength)
        return hu

    def _soft(self, section: Section, skin: Image, plane: Plane) -> Image:
        """Everything inside the skin but bone and lung."""
        build = self._chest.build
        texture, streaks = self._middle.at(section.z, plane), self._coarse.at(section.z, plane)
        muscle = cover(skin + np.float32(build.fat + 2) + 3 * streaks, 3.0)
        layer = np.float32(9) + 5 * streaks + np.float32(6) * np.clip(plane.y / np.float32(build.depth), -0.5, 1)
        muscle = muscle * (
            1 - np.float32(0.45) * cover(np.abs(streaks + np.float32(0.35) * texture) - np.float32(0.1), 0.12)
        )
        for place in (1.0, 2.3):
            muscle = muscle * (1 - np.float32(0.7) * cover(np.abs(section.cavity - layer * np.float32(place)), 2.5))
        hu = np.float32(FAT_HU) + 8 * texture
        hu += (np.float32(MUSCLE_HU) + 6 * streaks - hu) * muscle
        hu += cover(np.abs(skin + np.float32(1.2)) - np.float32(0.8), plane.pixel_mm) * np.float32(110)
        hu += (self._inside(section, streaks, texture) - hu) * cover(section.cavity + np.float32(1), 2.0)
        return hu

    def _inside(self, section: Section, streaks: Image, texture: Image) -> Image:
        """Mediastinum and upper abdomen inside the rib cage."""
        build, x, y = self._chest.build, section.x, section.y
        blood, spine = BLOOD_HU + build.contrast_hu, self._chest.spine_y
        hu = np.float32(-35) + 55 * np.clip(streaks + texture * np.float32(0.5), -1, 1)
        for centre, radius in (
            ((21.0, spine - 22), 12.5),
            ((-14.0, -0.25 * build.depth), 15.0),
            ((-27.0, -0.1 * build.depth), 9.0),
        ):
            hu += (np.float32(blood) - hu) * cover(ellipse(x, y, centre, (radius, radius)), 2.0)
        hu += (np.float32(blood * 0.9 + 5) - hu) * cover(section.heart, 3.0)
        hu += (np.float32(MUSCLE_HU) - hu) * cover(ellipse(x, y, (0.0, spine + 6), (30.0, 26.0)), 4.0)
        organ = np.float32(LIVER_HU + 0.25 * build.contrast_hu) - 12 * (x > 10) + 4 * texture
        hu += (organ - hu) * np.clip(section.dome / 6, 0, 1)
        if self._gas:
            bubble = ellipse(x, y, (0.5 * build.width, -0.35 * build.depth), (26.0, 16.0)) + np.abs(
                np.float32(section.z - 12)
            )
            hu += (np.float32(AIR_HU + 20) - hu) * cover(bubble, 3.0)
        return hu

    def _parenchyma(
        self, section: Section, slice_mm: float, plane: Plane, lesion: LesionSlice | None, lung: Image
    ) -> Image:
        """Aerated lung, fissures, lesions and the vessels that run through all of them."""
        build = self._chest.build
        fine, middle = self._fine.at(section.z, plane), self._middle.at(section.z, plane)
        thin = np.float32(1 / (1 + 0.12 * slice_mm))
        hu = np.float32(self._lung_hu) + np.float32(self._gravity_hu / build.depth) * section.y
        hu = hu + 34 * thin * fine + 20 * middle + 8 * self._coarse.at(section.z, plane)
        if self._dependent_hu:
            behind = np.clip(section.y / np.float32(0.6 * build.depth), 0, 1) ** 2
            depth = np.maximum(-section.cavity - 2 * middle, 0)
            hu += np.float32(self._dependent_hu) * behind * np.exp(-depth / np.float32(self._dependent_mm))
        hu += self._fissure(section, middle, slice_mm)
        if lesion is not None:
            hu += (lesion.hu + 45 * fine * thin + 30 * middle - hu) * lesion.fraction
        canvas = Canvas(plane)
        self._trees.vessels.draw(canvas, section.z, slice_mm)
        return hu + (np.float32(BLOOD_HU + 0.8 * build.contrast_hu) - hu) * canvas.image()

    def _fissure(self, section: Section, middle: Image, slice_mm: float) -> Image:
        """Oblique fissures: thin in thin slices, broad and faint in thick ones."""
        build = self._chest.build
        level = np.where(section.x < 0, *(np.float32(share * build.height) for share in self._fissures))
        slope = np.float32(0.40 * build.height / build.depth)
        gap = np.abs((level + slope * section.y - np.float32(section.z)) / slope + np.float32(1.2) * middle)
        wide = np.float32(0.7 + 0.45 * slice_mm / float(slope))
        line: Image = np.float32(150 / (0.6 + wide)) * np.maximum(1 - gap / wide, 0)
        return line

    def _draw_airways(self, hu: Image, z: float, slice_mm: float, plane: Plane, lung: Image) -> None:
        wall, lumen = Canvas(plane), Canvas(plane)
        self._walls.draw(wall, z, slice_mm)
        self._trees.airways.draw(lumen, z, slice_mm)
        hu += np.maximum(np.float32(-420) - hu, 0) * wall.image() * lung
        hu += (np.float32(AIR_HU + 10) - hu) * lumen.image()

    def _move(self, hu: Image, section: Section, lung: Image, plane: Plane) -> Image:
        """Double the edges near the beating heart and smear the lung above the diaphragm."""
        shift = round(self._motion_mm / plane.pixel_mm)
        if shift == 0:
            return hu
        near = np.exp(-np.maximum(section.heart, 0) / 10) + np.float32(0.6) * np.exp(-np.abs(section.dome) / 8)
        weight = np.float32(0.5) * np.clip(near, 0, 1) * lung
        return hu + (np.roll(hu, (shift // 2, shift), axis=(0, 1)) - hu) * weight
