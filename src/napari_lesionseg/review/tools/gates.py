"""Gates: which voxels a brush may paint, by their HU or by what the model says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.review.tools.boxes import Bools, Indices, Voxel, check_voxel
from napari_lesionseg.review.tools.given import Given

Gate = Callable[[Indices, Indices, Indices], Bools]
"""Tells of voxels, as arrays of their z, y and x, which may be painted."""

_WIDER = 0.5  # Of the width of what was learnt, on either side: a lesion is more uneven than a disc of it.
_NARROWEST_HU = 20.0


def hu_gate(given: Given, low: float, high: float) -> Gate:
    """Let voxels from ``low`` to ``high`` HU through, both included.

    Raises
    ------
    LesionsegError
        If ``low`` is above ``high``.
    """
    if low > high:
        raise LesionsegError(f"No voxel lies between {low:g} and {high:g} HU; put the lower number first.")
    array = given.scan.array

    def passes(z: Indices, y: Indices, x: Indices) -> Bools:
        hu = array[z, y, x]
        inside: Bools = (hu >= low) & (hu <= high)
        return inside

    return passes


def probability_gate(given: Given, t: float) -> Gate:
    """Let voxels through whose probability reaches ``t``, 0 to 1.

    Raises
    ------
    LesionsegError
        If there is no prediction.
    """
    if given.probability is None:
        raise LesionsegError("There is no prediction to paint by; segment the scan first.")
    probability = given.probability

    def passes(z: Indices, y: Indices, x: Indices) -> Bools:
        return threshold_probability(probability[z, y, x], t).view(bool)

    return passes


def hu_range_at(given: Given, voxel: Voxel, radius_mm: float = 3.0) -> tuple[int, int]:
    """Learn an HU range from the disc around ``voxel`` in its slice: the dropper.

    Returns
    -------
    tuple
        From the 5th to the 95th percentile, half of that wider on either side, at least 20 HU wide.

    Raises
    ------
    LesionsegError
        If the voxel is not one of the slab's.
    """
    check_voxel(given, voxel)
    z, y, x = voxel
    _, dy, dx = given.scan.geometry.spacing
    rows, columns = math.floor(radius_mm / dy), math.floor(radius_mm / dx)
    first_y, first_x = max(0, y - rows), max(0, x - columns)
    patch = given.scan.array[z, first_y : y + rows + 1, first_x : x + columns + 1]
    at_y, at_x = np.ogrid[first_y : first_y + patch.shape[0], first_x : first_x + patch.shape[1]]
    disc = ((at_y - y) * dy) ** 2 + ((at_x - x) * dx) ** 2 <= radius_mm**2 + 1e-6
    low, high = (float(end) for end in np.percentile(patch[disc], [5, 95]))
    middle, half = (low + high) / 2, max((high - low) * (0.5 + _WIDER), _NARROWEST_HU / 2)
    return math.floor(middle - half), math.ceil(middle + half)
