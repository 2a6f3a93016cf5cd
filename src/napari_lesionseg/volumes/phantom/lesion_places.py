"""Where in real lungs a lesion may lie: peripheral, posterior and basal places are liked best.

In COVID-19 lesions are mostly peripheral, posterior and in the lower lobes (Shi et al., Lancet Infect Dis 2020;20:425).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.phantom.lesion_shapes import LesionShape

_TRIES = 48
_WIDE_AIRWAY_MM = 3.5
_RIM_MM = 3.0
_RIM_HU = -250


@dataclass(frozen=True, eq=False)
class Place:
    """Where a shape goes: its middle (z, y, x) in voxels, and the matrix (3, 3) from offsets in mm to the shape's."""

    middle: npt.NDArray[np.float64]
    turn: npt.NDArray[np.float64]


class Lungs:
    """Paintable lung on a scan's grid.

    ``room`` are the flags (z, y, x) of what may be painted: the lungs and the partly filled voxels up to 3 mm beside
    them, which coarse lung masks leave out, but no trachea, no main bronchus and nothing that is joined to the chest
    wall or the mediastinum. ``median`` is the lung's HU, and ``air`` says from 0 to 255 whether a voxel is in the lumen
    of an airway.
    """

    def __init__(
        self, rng: np.random.Generator, scan: npt.NDArray[Any], lungs: npt.NDArray[np.bool_], mm: float
    ) -> None:
        inner = scan[lungs & (scan < -500)]
        self.median = float(np.median(inner)) if inner.size else -860.0
        self.room = lungs.copy()
        self.air = np.zeros(scan.shape, np.uint8)
        self._liking = np.zeros(scan.shape, np.float32)
        heights = np.flatnonzero(lungs.any(axis=(1, 2)))
        self._basal, self._posterior = rng.uniform(0.0, 1.2), rng.uniform(0.4, 2.0)
        self._peripheral_mm = rng.uniform(7, 25)
        for z in heights.tolist():
            self._look_at(z, scan[z].astype(np.float32), lungs[z], mm, (z - heights[0]) / max(np.ptp(heights), 1))
        self._per_slice = np.cumsum(self._liking.sum(axis=(1, 2), dtype=np.float64))

    def _look_at(self, z: int, hu: npt.NDArray[np.float32], lung: npt.NDArray[np.bool_], mm: float, up: float) -> None:
        smooth = cv2.GaussianBlur(hu, (0, 0), max(0.4, 0.8 / mm))
        emptier = (smooth - self.median) / (-1000 - self.median)
        air = np.clip((emptier - 0.5) / 0.35, 0, 1)
        self.air[z] = np.rint(255 * air)
        # Trachea and main bronchi with their walls, and what coarse masks close over of the mediastinum.
        beyond = _opened(air > 0.5, _WIDE_AIRWAY_MM / mm, 2.5 / mm) | _joined(smooth > _RIM_HU, ~lung)
        self.room[z] = (lung | (_grown(lung, _RIM_MM / mm) & (smooth < _RIM_HU))) & ~beyond
        edges, _ = cv2.findContours(lung.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        hull = np.zeros(lung.shape, np.uint8)
        cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(edges)), 1)
        depth = _distance(hull) * np.float32(mm)
        rows = np.flatnonzero(lung.any(axis=1))
        back = np.clip((np.arange(len(lung)) - rows[0]) / max(np.ptp(rows), 1), 0, 1)[:, None]
        liking = (0.06 + np.exp(-depth / self._peripheral_mm)) * (0.15 + back) ** self._posterior
        self._liking[z] = liking * (1.15 - up) ** self._basal * self.room[z]

    def place(
        self, rng: np.random.Generator, shape: LesionShape, scale: float, spacing: tuple[float, float, float]
    ) -> Place:
        """Try 48 places, turned and mirrored at random, and take the one whose voxels are liked best together."""
        seeds = self._seeds(rng)
        best, found = -1.0, None
        for seed in seeds:
            turn = _turn(rng)
            offsets = shape.points @ turn * scale / np.array(spacing)
            # The seed is where one of the shape's own voxels comes to lie, not its middle: crescents are hollow.
            middle = seed - offsets[rng.integers(len(offsets))]
            liked = self._liked(middle + offsets)
            if liked > best:
                best, found = liked, Place(middle, turn / scale)
        assert found is not None  # noqa: S101 - there are always seeds
        return found

    def _seeds(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        chosen = np.searchsorted(self._per_slice, rng.random(_TRIES) * self._per_slice[-1])
        seeds = []
        for z in chosen:
            total = np.cumsum(self._liking[z].ravel(), dtype=np.float64)
            spot = int(np.searchsorted(total, rng.random() * total[-1]))
            seeds.append((int(z), *divmod(spot, self._liking[z].shape[1])))
        return np.array(seeds)

    def _liked(self, voxels: npt.NDArray[np.float64]) -> float:
        """Mean liking of ``voxels``; those outside the lungs weigh against the place."""
        index = np.rint(voxels).astype(int)
        inside = ((index >= 0) & (index < self._liking.shape)).all(axis=1)
        liking = np.zeros(len(index))
        liking[inside] = self._liking[tuple(index[inside].T)]
        return float(np.sqrt(liking).mean() * (liking > 0).mean() ** 2)


def _turn(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A random turn about z, mirrored at random in z and x: patients lie, so that z stays z."""
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    up, side = rng.choice([-1.0, 1.0], 2)
    return np.array([[up, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([1, 1, side])


def _distance(flags: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Distance of each flagged pixel (y, x) to the nearest that is not, in pixels; the picture's edge counts."""
    padded = np.pad(flags.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _grown(flags: npt.NDArray[np.bool_], pixels: float) -> npt.NDArray[np.bool_]:
    """Flags and what lies up to ``pixels`` beside them."""
    if not flags.any():
        return flags
    return np.asarray(cv2.distanceTransform((~flags).view(np.uint8), cv2.DIST_L2, 5) <= pixels, bool)


def _joined(flags: npt.NDArray[np.bool_], start: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The parts of ``flags`` that reach into ``start``."""
    _, parts = cv2.connectedComponents(flags.astype(np.uint8), connectivity=4)
    reached = np.zeros(int(parts.max()) + 1, bool)
    reached[parts[start]] = True
    reached[0] = False
    return np.asarray(reached[parts], bool)


def _opened(flags: npt.NDArray[np.bool_], radius: float, wall: float = 0.0) -> npt.NDArray[np.bool_]:
    """The parts of ``flags`` that a disc of ``radius`` pixels fits into, and a ``wall`` round them."""
    return _grown(_distance(flags) >= radius, radius + wall)
