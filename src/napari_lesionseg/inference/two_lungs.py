"""The right and the left lung, told apart where they touch."""

from __future__ import annotations

import cc3d
import numpy as np
from scipy import ndimage

from napari_lesionseg.inference.in_plane import Bools, Spacing

COARSE_MM = 4.0
DEEPEST_MM = 12
SECOND_LUNG = 0.2  # Of the larger lung: what is smaller is no lung of its own.


def tell_apart(lungs: Bools, spacing: Spacing) -> list[Bools]:
    """Divide lungs (z, y, x) into the right and the left one, or give them back whole if there are not two.

    Works at about 4 mm: the lungs are shrunk from 0 to 12 mm until their two largest parts are lungs, and every voxel
    belongs to the part it is nearest to.
    """
    steps = tuple(max(1, round(COARSE_MM / side)) for side in spacing)
    coarse = np.ascontiguousarray(lungs[:: steps[0], :: steps[1], :: steps[2]])
    sampling = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    depth = ndimage.distance_transform_edt(coarse, sampling=sampling)
    for shrunk_mm in range(0, DEEPEST_MM + 1, 2):
        cores = _two_largest(depth > shrunk_mm)
        if cores is None:
            continue
        nearest = ndimage.distance_transform_edt(
            ~(cores[0] | cores[1]), sampling=sampling, return_distances=False, return_indices=True
        )
        right = cores[0][tuple(nearest)]
        for axis, step in enumerate(steps):
            right = right.repeat(step, axis=axis)
        z, y, x = lungs.shape
        right = right[:z, :y, :x]
        return [lungs & right, lungs & ~right]
    return [lungs]


def _two_largest(parts: Bools) -> tuple[Bools, Bools] | None:
    """The two largest parts, the right one first (x grows to the patient's left); None if the second is too small."""
    labels = cc3d.connected_components(parts, connectivity=6)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    if len(sizes) < 3:
        return None
    larger, smaller = np.argsort(sizes)[::-1][:2]
    if sizes[smaller] < SECOND_LUNG * sizes[larger]:
        return None
    one, other = labels == larger, labels == smaller
    return (one, other) if _across(one) < _across(other) else (other, one)


def _across(part: Bools) -> float:
    profile = np.count_nonzero(part, axis=(0, 1))
    return float(np.average(np.arange(len(profile)), weights=profile))
