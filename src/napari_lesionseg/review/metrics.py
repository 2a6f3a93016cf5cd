"""Overlap of a mask with the truth: of one slice, of every slice, of the scan.

Every non-zero label is lesion. Arrays need no spacing here: overlap is counted in voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def dice(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float | None:
    """Dice, 2·|A∩B| / (|A|+|B|), of two arrays of one shape; None where both are empty."""
    return one_slice_score(mask, truth).dice


def iou(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float | None:
    """Intersection over union, |A∩B| / |A∪B|, of two arrays of one shape; None where both are empty."""
    return one_slice_score(mask, truth).iou


@dataclass(frozen=True)
class SliceScore:
    """Overlap in voxels: found in both (``hit``), in the mask only, in the truth only (``missed``)."""

    hit: int
    false_positive: int
    missed: int

    @property
    def dice(self) -> float | None:
        """Dice, None where mask and truth are empty."""
        both = 2 * self.hit + self.false_positive + self.missed
        return 2 * self.hit / both if both else None

    @property
    def iou(self) -> float | None:
        """Intersection over union, None where mask and truth are empty."""
        union = self.hit + self.false_positive + self.missed
        return self.hit / union if union else None


def one_slice_score(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> SliceScore:
    """Count the overlap of two label arrays of one shape, usually one slice (y, x)."""
    if mask.shape != truth.shape:
        raise ValueError(f"mask {mask.shape} and truth {truth.shape} differ in shape")
    in_mask, in_truth = int(np.count_nonzero(mask)), int(np.count_nonzero(truth))
    hit = int(np.count_nonzero(np.logical_and(mask, truth))) if in_mask and in_truth else 0
    return SliceScore(hit, in_mask - hit, in_truth - hit)


@dataclass(frozen=True, eq=False)
class SliceScores:
    """Overlap in voxels of every slice; int64 arrays (z,)."""

    hit: Counts
    false_positive: Counts
    missed: Counts

    @property
    def dice(self) -> npt.NDArray[np.float64]:
        """Dice of each slice, NaN where mask and truth are empty."""
        both = 2 * self.hit + self.false_positive + self.missed
        scores = np.full(len(both), np.nan)
        np.divide(2 * self.hit, both, out=scores, where=both > 0)
        return scores

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """Intersection over union of each slice, NaN where mask and truth are empty."""
        union = self.hit + self.false_positive + self.missed
        scores = np.full(len(union), np.nan)
        np.divide(self.hit, union, out=scores, where=union > 0)
        return scores

    @property
    def wrong(self) -> Counts:
        """Voxels of each slice that are false positive or missed."""
        return self.false_positive + self.missed

    @property
    def scan(self) -> SliceScore:
        """All slices together."""
        return SliceScore(int(self.hit.sum()), int(self.false_positive.sum()), int(self.missed.sum()))

    def one(self, z: int) -> SliceScore:
        """Slice ``z``."""
        return SliceScore(int(self.hit[z]), int(self.false_positive[z]), int(self.missed[z]))

    def with_slice(self, z: int, score: SliceScore) -> SliceScores:
        """Exchange slice ``z``: after an edit, the scan's scores cost no more than the slice's."""
        counts = self.hit.copy(), self.false_positive.copy(), self.missed.copy()
        for array, value in zip(counts, (score.hit, score.false_positive, score.missed), strict=True):
            array[z] = value
        return SliceScores(*counts)


def slice_scores(mask: npt.NDArray[Any], truth: npt.NDArray[Any]) -> SliceScores:
    """Count the overlap of every slice of two label arrays (z, y, x) of one shape."""
    if mask.shape != truth.shape:
        raise ValueError(f"mask {mask.shape} and truth {truth.shape} differ in shape")
    scores = [one_slice_score(mask[z], truth[z]) for z in range(len(mask))]
    counts = np.array([(score.hit, score.false_positive, score.missed) for score in scores], np.int64).reshape(-1, 3)
    return SliceScores(*counts.T.copy())


def worst_slices(scores: SliceScores) -> list[int]:
    """List the slices in which a voxel is wrong: the lowest Dice first, of equals that with most wrong voxels."""
    wrong = scores.wrong
    found = np.flatnonzero(wrong)
    return [int(z) for z in found[np.lexsort((-wrong[found], scores.dice[found]))]]
