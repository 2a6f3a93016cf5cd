"""The brake: a round is not learned from if lesion would become much more or less common, or is often wrong."""

from __future__ import annotations

import pytest
from lesionseg_training.pseudo.brake import Prevalence, reasons_to_stop

KNOWN = Prevalence(lesion_slices=36, slices=100, lesion_ml=90.0, scans=3)


def test_a_round_like_the_labelled_cases_may_be_learned_from() -> None:
    assert reasons_to_stop(Prevalence(31, 100, 150.0, 4), KNOWN, 0.86) == []


@pytest.mark.parametrize(
    ("pseudo", "precision", "what"),
    [
        (Prevalence(10, 100, 90.0, 3), 0.9, "10% of the slices hold lesion, by the truth 36%"),
        (Prevalence(90, 100, 90.0, 3), 0.9, "90% of the slices hold lesion"),
        (Prevalence(36, 100, 300.0, 3), 0.9, "100.0 ml of lesion are in a scan, by the truth 30.0"),
        (Prevalence(0, 100, 0.0, 3), 0.9, "0% of the slices hold lesion"),
        (KNOWN, 0.79, "79% is lesion, less than 80%"),
    ],
)
def test_a_round_that_would_change_what_is_common_is_stopped_and_says_why(
    pseudo: Prevalence, precision: float, what: str
) -> None:
    assert what in " ".join(reasons_to_stop(pseudo, KNOWN, precision))


def test_nothing_kept_is_no_prevalence() -> None:
    assert len(reasons_to_stop(Prevalence(0, 0, 0.0, 0), KNOWN, 0.0)) == 3
