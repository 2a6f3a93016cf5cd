"""Whether probabilities mean what they say: of the voxels called 70 % lesion, 70 % should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.evaluate import check_grid
from napari_lesionseg.volumes.volume import Mask

BINS = 10


def calibration_error(probability: npt.NDArray[np.uint8], truth: Mask, lungs: Mask) -> float | None:
    """Expected calibration error of a probability of lesion, over the voxels of the lungs.

    The mean of |mean probability - share of lesion| over ten bins of equal width, each weighed by its voxels (Guo et
    al., ICML 2017, for the probability of lesion instead of that of the winning class).

    Parameters
    ----------
    probability
        (z, y, x), p·255, on the grid of ``truth``.
    lungs
        Outside of them, nearly all is background and said to be: it would flatter.

    Returns
    -------
    float or None
        From 0 (calibrated) to 1; None where no voxel is lung.

    Raises
    ------
    LesionsegError
        If the masks do not lie on one grid.
    """
    check_grid(lungs, truth)
    if probability.shape != truth.array.shape:
        raise ValueError(f"probability {probability.shape} and truth {truth.array.shape} differ in shape")
    voxels, lesion = _histograms(probability, truth.array, lungs.array)
    if not voxels.any():
        return None
    level = np.arange(256) / 255
    which = np.minimum((level * BINS).astype(int), BINS - 1)
    said, found = (np.bincount(which, weights=sums, minlength=BINS) for sums in (voxels * level, lesion))
    return float(np.abs(said - found).sum() / voxels.sum())


def _histograms(
    probability: npt.NDArray[np.uint8], truth: npt.NDArray[Any], lungs: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Voxels of the lungs at each of the 256 levels of probability, and those of them that are lesion."""
    voxels, lesion = np.zeros((2, 256), np.int64)
    for said, true, lung in zip(probability, truth, lungs, strict=True):
        inside = lung != 0
        if inside.any():
            voxels += np.bincount(said[inside], minlength=256)
            lesion += np.bincount(said[inside & (true != 0)], minlength=256)
    return voxels, lesion
