"""Two thresholds with a band between: each keeps its promise, and the band is no background."""

from __future__ import annotations

import numpy as np
import pytest
from lesionseg_training.pseudo.bands import IGNORE, Bands, Levels, count_levels, fit_bands

from napari_lesionseg.errors import LesionsegError


def levels(lesion: dict[int, int], other: dict[int, int]) -> Levels:
    counts = np.zeros((2, 256), np.int64)
    for row, given in enumerate((lesion, other)):
        for level, count in given.items():
            counts[row, level] = count
    return Levels(*counts)


def test_high_is_the_lowest_level_with_the_precision_and_low_the_highest_that_misses_little() -> None:
    found = fit_bands([levels({10: 2, 120: 38, 200: 60}, {5: 900, 100: 50, 120: 20, 200: 5})])
    assert (found.low, found.high) == (119, 121)  # From 120 on 98 of 123 are lesion, above it 60 of 65.
    assert found.precision == pytest.approx(60 / 65)
    assert found.missed == pytest.approx(0.02)


def test_scans_are_added_up() -> None:
    parts = [levels({200: 30}, {200: 20}), levels({200: 70}, {10: 100})]
    assert fit_bands(parts, precision=0.8).high == 11


def test_the_bands_never_meet() -> None:
    found = fit_bands([levels({255: 100}, {0: 1000})])
    assert found.low < found.high
    assert found.label(np.array([0, 1, 255], np.uint8)).tolist()[0] == 0


def test_what_lies_between_is_ignored_and_not_background() -> None:
    labels = Bands(40, 180, 0.9, 0.02).label(np.array([0, 40, 41, 179, 180, 255], np.uint8))
    assert labels.tolist() == [0, 0, IGNORE, IGNORE, 1, 1]


def test_a_model_whose_marks_are_mostly_wrong_has_no_threshold() -> None:
    with pytest.raises(LesionsegError, match=r"At no threshold are 90% .*at most 60%"):
        fit_bands([levels({200: 60, 10: 40}, {200: 40, 5: 900, 10: 500})])


def test_without_lesion_nothing_can_be_fitted() -> None:
    with pytest.raises(LesionsegError, match="no lesion to fit"):
        fit_bands([levels({}, {3: 10})])


def test_levels_are_counted_inside_the_lungs_and_wherever_there_is_lesion() -> None:
    probability = np.array([[[10, 20, 30, 40]]], np.uint8)
    truth, lungs = np.array([[[0, 1, 0, 0]]]), np.array([[[1, 0, 1, 0]]])
    found = count_levels(probability, truth, lungs)
    assert np.flatnonzero(found.lesion).tolist() == [20]
    assert np.flatnonzero(found.other).tolist() == [10, 30]
    assert np.flatnonzero(count_levels(probability, truth).other).tolist() == [10, 30, 40]
