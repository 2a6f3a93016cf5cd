"""Fitting the guard: it removes what is unsure or small, and is left off where it would only fit a few patients."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from lesionseg_training.guard import find_marks, fit_guard

from napari_lesionseg.models.config import Guard


def scan(false_top: int, seed: int = 0, lesion_top: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Six slices: a lesion of 16 pixels on the first three, a false mark of 4 pixels on the others."""
    probability = np.random.default_rng(seed).integers(0, 20, (6, 12, 12)).astype(np.uint8)
    truth = np.zeros_like(probability)
    truth[:3, 2:6, 2:6] = 1
    probability[:3, 2:6, 2:6] = 180
    probability[:3, 3, 3] = lesion_top
    probability[3:, 8:10, 8:10] = false_top
    return probability, truth


def patients(*scans: tuple[np.ndarray, np.ndarray]) -> list[list[partial]]:
    return [[partial(find_marks, probability, truth, pixel_mm2=1.0)] for probability, truth in scans]


def test_marks_are_counted_slice_by_slice() -> None:
    marks = find_marks(*scan(150), threshold=0.5, pixel_mm2=0.5)
    assert marks.slice.tolist() == [0, 1, 2, 3, 4, 5]
    assert marks.area_mm2.tolist() == [8.0] * 3 + [2.0] * 3
    assert marks.top.tolist() == [240] * 3 + [150] * 3
    assert marks.hits.tolist() == [16] * 3 + [0] * 3
    assert marks.score(Guard()) == pytest.approx(96 / (60 + 48) - 0.5)
    assert marks.score(Guard(top=0.8)) == 1.0
    assert marks.score(Guard(minimum_mm2=5)) == 1.0


def test_what_is_worse_on_every_patient_is_held_back() -> None:
    fitted = fit_guard(patients(scan(150), scan(160, 1), scan(140, 2)))
    assert fitted.score == pytest.approx(1.0)
    assert fitted.plain_score < 0.5
    assert fitted.guard is not None or fitted.threshold > 0.6
    for probability, truth in (scan(150, 5), scan(155, 6)):
        assert find_marks(probability, truth, fitted.threshold, 1.0).score(fitted.guard or Guard()) == 1.0


def test_where_nothing_is_wrong_the_plain_threshold_stays() -> None:
    fitted = fit_guard(patients(scan(20), scan(20, 1)))
    assert (fitted.threshold, fitted.guard) == (0.5, None)


def test_a_guard_that_would_cost_the_other_patients_lesions_is_left_off() -> None:
    unsure_and_wrong = scan(150)
    unsure_and_right = scan(20, 1, lesion_top=180)
    unsure_and_right[0][:3] = np.where(unsure_and_right[1][:3] > 0, 150, unsure_and_right[0][:3])
    fitted = fit_guard(patients(unsure_and_wrong, unsure_and_right))
    assert (fitted.threshold, fitted.guard) == (0.5, None)


def test_one_patient_is_too_few_to_fit_on() -> None:
    assert fit_guard(patients(scan(150))).guard is None
