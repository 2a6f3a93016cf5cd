"""Grow a region from seeds, inside an HU range and the lungs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import Bools, Box, Voxel, in_words, redrawn, slab_box
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_at


def grow_from_seeds(given: Given, seeds: Sequence[Voxel], low: float, high: float, label: int = 1) -> Edited:
    """Add the voxels from ``low`` to ``high`` HU that hang together with the seeds, in the slab.

    Faces connect (4 in a slice, 6 in a slab), corners do not: fewer vessels are followed. Where the lungs are known,
    the region ends at their edge.

    Parameters
    ----------
    seeds
        Voxels (z, y, x); those outside the slab, the range or the lungs are left out.

    Raises
    ------
    LesionsegError
        If no seed is left, or all of the region is lesion already.
    """
    limits = slab_box(given)

    def allowed(box: Box) -> Bools:
        hu = given.scan.array[box]
        inside: Bools = (hu >= low) & (hu <= high)
        return inside if given.lungs is None else inside & (given.lungs.array[box] != 0)

    places = np.array(seeds, int).reshape(-1, 3)
    ends = np.array([[side.start, side.stop] for side in limits]).T
    places = places[((places >= ends[0]) & (places < ends[1])).all(axis=1)]
    if len(places):
        box, region = pieces_at(allowed, places, limits, connectivity=6)
    if not len(places) or not region.any():
        lungs = "" if given.lungs is None else " inside the lungs"
        raise LesionsegError(
            f"No seed in {in_words(given.slab)} lies between {low:g} and {high:g} HU{lungs}; "
            "click on the lesion, or widen the range."
        )
    nothing = f"All of the region is lesion already in {in_words(given.slab)}; widen the range to go on."
    return redrawn(given, box, region | (given.mask[box] != 0), nothing, label)
