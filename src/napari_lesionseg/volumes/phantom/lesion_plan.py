"""How many lesions a patient has, how large they are and which slices they fill.

The numbers were measured with ``benchmarks/lesion_statistics.py`` on 52 public lesion masks (50 of MosMedData's CT-1
series and 2 of the COVID-19-20 challenge; 26-connected lesions of at least 0.1 ml) and are lognormal fits:

- lesions per patient: mu 2.27, sigma 0.96 (median 11);
- the largest lesion in ml: mu 3.39, sigma 1.31 (median 28 ml); all others: mu −0.36, sigma 1.38 (median 0.5 ml);
- height over in-plane width: mu −0.09, sigma 0.45; about 2.6 separate runs of lesion slices per patient.

**Empty slices.** Two requirements pull apart: every patient has 60–85 % empty slices, and all patients
together one lesion slice for 1.75 empty ones, which is 63.6 % empty, close to the lower end. So the share is
drawn from a skewed Beta distribution over 60–85 % whose mean is 63.6 %: most patients lie near 60 %, a tail
reaches 85 %. (The real masks: median 60 %, mean 62 %, 90 % of patients between 39 and 86 %.) The quantile is
the seed times the golden ratio, modulo 1, so that consecutive seeds spread evenly over the distribution and
even a small study comes close to the ratio. Patients with more lesion slices have more and larger lesions
(correlation 0.6; 0.67 was measured between lesion slices and log volume), and lesions are then stretched or
shortened in z until they fill the drawn number of slices. Where the lungs fill too few slices for that, all
but a tenth of them are used and the share of empty slices is higher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

COUNT_LOG = (2.27, 0.96)
LARGEST_LOG_ML = (3.39, 1.31)
OTHER_LOG_ML = (-0.36, 1.38)
HEIGHT_LOG_RATIO = (-0.09, 0.45)
EMPTY_LOW, EMPTY_HIGH = 0.60, 0.85
LESION_SHARE = 1 / 2.75
SMALLEST_ML, LARGEST_ML = 0.1, 600.0
MOST_LESIONS = 45

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PlannedLesion:
    """A lesion's size in ml and its middle and half height in slices."""

    ml: float
    middle: float
    half: float


@dataclass(frozen=True, eq=False)
class LesionPlan:
    """The slices that shall hold lesion, and the lesions, largest first."""

    slices: Flags
    lesions: tuple[PlannedLesion, ...]


def draw_plan(rng: np.random.Generator, lung: Flags, slice_mm: float, quantile: float) -> LesionPlan:
    """Draw a patient's lesions; ``lung`` flags the slices with room for one, ``quantile`` ranks the empty share."""
    wanted = min(lesion_slices(len(lung), quantile), int(0.9 * np.count_nonzero(lung)))
    if wanted == 0:
        return LesionPlan(np.zeros(len(lung), bool), ())
    volumes = draw_volumes(rng, float(ndtri(np.clip(1 - quantile, 0.01, 0.99))))
    widths = 10 * (6 * volumes / np.pi) ** (1 / 3)
    heights = widths * rng.lognormal(*HEIGHT_LOG_RATIO, len(volumes)) / slice_mm
    middles = _middles(rng, heights, np.flatnonzero(lung))
    high = _stretch(middles, heights, lung, wanted)
    heights = _stretched(heights, high)
    slices = _trim(rng, _union(middles, heights, lung), wanted)
    lesions = zip(volumes, middles, np.maximum(heights / 2, 0.5), strict=True)
    return LesionPlan(slices, tuple(PlannedLesion(float(v), float(m), float(h)) for v, m, h in lesions))


def empty_quantile(seed: int) -> float:
    """Where in the distribution of empty shares the patient of ``seed`` lies, from 0 (fewest empty slices) to 1."""
    return (seed % 2**32 + 1) * 0.6180339887498949 % 1.0


def lesion_slices(slices: int, quantile: float) -> int:
    """How many of a patient's ``slices`` hold lesion, so that both requirements of the module's text hold."""
    most, least = int((1 - EMPTY_LOW) * slices + 1e-9), int(np.ceil((1 - EMPTY_HIGH) * slices - 1e-9))
    if most <= least:
        return most
    # A whole number of slices: the quantile's own fraction decides which way to round, so that the mean stays.
    mean = float(np.clip((most - LESION_SHARE * slices) / (most - least), 0.02, 0.98))
    exact = most - (most - least) * float(betaincinv(4 * mean, 4 * (1 - mean), quantile))
    return int(np.clip(np.floor(exact + quantile * 997 % 1.0), least, most))


def _stretched(heights: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    """Heights times ``scale`` for the three largest lesions, less for the small ones."""
    weight = np.where(np.arange(len(heights)) < 3, 1.0, 0.4)
    return heights * scale**weight


def _stretch(middles: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], lung: Flags, wanted: int) -> float:
    """The smallest stretch with which the lesions fill ``wanted`` slices."""
    low, high = 0.05, 1.0
    while np.count_nonzero(_union(middles, _stretched(heights, high), lung)) < wanted:
        high *= 1.5
    for _ in range(20):
        scale = (low + high) / 2
        enough = np.count_nonzero(_union(middles, _stretched(heights, scale), lung)) >= wanted
        low, high = (low, scale) if enough else (scale, high)
    return high


def draw_volumes(rng: np.random.Generator, much: float) -> npt.NDArray[np.float64]:
    """Volumes in ml, largest first; ``much`` is a normal score that goes along with many and large lesions."""
    scores = 0.6 * much + 0.8 * rng.standard_normal(2)
    count = int(np.clip(round(np.exp(COUNT_LOG[0] + COUNT_LOG[1] * scores[0])), 1, MOST_LESIONS))
    largest = float(np.clip(np.exp(LARGEST_LOG_ML[0] + LARGEST_LOG_ML[1] * scores[1]), 0.5, LARGEST_ML))
    others = np.clip(rng.lognormal(*OTHER_LOG_ML, count - 1), SMALLEST_ML, largest)
    return np.concatenate([[largest], np.sort(others)[::-1]])


def _middles(
    rng: np.random.Generator, heights: npt.NDArray[np.float64], where: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Place lesions in z, more in the lower half of the lungs and often beside a larger one."""
    bottom, top = float(where[0]), float(where[-1])
    middles = bottom + (top - bottom) * rng.beta(1.7, 2.2, len(heights))
    for n in range(1, len(heights)):
        if rng.random() < 0.4:
            host = int(rng.integers(0, min(n, 3)))
            middles[n] = middles[host] + rng.uniform(-0.5, 0.5) * max(heights[host], 1.0)
    return np.clip(middles, bottom, top)


def _union(middles: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], lung: Flags) -> Flags:
    slices = np.arange(len(lung))
    reach = np.maximum(heights / 2, 0.5)
    filled = np.abs(slices[:, None] - middles[None, :]) <= reach[None, :]
    return np.asarray(filled.any(axis=1) & lung, bool)


def _trim(rng: np.random.Generator, filled: Flags, wanted: int) -> Flags:
    """Take slices away at the ends of runs until ``wanted`` are left."""
    kept = filled.copy()
    while np.count_nonzero(kept) > wanted:
        inner = kept & np.roll(kept, 1) & np.roll(kept, -1)
        kept[rng.choice(np.flatnonzero(kept & ~inner))] = False
    return kept
