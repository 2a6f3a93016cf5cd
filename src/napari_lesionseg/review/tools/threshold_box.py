"""Part lesion from lung inside a box, by a threshold that the box itself gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import Bools, Box, in_words, redrawn
from napari_lesionseg.review.tools.fill_holes import without_holes
from napari_lesionseg.review.tools.given import Edited, Given

_BLUR_MM = 0.7
_SMALLEST_PART = 0.05  # Of the largest piece; what is smaller is taken for vessels and noise.
_LEAST_STEP_HU = 100.0  # Noise alone, parted in two, gives half of it.


def threshold_in_box(
    given: Given, corner: tuple[float, float], opposite: tuple[float, float], low: float, high: float, label: int = 1
) -> Edited:
    """Add what is denser than the lung around it, in a box through the slab.

    Otsu's threshold parts the voxels of the box (of the lungs in it, where they are known) that are not above ``high``,
    blurred by 0.7 mm. Of what lies above it, voxels outside the range and pieces (connected by faces) below a twentieth
    of the largest go, and holes are filled.

    Parameters
    ----------
    corner, opposite
        Corners of the box (y, x), in voxels.
    low, high
        HU that lesion can have.

    Raises
    ------
    LesionsegError
        If the box holds no voxel, no lesion beside lung, or nothing new.

    Notes
    -----
    Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9 (1979).
    """
    box = _box(given, corner, opposite)
    hu = given.scan.array[box].astype(np.float32)
    lungs = np.ones(hu.shape, bool) if given.lungs is None else given.lungs.array[box] != 0
    dense = _denser(given, hu, lungs, high) & lungs & (hu >= low) & (hu <= high)
    pieces, _ = ndimage.label(dense)
    voxels = np.bincount(pieces.ravel())
    voxels[0] = 0
    if not voxels.any():
        raise LesionsegError(f"Nothing in the box lies between {low:g} and {high:g} HU; widen the range.")
    lesion = without_holes((voxels >= _SMALLEST_PART * voxels.max())[pieces] & dense) & lungs
    nothing = f"All that is dense in the box is lesion already in {in_words(given.slab)}."
    return redrawn(given, box, lesion | (given.mask[box] != 0), nothing, label)


def _box(given: Given, corner: tuple[float, float], opposite: tuple[float, float]) -> Box:
    ends = np.sort(np.rint([corner, opposite]).astype(int), axis=0)
    first, last = np.maximum(ends[0], 0), np.minimum(ends[1] + 1, given.mask.shape[1:])
    if (last - first < 2).any():
        raise LesionsegError("The box is empty; drag it over a lesion and some lung around it.")
    return slice(given.slab.start, given.slab.stop), slice(first[0], last[0]), slice(first[1], last[1])


def _denser(given: Given, hu: npt.NDArray[Any], lungs: Bools, high: float) -> Bools:
    from skimage.filters import threshold_otsu

    sigma = [_BLUR_MM / side for side in given.scan.geometry.spacing]
    blurred = ndimage.gaussian_filter(hu, [0.0, *sigma[1:]] if len(hu) == 1 else sigma)
    sample = blurred[lungs & (blurred <= high)]
    if len(sample) > 1 and sample.min() < sample.max():
        cut = threshold_otsu(sample)
        above = sample > cut
        least = _LEAST_STEP_HU if given.scan.intensity == "HU" else 0.0
        if above.any() and sample[above].mean() - sample[~above].mean() >= least:
            dense: Bools = blurred > cut
            return dense
    raise LesionsegError("The box does not part into lesion and lung; draw it round a lesion with some lung beside it.")
