"""Smooth the outline of a lesion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.review.tools.boxes import in_words, lesion_box, redrawn, voxels_within
from napari_lesionseg.review.tools.given import Edited, Given

_REACH = 3.0  # Standard deviations a Gaussian is followed.


def smooth(given: Given, mm: float, label: int = 1) -> Edited:
    """Blur the lesion with a Gaussian of standard deviation ``mm``, and cut where its volume stays as it was.

    In the plane of one slice, or in 3-D in a slab. A cut at one half would shrink every round lesion.

    Raises
    ------
    LesionsegError
        If there is no lesion, or it is smooth.
    """
    along, across = voxels_within(given, _REACH * mm)
    box = lesion_box(given, (along, across))
    lesion = given.mask[box] != 0
    sigma = [mm / side for side in given.scan.geometry.spacing]
    if len(given.slab) == 1:
        sigma[0] = 0.0
    # At the scan's edge the lesion is taken to go on; at the box's other edges there is none.
    blurred = ndimage.gaussian_filter(lesion.astype(np.float32), sigma, mode="nearest", truncate=_REACH)
    inside = slice(given.slab.start - box[0].start, given.slab.stop - box[0].start)
    cut = _cut_that_keeps(int(np.count_nonzero(lesion[inside])), blurred[inside])
    nothing = f"The lesion in {in_words(given.slab)} is as smooth as {mm:g} mm can make it; nothing was changed."
    return redrawn(given, box, blurred >= cut, nothing, label)


def _cut_that_keeps(count: int, values: npt.NDArray[np.float32]) -> float:
    """The value that ``count`` of ``values`` reach, or as near to so many as equal values allow."""
    ordered = values[values > 0]
    ordered.sort()
    cut = ordered[len(ordered) - count]
    with_equals = len(ordered) - np.searchsorted(ordered, cut, side="left")
    without = len(ordered) - np.searchsorted(ordered, cut, side="right")
    if without and count - without < with_equals - count:
        return float(np.nextafter(cut, np.float32(2)))
    return float(cut)
