"""Fill what lesion encloses."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_lesionseg.review.tools.boxes import Bools, in_words, lesion_box, redrawn
from napari_lesionseg.review.tools.given import Edited, Given

_IN_PLANE = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)


def fill_holes(given: Given, label: int = 1) -> Edited:
    """Fill the holes of every slice of the slab.

    A hole is a 4-connected piece of background in one slice that does not reach the edge of the slice. Slice by slice
    this fills every cavity of a lesion, and the vessels that run through it, too.

    Raises
    ------
    LesionsegError
        If there is no hole.
    """
    box = lesion_box(given)
    filled = without_holes(given.mask[box] != 0)
    return redrawn(given, box, filled, f"There is no hole to fill in {in_words(given.slab)}.", label)


def without_holes(lesion: Bools) -> Bools:
    """Fill the holes of every slice of ``lesion`` (z, y, x): a new array; outside the array is background."""
    padded = np.pad(lesion, ((0, 0), (1, 1), (1, 1)))  # The rim joins all background outside.
    pieces, count = ndimage.label(~padded, np.concatenate([0 * _IN_PLANE, _IN_PLANE, 0 * _IN_PLANE]))
    hole = np.ones(count + 1, bool)
    hole[0] = False
    hole[pieces[:, 0, 0]] = False
    filled: Bools = (padded | hole[pieces])[:, 1:-1, 1:-1]
    return filled
