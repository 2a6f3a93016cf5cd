"""Lesions as fields: irregular patches of ground-glass and consolidation that follow the pleura.

Each lesion is a distance field (near its centre, near the pleura) plus smooth noise, cut at the level where it has
exactly its planned volume inside the lung. Fields live on a grid with pixels of at least 2.2 mm and are
enlarged per slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.phantom.anatomy import Chest
from napari_lesionseg.volumes.phantom.fields import Plane, SmoothField
from napari_lesionseg.volumes.phantom.lesion_plan import LesionPlan, PlannedLesion, draw_plan
from napari_lesionseg.volumes.phantom.tissue import LesionSlice

_PIXEL_MM = 2.2
_LEAST_LUNG_CM2 = 12.0

Stack = npt.NDArray[np.float32]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class _Habit:
    """What one patient's lesions have in common."""

    peripheral_mm: float
    posterior: float
    ground_hu: float
    solid: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Habit:
        return cls(rng.uniform(8, 30), rng.uniform(0.3, 2.5), rng.uniform(-620, -380), rng.beta(0.7, 1.4))


class Lesions:
    """All lesions of a patient on a coarse grid: ``fraction`` and ``hu``, (slices, rows, columns)."""

    def __init__(
        self,
        rng: np.random.Generator,
        chest: Chest,
        heights: npt.NDArray[np.float64],
        plane: Plane,
        quantile: float,
    ) -> None:
        self._plane = plane.coarser(_PIXEL_MM)
        self._heights = heights
        self._slice_mm = float(heights[1] - heights[0])
        self._lung, self._depth, self._back = self._measure(chest)
        self.plan = self._plan(rng, quantile)
        self.fraction: Stack = np.zeros(self._lung.shape, np.float32)
        self.hu: Stack = np.full(self._lung.shape, -600, np.float32)
        if self.plan.lesions:
            self._noise = self._make_noise(rng)
            habit = _Habit.draw(rng)
            for lesion in self.plan.lesions:
                self._add(rng, lesion, habit)
            self._keep_to_plan(rng)

    def at(self, index: int, plane: Plane) -> LesionSlice | None:
        """Enlarge slice ``index`` to ``plane``; None where no lesion is near."""
        if not self.fraction[index].any():
            return None
        size = (plane.shape[1], plane.shape[0])
        fraction, hu = (
            cv2.resize(stack[index], size, interpolation=cv2.INTER_LINEAR) for stack in (self.fraction, self.hu)
        )
        return LesionSlice(np.asarray(fraction, np.float32), np.asarray(hu, np.float32))

    def _measure(self, chest: Chest) -> tuple[npt.NDArray[np.bool_], Stack, Stack]:
        """Lung, depth below the rib cage in mm and position towards the back (0–1) on the coarse grid."""
        sections = [chest.section(float(z), self._plane) for z in self._heights]
        lung = np.stack([np.maximum(section.lung, section.dome + self._slice_mm / 2) < -1.0 for section in sections])
        depth = np.stack([np.maximum(-section.cavity, 0) for section in sections])
        back = np.stack([np.clip(0.5 + section.y / (2 * chest.build.depth), 0, 1) for section in sections])
        return lung, depth.astype(np.float32), back.astype(np.float32)

    def _plan(self, rng: np.random.Generator, quantile: float) -> LesionPlan:
        cm2 = self._lung.sum(axis=(1, 2)) * self._plane.pixel_mm**2 / 100
        return draw_plan(rng, cm2 >= _LEAST_LUNG_CM2, self._slice_mm, quantile)

    def _make_noise(self, rng: np.random.Generator) -> Stack:
        side = max(self._plane.shape) * self._plane.pixel_mm
        span = (float(self._heights[0]), float(self._heights[-1]))
        rough, fine = SmoothField(rng, 16.0, *span, side), SmoothField(rng, 7.0, *span, side)
        return np.stack(
            [0.8 * rough.at(float(z), self._plane) + 0.45 * fine.at(float(z), self._plane) for z in self._heights]
        )

    def _add(self, rng: np.random.Generator, lesion: PlannedLesion, habit: _Habit) -> None:
        """Grow one lesion to its volume and lay it over the others."""
        radius = 10 * (3 * lesion.ml / (4 * np.pi)) ** (1 / 3)
        half_mm = (lesion.half + 0.5) * self._slice_mm
        wide = float(np.clip(np.sqrt(radius**3 / half_mm), 0.7 * radius, 2.5 * radius))
        centre = self._centre(rng, lesion, habit)
        box = self._box(centre, half_mm, 4.0 * wide)
        lung = self._lung[box] & self.plan.slices[box[0], None, None]
        count = min(max(round(lesion.ml * 1000 / (self._plane.pixel_mm**2 * self._slice_mm)), 2), int(0.4 * lung.sum()))
        if count < 1:
            return
        field = self._field(rng, box, centre, (half_mm, wide))
        level = np.partition(field[lung], -count)[-count]
        soft = np.float32(rng.uniform(1.5, 5.0) / max(wide, 4.0))
        fraction = np.clip(0.5 + (field - level) / (2 * soft), 0, 1).astype(np.float32)
        self._lay(box, fraction, self._hounsfield(rng, field - level, habit))

    def _centre(self, rng: np.random.Generator, lesion: PlannedLesion, habit: _Habit) -> tuple[int, int, int]:
        allowed = np.flatnonzero(self.plan.slices)
        z = int(allowed[np.argmin(np.abs(allowed - lesion.middle))])
        weight = (
            self._lung[z] * np.exp(-self._depth[z] / habit.peripheral_mm) * (0.15 + self._back[z]) ** habit.posterior
        )
        total = np.cumsum(weight.ravel())
        spot = int(np.searchsorted(total, rng.random() * total[-1]))
        return z, spot // weight.shape[1], spot % weight.shape[1]

    def _box(self, centre: tuple[int, int, int], half_mm: float, wide_mm: float) -> Box:
        reach = (
            half_mm * 1.6 / self._slice_mm + 1,
            wide_mm / self._plane.pixel_mm + 2,
            wide_mm / self._plane.pixel_mm + 2,
        )
        low = [max(0, int(c - r)) for c, r in zip(centre, reach, strict=True)]
        high = [min(n, int(c + r) + 1) for c, r, n in zip(centre, reach, self._lung.shape, strict=True)]
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])

    def _field(
        self,
        rng: np.random.Generator,
        box: Box,
        centre: tuple[int, int, int],
        reach: tuple[float, float],
    ) -> Stack:
        """Field of one lesion: 1 in its middle, falling by 1 over its reach, roughened by noise."""
        z, y, x = np.ogrid[box]
        half_mm, wide = reach
        turn, flat = rng.uniform(0, np.pi), rng.lognormal(0, 0.25)
        dx, dy = (x - centre[2]) * self._plane.pixel_mm / wide, (y - centre[1]) * self._plane.pixel_mm / wide
        along = (dx * np.cos(turn) + dy * np.sin(turn)) * flat
        across = (dy * np.cos(turn) - dx * np.sin(turn)) / flat
        rise = (z - centre[0]) * self._slice_mm / half_mm
        hug = rng.uniform(0, 0.9) if rng.random() < 0.65 else 0.0
        depth = (self._depth[box] - self._depth[centre]) / np.float32(0.7 * wide)
        distance = np.sqrt(along**2 + across**2 + 0.7 * rise**2 + hug * depth**2)
        return np.asarray(1 - distance + rng.uniform(0.15, 0.5) * self._noise[box], np.float32)

    def _hounsfield(self, rng: np.random.Generator, above: Stack, habit: _Habit) -> Stack:
        """Ground-glass, denser towards the middle, with a consolidated core in some lesions."""
        ground = float(np.clip(habit.ground_hu + rng.normal(0, 70), -700, -300))
        hu = np.float32(ground) + np.clip(above, 0, 1) * np.float32(rng.uniform(0, 150))
        if rng.random() < habit.solid:
            core = np.clip((above - np.float32(rng.uniform(0, 0.4))) / np.float32(0.25), 0, 1)
            hu += (np.float32(rng.uniform(-100, 50)) - hu) * core
        return hu

    def _lay(self, box: Box, fraction: Stack, hu: Stack) -> None:
        before = self.fraction[box]
        self.hu[box] = np.where(fraction > before, hu, self.hu[box])
        self.fraction[box] = np.maximum(before, fraction)

    def _keep_to_plan(self, rng: np.random.Generator) -> None:
        """Fade lesions out beyond the planned slices, and put a small one where a planned slice stayed empty."""
        for index, wanted in enumerate(self.plan.slices):
            if not wanted:
                near = self.plan.slices[max(0, index - 1) : index + 2].any() and self._slice_mm > 2.5
                np.minimum(self.fraction[index] * np.float32(0.2 * near), np.float32(0.15), out=self.fraction[index])
            else:
                self._fill(rng, index)

    def _fill(self, rng: np.random.Generator, index: int) -> None:
        lung = cv2.erode(self._lung[index].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        if np.count_nonzero((self.fraction[index] >= 0.55) & lung) >= 4:
            return
        weight = np.where(lung, 1e-3 + self.fraction[index] + self.fraction[max(0, index - 1)], 0)
        row, column = np.unravel_index(int(np.argmax(weight + 1e-4 * rng.random(weight.shape))), weight.shape)
        y, x = np.ogrid[: lung.shape[0], : lung.shape[1]]
        radius = max(rng.uniform(3.5, 6.0), 1.6 * self._plane.pixel_mm)
        distance = np.hypot(y - row, x - column) * self._plane.pixel_mm
        blob = np.clip(0.5 + (radius - distance) / 3, 0, 1).astype(np.float32)
        self.fraction[index] = np.maximum(self.fraction[index], blob)
