"""Grow and shrink in millimetres: true distances, in the plane of one slice, or in 3-D in a slab.

What lies beyond the slab is looked at, so that the slab's ends are treated as the whole lesion would be; it is never
changed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import Bools, Box, in_words, lesion_box, redrawn, voxels_within
from napari_lesionseg.review.tools.given import Edited, Given

_ROUNDING_MM = 1e-6  # So that five voxels of 0.4 mm are within 2 mm.


def grow(given: Given, mm: float, label: int = 1) -> Edited:
    """Add all voxels whose centre is within ``mm`` of the centre of a lesion voxel.

    Raises
    ------
    LesionsegError
        If there is no lesion, or ``mm`` is less than a voxel.
    """
    box = _box(given, mm)
    grown = _distances(given, box, given.mask[box] == 0) <= mm + _ROUNDING_MM
    return redrawn(given, box, grown, _too_little(given, mm), label)


def shrink(given: Given, mm: float) -> Edited:
    """Remove the lesion voxels whose centre is within ``mm`` of the centre of a background voxel.

    Raises
    ------
    LesionsegError
        If there is no lesion, ``mm`` is less than a voxel, or nothing would be left.
    """
    box = _box(given, mm)
    left = _distances(given, box, given.mask[box] != 0) > mm + _ROUNDING_MM
    first = given.slab.start - box[0].start
    if not left[first : first + len(given.slab)].any():
        raise LesionsegError(
            f"Shrinking by {mm:g} mm would leave nothing in {in_words(given.slab)}; choose a smaller distance."
        )
    return redrawn(given, box, left, _too_little(given, mm))


def _box(given: Given, mm: float) -> Box:
    along, across = voxels_within(given, mm)
    return lesion_box(given, (along, across + 1))


def _distances(given: Given, box: Box, inside: Bools) -> npt.NDArray[np.float64]:
    """From every voxel of ``inside`` to the nearest one outside, in mm; the box's ends are no outside."""
    if inside.all():
        return np.full(inside.shape, np.inf)
    distances: npt.NDArray[np.float64] = ndimage.distance_transform_edt(inside, sampling=given.scan.geometry.spacing)
    return distances


def _too_little(given: Given, mm: float) -> str:
    return f"{mm:g} mm is less than a voxel of this scan; nothing was changed in {in_words(given.slab)}."
