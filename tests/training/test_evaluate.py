from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from lesionseg_training.data import TrainingCase
from lesionseg_training.evaluate import evaluate_model, mean_figures, patient_values, quick_dice
from lesionseg_training.sampling import Pools
from torch import Tensor, nn

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import LoadedModel, ModelCard
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask
from tests.training.bright import SHAPE, Bright


class Nothing(Bright):
    def decode(self, features_a: list[Tensor], features_b: list[Tensor]) -> Tensor:
        return -20 + 0 * features_a[0]


def _model(network: nn.Module) -> LoadedModel:
    card = ModelCard(name="hand-made", architecture=SHAPE, preprocessing=Preprocessing(size=64))
    return LoadedModel(network, card)  # type: ignore[arg-type]


@pytest.fixture
def gate(study: Study, add_case) -> Study:
    """Two patients with lesions, of whom one was scanned twice, the second time with another truth; one without."""
    study.add_revision("a1", "truth", add_case("a1", patient="a", split="gate"))
    second = add_case("a2", patient="a", split="gate")
    second.array[:, :14] = 0
    study.add_revision("a2", "truth", second)  # Half of what is bright: Dice 2/3.
    study.add_revision("b1", "truth", add_case("b1", patient="b", split="gate"))
    study.add_revision("c1", "truth", add_case("c1", patient="c", lesion=(), split="gate"))
    return study


def test_two_scans_of_a_patient_count_once(gate: Study) -> None:
    figures = evaluate_model(_model(Bright()), gate, "gate", device="cpu")
    dice = {case: result["dice"] for case, result in figures["cases"].items()}
    assert dice["a2"] == pytest.approx(2 / 3, abs=0.05)
    assert dice["a1"] == pytest.approx(1.0, abs=0.03)
    assert dice["c1"] is None
    mean = figures["mean"]["dice"]
    assert mean["n"] == 2
    assert mean["mean"] == pytest.approx(((dice["a1"] + dice["a2"]) / 2 + dice["b1"]) / 2)
    assert (figures["split"], figures["model"], figures["patients"]) == ("gate", "hand-made", 3)


def test_a_scan_without_lesion_is_not_in_the_mean_of_its_patient(gate: Study, add_case) -> None:
    healthy = add_case("b2", patient="b", split="gate")  # Bright, but by the truth it is no lesion.
    gate.add_revision("b2", "truth", Mask(np.zeros_like(healthy.array), healthy.geometry))
    figures = evaluate_model(_model(Bright()), gate, "gate", device="cpu")
    assert figures["cases"]["b2"]["dice"] == 0
    assert figures["mean"]["dice"]["mean"] > 0.8


def test_a_missed_lesion_counts_as_nought(gate: Study) -> None:
    mean = evaluate_model(_model(Nothing()), gate, "gate", device="cpu")["mean"]
    assert (mean["dice"]["n"], mean["dice"]["mean"], mean["iou"]["mean"]) == (2, 0, 0)
    assert mean["hd95_mm"] == {"n": 0, "mean": None, "low": None, "high": None}


def test_figures_of_a_missed_lesion_and_of_a_healthy_scan_are_kept_apart(gate: Study) -> None:
    mean = evaluate_model(_model(Nothing()), gate, "gate", device="cpu")["mean"]
    assert (mean["failures"]["n"], mean["failures"]["mean"]) == (2, 1)  # Patients a and b; c is healthy.
    assert mean["abs_volume_error_percent"]["mean"] == pytest.approx(100)
    assert (mean["fn_rate_lesion"]["mean"], mean["fp_rate_empty"]["mean"]) == (1, 0)
    assert (mean["fp_rate_empty"]["n"], mean["false_positive_ml_healthy"]["n"]) == (3, 1)
    assert mean["mean_dice_all"]["mean"] == pytest.approx((0.7 + 0.7 + 1) / 3)  # Seven of ten slices are empty.


def test_what_is_invented_in_a_healthy_scan_is_told_in_ml() -> None:
    slices = {"fp_rate_empty": 0.5, "mean_dice_all": 0.5, "mean_dice_marked": 0.0}
    healthy = {"volume_truth_ml": 0.0, "false_positive_ml": 7.0, "dice": 0.0, "slices": slices}
    sick = {
        "volume_truth_ml": 9.0,
        "false_positive_ml": 1.0,
        "dice": 0.25,
        "volume_error_percent": -40.0,
        "slices": slices,
    }
    by_patient = {"p": [healthy, sick], "q": [sick | {"dice": 0.75, "volume_error_percent": 20.0}]}
    mean = mean_figures(by_patient)
    assert (mean["false_positive_ml_healthy"]["n"], mean["false_positive_ml_healthy"]["mean"]) == (1, 7.0)
    assert mean["false_positive_ml"]["mean"] == pytest.approx((4.0 + 1.0) / 2)
    assert mean["dice"]["mean"] == pytest.approx(0.5)
    assert mean["failures"]["mean"] == 0.5
    assert mean["abs_volume_error_percent"]["mean"] == pytest.approx(30)
    assert patient_values(by_patient, "dice") == {"p": 0.25, "q": 0.75}
    assert mean["calibration_error"] == {"n": 0, "mean": None, "low": None, "high": None}


