"""Two thresholds with a band between them that is believed of nothing, fitted on calibration patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError

Bytes = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

BACKGROUND, LESION, IGNORE = 0, 1, 255


@dataclass(frozen=True)
class Levels:
    """How many voxels of the lungs have each of the 256 probabilities p·255, with lesion and without."""

    lesion: Counts
    other: Counts

    def __add__(self, more: Levels) -> Levels:
        return Levels(self.lesion + more.lesion, self.other + more.other)


@dataclass(frozen=True)
class Bands:
    """From ``high`` on a voxel is lesion, up to ``low`` background, both p·255; what lies between is ignored.

    Parameters
    ----------
    precision
        Share of the calibration voxels from ``high`` on that are lesion.
    missed
        Share of the calibration lesion at or below ``low``.
    """

    low: int
    high: int
    precision: float
    missed: float

    def label(self, probability: Bytes) -> Bytes:
        """0 for background, 1 for lesion, 255 for what is to be ignored, of p·255 of any shape."""
        table = np.full(256, IGNORE, np.uint8)
        table[: self.low + 1], table[self.high :] = BACKGROUND, LESION
        return table[probability]


def count_levels(probability: Bytes, truth: npt.NDArray[Any], lungs: npt.NDArray[Any] | None = None) -> Levels:
    """Count the levels of a scan (z, y, x), inside the lungs and wherever there is lesion; everywhere without lungs."""
    lesion, other = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for z, levels in enumerate(probability):  # A slice at a time: bincount makes eight bytes of each voxel.
        true = truth[z] != 0
        inside = ~true if lungs is None else (lungs[z] != 0) & ~true
        lesion += np.bincount(levels[true], minlength=256)
        other += np.bincount(levels[inside], minlength=256)
    return Levels(lesion, other)


def fit_bands(scans: Iterable[Levels], precision: float = 0.90, missed: float = 0.02) -> Bands:
    """Choose the widest bands that keep their promise on the calibration patients.

    Parameters
    ----------
    precision
        ``high`` is the lowest level from which on at least this share of the voxels is lesion.
    missed
        ``low`` is the highest level at or below which at most this share of the lesion lies.

    Raises
    ------
    LesionsegError
        If there is no lesion, or no level is that precise.
    """
    total = sum(scans, start=Levels(np.zeros(256, np.int64), np.zeros(256, np.int64)))
    if not total.lesion.any():
        raise LesionsegError(
            "The calibration patients have no lesion to fit thresholds on; add a patient with lesions."
        )
    lesion_from, other_from = (counts[::-1].cumsum()[::-1] for counts in (total.lesion, total.other))
    marked = lesion_from + other_from
    precise = np.divide(lesion_from, marked, out=np.zeros(256), where=marked > 0)
    enough = np.flatnonzero(precise[1:] >= precision) + 1  # At 0 everything would be lesion.
    if not len(enough):
        raise LesionsegError(
            f"At no threshold are {precision:.0%} of what the model marks on the calibration patients lesion (at most "
            f"{precise.max():.0%}); its predictions cannot be learned from: correct some cases instead."
        )
    high = int(enough[0])
    share = total.lesion.cumsum() / total.lesion.sum()
    low = min(int(np.searchsorted(share, missed, side="right")) - 1, high - 1)
    return Bands(low, high, float(precise[high]), float(share[low]) if low >= 0 else 0.0)
