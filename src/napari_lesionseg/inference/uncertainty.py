"""How unsure a model is of a scan, in one number: the cases worth looking at first."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

SUSPECTED: Final = 13  # Of 255, 5 %: below, the model sees no lesion, and most of a scan would hide the rest.


def mean_uncertainty(probability: npt.NDArray[np.uint8]) -> float:
    """Return the mean entropy of the voxels to which a model gives at least 5 % of being lesion.

    Parameters
    ----------
    probability
        uint8 (z, y, x), p·255.

    Returns
    -------
    float
        Bits, 0 (sure of each) to 1 (even chances everywhere); 0 if no voxel is suspected.
    """
    counts = np.zeros(256, np.int64)
    for one_slice in probability:  # A slice at a time: bincount makes eight bytes of each voxel.
        counts += np.bincount(one_slice.ravel(), minlength=256)
    suspected = counts[SUSPECTED:]
    total = int(suspected.sum())
    return float(suspected @ entropy()[SUSPECTED:]) / total if total else 0.0


def unsureness() -> npt.NDArray[np.float64]:
    """1 − |2p − 1| of each of the 256 probabilities: 0 for sure, 1 for even chances."""
    return np.asarray(1 - np.abs(2.0 * np.arange(256) / 255 - 1))


def entropy() -> npt.NDArray[np.float64]:
    """Shannon's entropy in bits of each of the 256 probabilities."""
    p = np.arange(1, 255) / 255
    inner = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    return np.concatenate(([0.0], inner, [0.0]))
