"""Fit the triplet (top, minimum area, bottom) of a model on calibration patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.postprocess import lowest_marked, threshold_probability
from napari_lesionseg.models.config import Guard

BOTTOMS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
TOPS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
AREAS = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0)
FALSE_SLICES = 0.5
"""What a share of 1 of false-positive slices costs, in Dice."""

Bytes = npt.NDArray[np.uint8]
Triplet = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Marks:
    """What one case looks like at one threshold: its marks, each on one slice.

    Parameters
    ----------
    slice, area_mm2, top, pixels, hits
        Of each mark: its slice, area, highest p·255, and its pixels, also those that are lesion.
    lesion
        (z,) pixels of true lesion.
    """

    slice: npt.NDArray[np.intp]
    area_mm2: npt.NDArray[np.float64]
    top: npt.NDArray[np.uint8]
    pixels: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    lesion: npt.NDArray[np.int64]

    def score(self, guard: Guard) -> float:
        """Dice (of an empty scan 1 if nothing is marked, else 0), less the cost of its false-positive slices."""
        kept = (self.top >= lowest_marked(guard.top)) & (self.area_mm2 >= guard.minimum_mm2)
        marked, hits, lesion = int(self.pixels[kept].sum()), int(self.hits[kept].sum()), int(self.lesion.sum())
        dice = 2 * hits / (marked + lesion) if marked + lesion else 1.0
        empty = self.lesion == 0
        false = np.zeros(len(empty), np.bool_)
        false[self.slice[kept]] = True
        return dice - FALSE_SLICES * (float(false[empty].mean()) if empty.any() else 0.0)


@dataclass(frozen=True)
class Fitted:
    """A threshold and a guard, and what they were worth on patients that they were not fitted on."""

    threshold: float
    guard: Guard | None
    score: float
    plain_score: float
    """With the threshold 0.5 and no guard."""
    patients: int


def find_marks(probability: Bytes, truth: Bytes, threshold: float, pixel_mm2: float) -> Marks:
    """Marks of a case (z, y, x) at a threshold; ``probability`` is p·255."""
    found: list[tuple[int, float, int, int, int]] = []
    for z, (one, true) in enumerate(zip(probability, truth, strict=True)):
        marks = threshold_probability(one, threshold)
        if not marks.any():
            continue
        count, labels, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8, ltype=cv2.CV_32S)
        pixels = stats[:, cv2.CC_STAT_AREA]
        tops = np.zeros(count, np.uint8)
        np.maximum.at(tops, labels.ravel().astype(np.intp), one.ravel())
        hits = np.bincount(labels[true > 0], minlength=count)
        found += [(z, pixels[i] * pixel_mm2, int(tops[i]), int(pixels[i]), int(hits[i])) for i in range(1, count)]
    slices, areas, highest, sizes, right = ([one[part] for one in found] for part in range(5))
    return Marks(
        np.array(slices, np.intp),
        np.array(areas, np.float64),
        np.array(highest, np.uint8),
        np.array(sizes, np.int64),
        np.array(right, np.int64),
        np.count_nonzero(truth, axis=(1, 2)).astype(np.int64),
    )


def fit_guard(patients: Sequence[Sequence[Callable[[float], Marks]]]) -> Fitted:
    """Choose the triplet with the best mean score over patients.

    It is adopted only if triplets that were chosen without a patient are better on that patient, on the mean, than the
    plain threshold of 0.5: a guard that overfits a handful of patients is worse than none.

    Parameters
    ----------
    patients
        For each patient, for each scan, what gives its marks at a threshold.
    """
    tables = {bottom: [[case(bottom) for case in cases] for cases in patients] for bottom in BOTTOMS}
    triplets = [
        (bottom, top, area) for bottom, top, area in product(BOTTOMS, TOPS, AREAS) if top == 0.0 or top > bottom
    ]
    scores = np.array([_patient_scores(tables[bottom], top, area) for bottom, top, area in triplets])
    plain = scores[triplets.index((0.5, 0.0, 0.0))]
    crossed = plain
    if len(patients) > 1:
        others = (scores.sum(axis=1, keepdims=True) - scores) / (len(patients) - 1)
        crossed = scores[others.argmax(axis=0), np.arange(len(patients))]
    if crossed.mean() <= plain.mean():
        return Fitted(0.5, None, float(plain.mean()), float(plain.mean()), len(patients))
    bottom, top, area = triplets[int(scores.mean(axis=1).argmax())]
    guard = Guard(top=top, minimum_mm2=area) if top or area else None
    return Fitted(bottom, guard, float(crossed.mean()), float(plain.mean()), len(patients))


def _patient_scores(patients: Sequence[Sequence[Marks]], top: float, area: float) -> list[float]:
    guard = Guard(top=top, minimum_mm2=area)
    return [float(np.mean([marks.score(guard) for marks in cases])) for cases in patients]
