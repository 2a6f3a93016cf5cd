"""Intervals and tests of numbers one can count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from lesionseg_training.statistics import bootstrap_interval, holm, paired_difference, wilcoxon


def test_the_interval_of_known_numbers() -> None:
    values = [0.2, 0.4, 0.6, 0.8]
    interval = bootstrap_interval(values)
    assert (interval["n"], interval["mean"]) == (4, pytest.approx(0.5))
    # All 4⁴ = 256 resamples by hand: the 2.5 % and 97.5 % quantiles of their means.
    means = np.sort([np.mean([values[int(d)] for d in np.base_repr(i, 4).zfill(4)]) for i in range(256)])
    assert interval["low"] == pytest.approx(means[int(0.025 * 256)], abs=0.051)
    assert interval["high"] == pytest.approx(means[int(0.975 * 256)], abs=0.051)
    assert (interval["low"], interval["high"]) == (pytest.approx(0.3), pytest.approx(0.7))


def test_the_interval_of_many_patients_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.1, 400).tolist()
    interval = bootstrap_interval(values)
    error = 1.96 * np.std(values) / 20
    assert interval["low"] == pytest.approx(np.mean(values) - error, abs=0.001)
    assert interval["high"] == pytest.approx(np.mean(values) + error, abs=0.001)
    assert bootstrap_interval(values) == interval


def test_equal_patients_leave_no_doubt_and_one_or_none_no_interval() -> None:
    assert bootstrap_interval([0.5, 0.5]) == {"n": 2, "mean": 0.5, "low": 0.5, "high": 0.5}
    assert bootstrap_interval([0.5]) == {"n": 1, "mean": 0.5, "low": None, "high": None}
    assert bootstrap_interval([]) == {"n": 0, "mean": None, "low": None, "high": None}


def test_a_difference_is_paired_by_patient_and_not_by_order() -> None:
    ours, theirs = {"a": 0.9, "b": 0.5, "c": 0.1}, {"c": 0.0, "a": 0.8, "b": 0.4, "d": 0.99}
    found = paired_difference(ours, theirs)
    assert (found["n"], found["mean"]) == (3, pytest.approx(0.1))
    assert (found["low"], found["high"], found["bound"]) == (pytest.approx(0.1),) * 3  # A shift of all is certain.


def test_the_one_sided_bound_lies_between_the_interval_and_the_mean() -> None:
    rng = np.random.default_rng(5)
    ours = {str(n): float(x) for n, x in enumerate(rng.normal(0.05, 0.1, 200))}
    found = paired_difference(ours, dict.fromkeys(ours, 0.0))
    error = np.std(list(ours.values())) / np.sqrt(200)
    assert found["bound"] == pytest.approx(np.mean(list(ours.values())) - 1.645 * error, abs=0.002)
    assert found["low"] < found["bound"] < found["mean"] < found["high"]


def test_one_pair_or_none_leaves_everything_open() -> None:
    one = paired_difference({"a": 1.0}, {"a": 0.5, "b": 0.0})
    assert one == {"n": 1, "mean": 0.5, "low": None, "high": None, "bound": None, "p": None}
    assert paired_difference({"a": 1.0}, {})["n"] == 0


def slow_signed_rank(differences: list[float]) -> float:
    """Share of all assignments of signs whose sum of positive ranks is at least as far from the middle."""
    order = np.argsort(np.abs(differences)).argsort() + 1
    middle = order.sum() / 2
    seen = abs(sum(rank for rank, one in zip(order, differences, strict=True) if one > 0) - middle)
    sums = [abs(np.dot(order, signs) - middle) for signs in itertools.product((0, 1), repeat=len(order))]
    return float(np.mean(np.array(sums) >= seen - 1e-9))


@pytest.mark.parametrize("differences", [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.1, -0.25, 0.3, 0.41, -0.05, 0.6, 0.72]])
def test_wilcoxon_counts_the_signs(differences: list[float]) -> None:
    assert wilcoxon(differences) == pytest.approx(slow_signed_rank(differences))


def test_too_few_pairs_that_differ_have_no_p() -> None:
    assert wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5]) is None
    assert wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5, 0.0, 0.0]) is None
    assert wilcoxon([]) is None


def test_holm_by_hand() -> None:
    # Of four: 0.01 × 4, 0.02 × 3, then 0.03 × 2 = 0.06 and 0.9; none below the one before it.
    assert holm([0.03, 0.01, None, 0.9, 0.02]) == [
        pytest.approx(0.06), pytest.approx(0.04), None, pytest.approx(0.9), pytest.approx(0.06),
    ]  # fmt: skip
    assert holm([0.04, 0.03]) == [pytest.approx(0.06)] * 2
    assert holm([0.7, 0.8]) == [1.0, 1.0]
    assert holm([None]) == [None]
