"""Consolidation and tumour as dense as the chest wall they lie against: what a lung's outline says is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.inference.in_plane import Bools, Spacing, grow, hulls, open_up, shrink

REACH_MM = 15.0  # Slices so far above and below tell how far the chest reaches.
LEAST_RADIUS_MM = 5.0  # What is thinner is the chest wall's own unevenness.
SLIVER_MM = 15.0  # Of lung in a row of voxels: less does not tell how far the lung reaches to the middle.
BONE_HU, FAT_HU = 250, -500
RIM_MM = 12.0  # The lung's edge, whose columns meet the chest wall and not the diaphragm.


def dense_parts(lung: Bools, hu: npt.NDArray[Any], right: bool, floor: int, spacing: Spacing) -> Bools:
    """What of a lung (z, y, x) is too dense to be told by its air.

    In each slice the dense voxels inside the convex hull that the lung has within 15 mm above and below, no farther to
    the middle than the lung reaches, so that heart and hilum stay out. Parts narrower than 10 mm are left out.

    Parameters
    ----------
    lung
        One lung, closed.
    right
        Whether it is the right one.
    floor
        The slice (z) from which upward to look: liver, spleen and stomach look the same and lie below.
    """
    reach = max(1, round(REACH_MM / spacing[0]))
    inside = hulls(_any_of_next(lung, reach)) & hulls(_any_of_next(lung[::-1], reach)[::-1])
    bone = grow(hu > BONE_HU, 2.0, spacing)
    dense = inside & _beside_the_middle(lung, right, spacing) & (hu > FAT_HU) & ~bone & ~lung
    dense[: max(0, floor)] = False
    return open_up(dense, LEAST_RADIUS_MM, spacing)


def diaphragm(lung: Bools, right: bool, spacing: Spacing) -> float:
    """How high the diaphragm's dome rises under a lung: a slice (z).

    The 90th percentile of where the columns of its posterior lateral quarter begin; the others stand on the heart.
    """
    footprint = lung.any(axis=0)
    base = lung.argmax(axis=0)
    y, x = np.nonzero(footprint)
    rows, columns = np.indices(footprint.shape)
    lateral = columns < x.mean() if right else columns > x.mean()
    inner = shrink(np.asarray(footprint)[None], RIM_MM, spacing)[0]
    columns_of = base[inner & lateral & (rows > y.mean())]
    return float(np.percentile(columns_of, 90)) if columns_of.size else 0.0


def _any_of_next(lung: Bools, count: int) -> Bools:
    """Whether a voxel, or one of the ``count`` above it, is lung."""
    origin = -((count + 1) // 2)
    found = ndimage.maximum_filter1d(lung.view(np.uint8), count + 1, axis=0, origin=origin, mode="constant")
    return np.asarray(found).view(np.bool_)


def _beside_the_middle(lung: Bools, right: bool, spacing: Spacing) -> Bools:
    """Voxels no nearer to the middle than the lung is in their row; in rows without lung, than in the rows around."""
    seen = lung if right else lung[:, :, ::-1]
    width = seen.shape[2]
    has_lung = np.count_nonzero(seen, axis=2) * spacing[2] >= SLIVER_MM
    innermost = width - 1 - seen[:, :, ::-1].argmax(axis=2)
    limit = np.full(has_lung.shape, -1.0)
    for z in np.flatnonzero(has_lung.any(axis=1)):
        rows = np.flatnonzero(has_lung[z])
        below = np.arange(rows[0], seen.shape[1])  # Down to the back, where consolidation settles.
        limit[z, below] = np.interp(below, rows, innermost[z, rows])
    beside = np.arange(width) <= limit[:, :, None]
    return beside if right else beside[:, :, ::-1]
