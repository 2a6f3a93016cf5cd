"""The promotion gate: whether a candidate is better than the champion, on patients neither has learned from.

A model is promoted only if every check holds. In a first trial a gate of six patients let a worse model through, so it
says when it is small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lesionseg_training.evaluate import patient_values
from lesionseg_training.statistics import paired_difference

Result = dict[str, Any]
Patients = Mapping[str, Sequence[Result]]
"""Patient to the figures of each scan, as :func:`lesionseg_training.evaluate.evaluate_model` gives them."""

WORST_DICE = -0.005
"""The difference in Dice that must be excluded with a confidence of 95 %, one-sided."""
MORE_SLICES = 0.01
"""By how much the shares of false-positive and of missed slices may rise."""
PREVALENCE = (0.5, 2.0)
"""Predicted lesion over true lesion, in slices and in ml."""
FEWEST_PATIENTS = 25


@dataclass(frozen=True)
class Check:
    """One condition: what was found, what is asked, and whether it holds; None: it could not be told."""

    name: str
    found: float | None
    asked: str
    holds: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, and why.

    Parameters
    ----------
    patients
        With lesion, that both models were compared on.
    difference
        Candidate less champion in Dice, see :func:`lesionseg_training.statistics.paired_difference`.
    small
        Whether the gate has fewer patients than can be relied on.
    """

    promoted: bool
    checks: tuple[Check, ...]
    patients: int
    difference: dict[str, Any]
    small: bool


def judge(champion: Patients, candidate: Patients) -> Verdict:
    """Decide whether ``candidate`` may take the champion's place; both are of the same patients.

    Raises
    ------
    ValueError
        If they are not.
    """
    if champion.keys() != candidate.keys():
        raise ValueError("champion and candidate were judged on different patients")
    ours, theirs = patient_values(candidate, "dice"), patient_values(champion, "dice")
    difference = paired_difference(ours, theirs)
    mean, bound = difference["mean"], difference["bound"]
    checks = (
        Check("Dice, difference", mean, "above 0", mean is not None and mean > 0),
        Check("Dice, exceeds (95 %)", bound, f"above {WORST_DICE}", bound is not None and bound > WORST_DICE),
        _no_more("False-positive slices", champion, candidate, "fp_rate_empty"),
        _no_more("Missed lesion slices", champion, candidate, "fn_rate_lesion"),
        _prevalence("Slices marked over slices with lesion", *_slices(candidate)),
        _prevalence("Volume marked over volume of lesion", *_volumes(candidate)),
    )
    count = len(ours)
    return Verdict(all(check.holds for check in checks), checks, count, dict(difference), count < FEWEST_PATIENTS)


def _no_more(name: str, champion: Patients, candidate: Patients, key: str) -> Check:
    """A share that may not rise by more than a point; where no patient has such slices there is nothing to rise."""
    before, after = (list(patient_values(patients, key).values()) for patients in (champion, candidate))
    if not after:
        return Check(name, None, "no such slice", True)
    limit = float(np.mean(before)) + MORE_SLICES
    found = float(np.mean(after))
    return Check(name, found, f"at most {limit:.3f}", found <= limit)


def _prevalence(name: str, marked: float, lesion: float) -> Check:
    low, high = PREVALENCE
    found = marked / lesion if lesion else None
    return Check(name, found, f"{low} to {high}", found is not None and low <= found <= high)


def _slices(patients: Patients) -> tuple[float, float]:
    """Slices that are marked, and slices with lesion."""
    marked = lesion = 0.0
    for one in _results(patients):
        slices = one["slices"]
        lesion += slices["lesion"]
        marked += slices["lesion"] * (1 - (slices["fn_rate_lesion"] or 0.0))
        marked += slices["empty"] * (slices["fp_rate_empty"] or 0.0)
    return marked, lesion


def _volumes(patients: Patients) -> tuple[float, float]:
    results = _results(patients)
    return sum(one["volume_pred_ml"] for one in results), sum(one["volume_truth_ml"] for one in results)


def _results(patients: Patients) -> list[Result]:
    return [result for results in patients.values() for result in results]
