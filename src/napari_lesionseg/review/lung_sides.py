"""Which lung a voxel belongs to, and how high it lies in it: as much as a lung mask can tell, and no lobe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cc3d
import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.volume import Mask

Side = Literal["right", "left", "both", ""]
Zone = Literal["upper", "middle", "lower", ""]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

COARSE_MM = 2.5  # Sides are told on every n-th voxel, about so far apart.
BOTH_SIDES = 0.2  # A lesion with this share of its voxels in each lung lies in both.
SECOND_LUNG = 0.2  # Of the larger lung: what is smaller is no lung of its own.
VALLEY = 0.6  # Between two lungs, the profile across the chest falls below this share of both summits.
THIN = 0.05  # Of the largest slice of a lung: what is smaller is trachea or apex, and no height to divide.


def side_of(right: float) -> Side:
    """The lung of a lesion, from the share (0 to 1) of its voxels in the right one."""
    if BOTH_SIDES <= right <= 1 - BOTH_SIDES:
        return "both"
    return "right" if right > 0.5 else "left"


@dataclass(frozen=True, eq=False)
class LungSides:
    """The two lungs of a scan.

    Parameters
    ----------
    parts
        uint8 (z, y, x), every ``steps``-th voxel: 1 in the right lung, 2 in the left one, 0 elsewhere.
    steps
        Voxels of the scan a voxel of ``parts`` stands for.
    midline
        The x between the lungs, in voxels; what lies in neither belongs to the one on its side.
    heights
        First slice and number of slices (z) of the right and of the left lung.
    """

    parts: npt.NDArray[np.uint8]
    steps: tuple[int, int, int]
    midline: float
    heights: tuple[tuple[int, int], tuple[int, int]]

    def in_right(self, z: Indices, y: Indices, x: Indices) -> Bools:
        """Whether each voxel belongs to the patient's right lung."""
        part = self.parts[z // self.steps[0], y // self.steps[1], x // self.steps[2]]
        return np.where(part > 0, part == 1, x < self.midline)

    def zone(self, side: Side, z: float) -> Zone:
        """The third of that lung's height that ``z`` lies in; above and below the lung, its nearest third."""
        if side not in ("right", "left"):
            return ""
        first, count = self.heights[0 if side == "right" else 1]
        third = 3 * (z - first + 0.5) / count
        return "lower" if third < 1 else "middle" if third < 2 else "upper"


def find_sides(lungs: Mask) -> LungSides | None:
    """Tell the right lung from the left one.

    Two separate components, each on its side, are the two lungs. Lungs that a trachea or a thin mediastinum joins
    are parted by a sagittal plane, where the profile of lung voxels across the chest has its valley.

    Returns
    -------
    LungSides | None
        None where there are not two lungs to tell apart: an empty mask, or a single lung.
    """
    z, y, x = (max(1, round(COARSE_MM / side)) for side in lungs.geometry.spacing)
    inside = np.ascontiguousarray(lungs.array[::z, ::y, ::x] != 0)
    profile = np.count_nonzero(inside, axis=(0, 1))
    columns = np.flatnonzero(profile)
    if not len(columns):
        return None
    lungs_apart = _two_components(inside)
    if lungs_apart is not None:
        right, left = lungs_apart
        column = _valley(profile, _centre(right), _centre(left))
    else:
        first, last = np.percentile(columns, (25, 75))
        column = _valley(profile, first, last)
        middle = int(column)
        if profile[middle] > VALLEY * min(profile[: middle + 1].max(), profile[middle:].max()):
            return None
        across = np.arange(inside.shape[2]) < column
        right, left = inside & across, inside & ~across
    parts = right.astype(np.uint8) + 2 * left.astype(np.uint8)
    return LungSides(parts, (z, y, x), column * x, (_height(right, z), _height(left, z)))


def _two_components(inside: Bools) -> tuple[Bools, Bools] | None:
    """Voxels of the right and the left lung, where these are two components side by side."""
    labels: npt.NDArray[Any] = cc3d.connected_components(inside, connectivity=6)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    if len(sizes) < 3:
        return None
    larger, smaller = np.argsort(sizes)[::-1][:2]
    if sizes[smaller] < SECOND_LUNG * sizes[larger]:
        return None
    right, left = sorted((labels == larger, labels == smaller), key=_centre)
    if _centre(right) >= _columns(left)[0] or _centre(left) <= _columns(right)[-1]:
        return None  # One above the other: two pieces of one lung.
    return right, left


def _columns(lung: Bools) -> Indices:
    return np.flatnonzero(lung.any(axis=(0, 1)))


def _centre(lung: Bools) -> float:
    profile = np.count_nonzero(lung, axis=(0, 1))
    return float(np.average(np.arange(len(profile)), weights=profile))


def _valley(profile: Indices, low: float, high: float) -> float:
    """Middle of the lowest stretch of ``profile`` between two columns."""
    first = int(np.ceil(low))
    between = profile[first : max(first, int(high)) + 1]
    lowest = np.flatnonzero(between == between.min())
    return first + float(lowest[0] + lowest[-1] + 1) / 2


def _height(lung: Bools, step: int) -> tuple[int, int]:
    """First slice and number of slices of a lung, without the trachea above it."""
    areas = np.count_nonzero(lung, axis=(1, 2))
    thick = np.flatnonzero(areas > THIN * areas.max())
    return int(thick[0]) * step, int(thick[-1] - thick[0] + 1) * step
