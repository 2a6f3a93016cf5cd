"""From probability to mask: the only place that knows how a threshold meets a uint8 probability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt


def lowest_marked(threshold: float) -> int:
    """The lowest p·255 that reaches ``threshold``: ``ceil(threshold · 255)``, and at least 1: p = 0 is never lesion."""
    return max(1, math.ceil(threshold * 255))


def threshold_probability(
    probability: npt.NDArray[np.uint8], threshold: float, out: npt.NDArray[np.uint8] | None = None
) -> npt.NDArray[np.uint8]:
    """Mark the voxels whose probability reaches ``threshold``.

    Parameters
    ----------
    probability
        uint8 array of any shape, p·255.
    threshold
        From 0 to 1; see :func:`lowest_marked`.
    out
        uint8 array of the same shape to write into; it is returned.

    Returns
    -------
    uint8 array, 1 for lesion.
    """
    if out is None:
        out = np.empty(probability.shape, np.uint8)
    flags: npt.NDArray[Any] = out.view(np.bool_)  # Same bytes: the comparison needs no cast and no temporary array.
    np.greater_equal(probability, lowest_marked(threshold), out=flags)
    return out
