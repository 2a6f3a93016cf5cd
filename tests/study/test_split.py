from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.split import SPLITS, TARGET_PERCENT, Split, check_split, choose_split


def _grown(patients: int, seed: int, counts: Counter[Split] | None = None) -> Counter[Split]:
    counts = Counter(counts)
    for number in range(patients):
        counts[choose_split(counts, seed, f"patient-{number}")] += 1
    return counts


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_study_can_be_trained_on_and_looked_at(seed: int) -> None:
    assert choose_split({}, seed, "anyone") == "train"
    assert choose_split({"train": 1}, seed, "anyone else") == "calibration"


def test_the_hash_of_seed_and_patient_draws_from_the_splits_that_lack_patients() -> None:
    # 20 patients with this one: a share of 11 for train, which has 12, and 3 for each other; gate lacks 2 and test 1.
    counts: dict[Split, int] = {"train": 12, "calibration": 4, "gate": 1, "test": 2}
    drawn = Counter(choose_split(counts, seed, f"p{patient}") for seed in range(30) for patient in range(100))
    assert set(drawn) == {"gate", "test"}
    assert drawn["gate"] / 3000 == pytest.approx(2 / 3, abs=0.03)


def test_the_same_seed_and_patient_draw_the_same_whatever_the_case_of_the_id() -> None:
    counts: dict[Split, int] = {"train": 2, "calibration": 1}
    drawn = [choose_split(counts, 7, patient) for patient in ("Anna-1", "anna-1", "ANNA-1")]
    assert len(set(drawn)) == 1
    assert len({choose_split(counts, seed, "Anna-1") for seed in range(50)}) > 1


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_patients_are_divided_by_the_target_shares(seed: int) -> None:
    counts = _grown(100, seed)
    assert sum(counts.values()) == 100
    assert all(abs(counts[name] - TARGET_PERCENT[name]) < 3 for name in SPLITS)


@given(st.fixed_dictionaries({name: st.integers(0, 40) for name in SPLITS}), st.integers(0, 2**31))
def test_wherever_explicit_choices_left_a_study_it_grows_towards_its_targets(counts: Counter[Split], seed: int) -> None:
    grown = _grown(400, seed, counts)
    total = sum(grown.values())
    for name in SPLITS:
        assert abs(grown[name] - TARGET_PERCENT[name] * total / 100) < 3  # Three others may be a patient ahead each.


def test_an_unknown_split_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(LesionsegError, match="'valid'.*train, calibration, gate, test"):
        check_split("valid")
