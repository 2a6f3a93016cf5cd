"""No patient is on both sides of a fold."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.volumes.export.folds import patient_folds


@pytest.mark.parametrize("seed", range(20))
def test_no_patient_is_on_both_sides_and_no_case_is_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patients = {f"c{n}": f"p{rng.integers(int(rng.integers(2, 12)))}" for n in range(int(rng.integers(2, 30)))}
    folds = patient_folds(patients)
    if len(set(patients.values())) < 2:
        assert folds == []
        return
    assert len(folds) == 5
    for fold in folds:
        assert sorted(fold["train"] + fold["val"]) == sorted(patients)
        assert fold["train"] and fold["val"]
        assert not {patients[case] for case in fold["train"]} & {patients[case] for case in fold["val"]}
    assert {case for fold in folds for case in fold["val"]} == set(patients)


def test_folds_are_balanced_by_cases_not_by_patients() -> None:
    sizes = {"a": 6, "b": 2, "c": 2, "d": 2, "e": 2, "f": 2, "g": 2}  # 18 cases of 7 patients.
    patients = {f"{patient}{n}": patient for patient, count in sizes.items() for n in range(count)}
    assert sorted(len(fold["val"]) for fold in patient_folds(patients)) == [2, 2, 4, 4, 6]


def test_three_patients_still_give_five_folds_one_patient_none() -> None:
    folds = patient_folds({"c1": "p1", "c2": "p2", "c3": "p3", "c4": "p1"})
    assert [fold["val"] for fold in folds] == [["c1", "c4"], ["c2"], ["c3"], ["c1", "c4"], ["c2"]]
    assert patient_folds({"c1": "p1", "c2": "p1"}) == []


def test_the_same_cases_give_the_same_folds() -> None:
    patients = {f"c{n}": f"p{n % 7}" for n in range(23)}
    assert patient_folds(patients) == patient_folds(dict(patients))
