"""What figures of a few patients can say: intervals by the bootstrap, paired differences, tests for several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
FEWEST_PAIRS = 6  # Of five, no two-sided p can be below 0.05.

Figures = dict[str, float | int | None]


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> Figures:
    """Mean with its 95 % percentile-bootstrap interval over patients; no interval for fewer than two."""
    if not values:
        return {"n": 0, "mean": None, "low": None, "high": None}
    sample = np.asarray(values, float)
    if len(sample) < 2:
        return {"n": 1, "mean": float(sample[0]), "low": None, "high": None}
    low, high = np.percentile(_means(sample, seed), (2.5, 97.5))
    return {"n": len(sample), "mean": float(sample.mean()), "low": float(low), "high": float(high)}


def paired_difference(ours: Mapping[str, float], theirs: Mapping[str, float], seed: int = 0) -> Figures:
    """Compare two contenders patient by patient, over the patients that both have a figure of.

    Returns
    -------
    dict
        ``n`` pairs; the ``mean`` of ours less theirs with its 95 % bootstrap interval ``low`` … ``high``; ``bound``,
        which the difference exceeds with a confidence of 95 % (one-sided); ``p`` of :func:`wilcoxon`.
    """
    differences = np.array([ours[patient] - theirs[patient] for patient in sorted(ours.keys() & theirs.keys())])
    bound = float(np.percentile(_means(differences, seed), 5)) if len(differences) > 1 else None
    interval = bootstrap_interval(differences.tolist(), seed)
    return interval | {"bound": bound, "p": wilcoxon(differences.tolist())}


def wilcoxon(differences: Sequence[float]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test; None for fewer than six pairs that differ."""
    from scipy import stats  # Takes long to import.

    unequal = [one for one in differences if one != 0]
    return float(stats.wilcoxon(unequal).pvalue) if len(unequal) >= FEWEST_PAIRS else None


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct the p of several comparisons with one reference (Holm, Scand. J. Stat. 1979); None stays None.

    An undefined p is a comparison that was not made, and does not make the others stricter.
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        corrected[index] = highest
    return corrected


def _means(sample: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Mean of each resample, drawn with replacement."""
    draws = np.random.default_rng(seed).integers(len(sample), size=(RESAMPLES, len(sample)))
    return np.asarray(sample[draws].mean(axis=1))
