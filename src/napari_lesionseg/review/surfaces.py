"""Distances between the surfaces of two masks, in mm.

Surface
    The voxels of a mask that lose a face when it is eroded with 6-connectivity; outside the array is background.
    A voxel stands for its centre, placed by the spacing.
HD95
    The larger of the two directed 95th percentiles (linear interpolation) of surface distance: Metrics Reloaded
    (Maier-Hein et al., Nature Methods 2024), MONAI and DeepMind's surface-distance. MedPy and nnU-Net pool both
    directions before the percentile, which gives a smaller figure where the two differ.
NSD
    Normalised surface Dice (Nikolov et al., 2018) in voxels: the share of both surfaces that lies within the
    tolerance of the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
_ROUNDING_MM = 1e-6  # So that five voxels of 0.4 mm are within 2 mm.


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """From each surface voxel of one mask to the nearest one of the other, in mm, both ways."""

    forth: npt.NDArray[np.float64]
    back: npt.NDArray[np.float64]

    @property
    def hd95(self) -> float | None:
        """Larger of the two directed 95th percentiles in mm; None unless both masks hold a voxel."""
        if not (len(self.forth) and len(self.back)):
            return None
        return float(max(np.percentile(self.forth, 95), np.percentile(self.back, 95)))

    def nsd(self, tolerance_mm: float) -> float | None:
        """Share of both surfaces within ``tolerance_mm``: 0 if one mask is empty, None if both are."""
        both = len(self.forth) + len(self.back)
        if not both:
            return None
        limit = tolerance_mm + _ROUNDING_MM
        return int(np.count_nonzero(self.forth <= limit) + np.count_nonzero(self.back <= limit)) / both


def surface_distances(
    mask: npt.NDArray[Any], truth: npt.NDArray[Any], spacing: tuple[float, float, float]
) -> SurfaceDistances:
    """Measure from surface to surface of two label arrays (z, y, x) of one shape, ``spacing`` in mm.

    Against an empty mask every distance is infinite.
    """
    box = bounding_box(mask, truth)
    first, second = surface(mask[box] != 0), surface(truth[box] != 0)
    return SurfaceDistances(_directed(first, second, spacing), _directed(second, first, spacing))


def bounding_box(*masks: npt.NDArray[Any]) -> tuple[slice, slice, slice]:
    """Find the smallest box (z, y, x) around every non-zero voxel of all ``masks``; empty if there is none."""
    z = _extent(np.array([i for i in range(len(masks[0])) if any(mask[i].any() for mask in masks)]))
    plane = np.zeros(masks[0].shape[1:], bool)
    for mask in masks:
        for one in mask[z]:
            np.logical_or(plane, one, out=plane)
    return z, _extent(np.flatnonzero(plane.any(axis=1))), _extent(np.flatnonzero(plane.any(axis=0)))


def surface(mask: Bools) -> Bools:
    """Keep the voxels of ``mask`` (z, y, x) that have background, or the array's end, behind one of six faces."""
    inside = mask.copy()
    for axis in range(mask.ndim):
        ours, theirs = np.moveaxis(inside, axis, 0), np.moveaxis(mask, axis, 0)
        ours[1:] &= theirs[:-1]
        ours[:-1] &= theirs[1:]
        ours[:1] = ours[-1:] = False
    return np.greater(mask, inside, out=inside)


def _directed(start: Bools, end: Bools, spacing: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    from scipy.spatial import cKDTree  # Takes long to import; those who want the box only do without.

    # A surface voxel the other mask shares is at distance 0 and needs no search.
    distances = np.zeros(int(np.count_nonzero(start)))
    apart = ~end[start]
    if not end.any():
        return np.full(len(distances), np.inf)
    if apart.any():
        tree = cKDTree(np.argwhere(end) * spacing, balanced_tree=False, compact_nodes=False)
        distances[apart] = tree.query(np.argwhere(start)[apart] * spacing, workers=-1)[0]  # On all cores.
    return distances


def _extent(indices: npt.NDArray[Any]) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1) if len(indices) else slice(0, 0)