def test_some_patients_of_a_split_can_be_asked_for_and_each_prediction_looked_at(gate: Study) -> None:
    seen = []
    figures = evaluate_model(
        *(_model(Bright()), gate, "gate"),
        device="cpu",
        patients={"a"},
        look=lambda case, scan, prediction, truth: seen.append((case.id, prediction.mask().volume_ml, truth.volume_ml)),
    )
    assert list(figures["cases"]) == [case for case, _, _ in seen] == ["a1", "a2"]
    for case, predicted, true in seen:
        assert figures["cases"][case]["volume_pred_ml"] == predicted
        assert figures["cases"][case]["volume_truth_ml"] == true


def test_calibration_needs_lungs(gate: Study, phantoms: Study) -> None:
    without = evaluate_model(_model(Nothing()), gate, "gate", device="cpu")
    assert without["mean"]["calibration_error"]["n"] == 0  # The hand-made scans have none.
    figures = evaluate_model(_model(Nothing()), phantoms, "calibration", device="cpu")
    (case,) = figures["cases"].values()
    assert 0 < case["calibration_error"] < 1  # Nothing is found, so the error is the share of the lungs that is lesion.
    assert figures["mean"]["calibration_error"]["mean"] == case["calibration_error"]


def test_progress_is_told_case_by_case(gate: Study) -> None:
    told: list[tuple[int, int]] = []
    evaluate_model(
        _model(Nothing()), gate, "gate", device="cpu", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_correction_is_no_truth_to_be_measured_by(study: Study, add_case) -> None:
    study.add_revision("a1", "correction", add_case("a1", split="gate"))
    with pytest.raises(LesionsegError, match="has no case with truth in the split gate; add some or choose another"):
        evaluate_model(_model(Nothing()), study, "gate", device="cpu")


def _bright_case(lesion: tuple[int, ...], vouched: tuple[int, ...] | None = None) -> TrainingCase:
    """Ten slices with a bright square; the target has it in the slices of ``lesion`` alone."""
    slices = np.zeros((10, 16, 16), np.uint8)
    slices[:, 4:8, 4:8] = 255
    soft = np.zeros_like(slices)
    soft[list(lesion), 4:8, 4:8] = 255
    usable = None
    if vouched is not None:
        usable = np.isin(np.arange(10), vouched)
    return TrainingCase("c", "c", slices, soft, Pools.of(np.any(soft, axis=(1, 2)), usable))


@pytest.mark.parametrize(
    ("lesion", "stride", "expected"),
    [
        (tuple(range(10)), 1, 1.0),
        ((0, 1, 2, 3, 4), 1, 2 * 5 / 15),
        ((2, 6), 4, 2 * 2 / 4),  # Slices 2 and 6 are looked at …
        ((0, 1, 3, 4, 5, 7, 8, 9), 4, 0.0),  # … and no other.
        ((5,), 100, 0.0),  # A stride beyond the scan looks at its last slice.
        ((9,), 100, 1.0),
    ],
)
def test_the_quick_dice_is_that_of_every_so_manieth_slice(
    lesion: tuple[int, ...], stride: int, expected: float
) -> None:
    assert quick_dice(Bright(), _bright_case(lesion), "cpu", 0.5, stride) == pytest.approx(expected)


@pytest.mark.parametrize("stride", [1, 2, 3, 8])
def test_the_quick_dice_looks_at_slices_a_human_vouches_for(stride: int) -> None:
    assert quick_dice(Bright(), _bright_case((4, 5), vouched=(4, 5)), "cpu", 0.5, stride) == 1


def test_the_quick_dice_of_nothing_and_nothing_is_not_defined() -> None:
    assert quick_dice(Nothing(), _bright_case(()), "cpu", 0.5, 1) is None


@pytest.mark.parametrize(("threshold", "expected"), [(0.75, 1.0), (0.85, 0.0)])
def test_the_quick_dice_cuts_at_the_threshold(threshold: float, expected: float) -> None:
    case = _bright_case(tuple(range(10)))
    grey = dataclasses.replace(case, slices=np.where(case.slices > 0, np.uint8(146), np.uint8(0)))  # σ(1.45) = 0.81
    assert quick_dice(Bright(), grey, "cpu", threshold, 1) == expected


def test_the_network_is_left_in_training_mode(tmp_path: Path) -> None:
    network = Bright().train()
    quick_dice(network, _bright_case((1,)), "cpu", 0.5, 1)
    assert network.training
    assert torch.is_grad_enabled()
