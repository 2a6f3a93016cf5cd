from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.split import SPLITS, TARGET_PERCENT, Split, check_split, choose_split


def _grown(patients: int, counts: Counter[Split] | None = None) -> Counter[Split]:
    counts = Counter(counts)
    for _ in range(patients):
        counts[choose_split(counts)] += 1
    return counts


def test_the_first_four_patients_of_a_study_meet_the_targets_in_their_order() -> None:
    counts: Counter[Split] = Counter()
    order = []
    for _ in range(5):
        order.append(choose_split(counts))
        counts[order[-1]] += 1
    # After three patients train has a third, 22 points below 55 %; test has nothing, 15 points below.
    assert order == ["train", "calibration", "gate", "train", "test"]


def test_a_hundred_patients_are_divided_exactly_by_the_target_shares() -> None:
    assert _grown(100) == {"train": 55, "calibration": 15, "gate": 15, "test": 15}


@pytest.mark.parametrize("tied", [("calibration", "gate", "test"), ("gate", "test")])
def test_of_equally_short_splits_the_first_in_order_is_chosen(tied: tuple[Split, ...]) -> None:
    counts: dict[Split, int] = {"train": 11, "calibration": 3, "gate": 3, "test": 3}
    for split in tied:
        counts[split] = 2
    assert choose_split(counts) == tied[0]


@given(st.fixed_dictionaries({name: st.integers(0, 40) for name in SPLITS}))
def test_wherever_explicit_choices_left_a_study_it_grows_towards_its_targets(counts: Counter[Split]) -> None:
    grown = _grown(400, counts)
    total = sum(grown.values())
    for name in SPLITS:
        assert abs(grown[name] - TARGET_PERCENT[name] * total / 100) < 2


def test_an_unknown_split_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(LesionsegError, match="'valid'.*train, calibration, gate, test"):
        check_split("valid")
