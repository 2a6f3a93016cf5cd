"""The lesions of a mask, one row each: how large, where, how dense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.lesions import is_lesion, label_by_label, table_order
from napari_lesionseg.review.lung_sides import LungSides, Side, Zone, find_sides, side_of
from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Density:
    """Hounsfield units of a lesion's voxels; ``sd`` divides by n, percentiles are interpolated linearly."""

    mean: float
    sd: float
    low: float
    high: float
    p10: float
    p90: float


@dataclass(frozen=True)
class LesionRow:
    """One lesion: 26-connected voxels of one label.

    Parameters
    ----------
    number
        From 1, the largest first; equal ones from inferior to superior, as ``table_order`` says.
    label
        The label of its voxels.
    voxels, volume_ml
        Its size.
    counted
        Whether it is at least 0.1 ml, and so one of the lesions that ``lesionseg predict`` counts.
    centroid_ras
        Mean position of its voxels in mm, RAS as in NIfTI: x grows to the right, y to anterior, z to superior.
    slices
        First and last display slice, counted from 1 at the inferior end, as the window shows them.
    largest_slice
        The slice, counted likewise, with most of its voxels; of equals the lowest.
    density
        None for a scan that is not in HU.
    side, zone
        The lung it lies in, and the third of that lung's height its centroid lies in; empty where unknown.
    """

    number: int
    label: int
    voxels: int
    volume_ml: float
    counted: bool
    centroid_ras: tuple[float, float, float]
    slices: tuple[int, int]
    largest_slice: int
    density: Density | None = None
    side: Side = ""
    zone: Zone = ""


def lesion_table(mask: Mask, scan: Volume | None = None, lungs: Mask | None = None) -> list[LesionRow]:
    """List every lesion of ``mask``, the largest first; those below 0.1 ml too, marked as not counted.

    Parameters
    ----------
    mask
        Every non-zero label is lesion.
    scan
        For the density; none is given for a scan in grey levels.
    lungs
        For side and zone.

    Raises
    ------
    LesionsegError
        If scan or lungs lie on another grid.
    """
    for other in (scan, lungs):
        if other is not None and not other.geometry.same_grid(mask.geometry):
            raise LesionsegError(
                f"The mask (shape {mask.geometry.shape}) and its scan or lungs (shape {other.geometry.shape}) lie on "
                "different grids; choose those that belong together."
            )
    box = bounding_box(mask.array)
    if not mask.array[box].size:
        return []
    components, voxels = label_by_label(mask.array[box])
    inside = np.flatnonzero(components.ravel())
    lesion = components.ravel()[inside].astype(np.int64) - 1
    corner = [side.start for side in box]
    z, y, x = (index + start for index, start in zip(np.unravel_index(inside, components.shape), corner, strict=True))
    found = _Found(lesion, voxels, (z, y, x))
    labels = _labels(found, mask.array[z, y, x])
    densities = _densities(found, scan.array[z, y, x]) if scan is not None and scan.intensity == "HU" else None
    return _rows(found, labels, densities, mask.geometry, find_sides(lungs) if lungs is not None else None)


@dataclass(frozen=True, eq=False)
class _Found:
    """Every lesion voxel: which lesion (from 0) it belongs to, and where it is."""

    lesion: Indices
    voxels: Indices
    places: tuple[Indices, Indices, Indices]

    def mean(self, values: npt.NDArray[Any]) -> Floats:
        return np.bincount(self.lesion, values, len(self.voxels)) / self.voxels


def _rows(
    found: _Found, labels: Indices, densities: list[Density] | None, geometry: Geometry, sides: LungSides | None
) -> list[LesionRow]:
    centres = np.stack([found.mean(place) for place in found.places], axis=1)
    positions = _to_ras(geometry, centres)
    first, last, largest = _slices(found)
    counted = is_lesion(found.voxels, geometry.voxel_ml)
    right = found.mean(sides.in_right(*found.places)) if sides is not None else None
    rows = []
    for number, i in enumerate(table_order(found.voxels, centres), start=1):
        side = side_of(float(right[i])) if right is not None else ""
        rows.append(
            LesionRow(
                number=number,
                label=int(labels[i]),
                voxels=int(found.voxels[i]),
                volume_ml=float(found.voxels[i] * geometry.voxel_ml),
                counted=bool(counted[i]),
                centroid_ras=(float(positions[i, 0]), float(positions[i, 1]), float(positions[i, 2])),
                slices=(int(first[i]) + 1, int(last[i]) + 1),
                largest_slice=int(largest[i]) + 1,
                density=densities[i] if densities is not None else None,
                side=side,
                zone=sides.zone(side, float(centres[i, 0])) if sides is not None else "",
            )
        )
    return rows


def _to_ras(geometry: Geometry, centres: Floats) -> Floats:
    """Display indices (n, 3) of z, y, x as RAS mm."""
    stored = np.empty_like(centres)
    for shown, (axis, flip) in enumerate(zip(geometry.axes, geometry.flips, strict=True)):
        stored[:, axis] = geometry.shape[axis] - 1 - centres[:, shown] if flip else centres[:, shown]
    return np.asarray(stored @ geometry.affine[:3, :3].T + geometry.affine[:3, 3])


def _slices(found: _Found) -> tuple[Indices, Indices, Indices]:
    """First, last and largest display slice of each lesion."""
    z, count = found.places[0], len(found.voxels)
    depth = int(z.max()) + 1
    keys, areas = np.unique(found.lesion * depth + z, return_counts=True)
    lesion, slices = keys // depth, keys % depth
    starts = np.searchsorted(lesion, np.arange(count))
    ends = np.append(starts[1:], len(keys))
    order = np.lexsort((slices, -areas, lesion))  # In each lesion the largest slice first.
    return slices[starts], slices[ends - 1], slices[order[starts]]


def _labels(found: _Found, labels: npt.NDArray[Any]) -> Indices:
    """The label of each lesion."""
    each = np.zeros(len(found.voxels), np.int64)
    each[found.lesion] = labels
    return each


def _densities(found: _Found, values: npt.NDArray[Any]) -> list[Density]:
    mean = found.mean(values)
    sd = np.sqrt(found.mean((values - mean[found.lesion]) ** 2))
    ordered = values[np.lexsort((values, found.lesion))].astype(np.float64)
    starts = np.cumsum(found.voxels) - found.voxels

    def percentile(share: float) -> Floats:
        place = starts + share * (found.voxels - 1)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, starts + found.voxels - 1)
        return np.asarray(ordered[below] + (place - below) * (ordered[above] - ordered[below]))

    columns = (mean, sd, ordered[starts], ordered[starts + found.voxels - 1], percentile(0.1), percentile(0.9))
    return [Density(*map(float, one)) for one in zip(*columns, strict=True)]
