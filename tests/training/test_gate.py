"""The gate: a model is promoted if it is better, invents and misses no more, and marks about as much as there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lesionseg_training.cli import app
from lesionseg_training.gate import Verdict, judge
from typer.testing import CliRunner

from napari_lesionseg.models.card import ModelCard, save_model
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study

SHAPE = DualEncoderConfig(widths=(4, 8))


def scan(dice: float = 0.6, *, fp: float = 0.02, fn: float = 0.1, ml: float = 10.0) -> dict[str, Any]:
    """The figures of a scan of 30 slices with lesion (10 ml) and 70 without."""
    slices = {"n": 100, "lesion": 30, "empty": 70, "fp_rate_empty": fp, "fn_rate_lesion": fn}
    return {"dice": dice, "volume_truth_ml": 10.0, "volume_pred_ml": ml, "slices": slices}


def patients(count: int = 30, better: float = 0.0, **how: float) -> dict[str, list[dict[str, Any]]]:
    rng = np.random.default_rng(0)
    return {f"p{number}": [scan(0.6 + 0.1 * rng.normal() + better, **how)] for number in range(count)}


def failing(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.holds]


def test_a_better_model_is_promoted() -> None:
    verdict = judge(patients(), patients(better=0.02))
    assert verdict.promoted
    assert (verdict.patients, verdict.small) == (30, False)
    assert verdict.difference["mean"] == pytest.approx(0.02)


def test_a_model_that_is_the_same_stays_out() -> None:
    assert failing(judge(patients(), patients())) == ["Dice, difference"]


def test_a_gain_that_may_as_well_be_a_loss_stays_out() -> None:
    candidate = patients()
    for number, (result,) in enumerate(candidate.values()):
        result["dice"] += 0.2 if number % 2 else -0.19  # On the mean 0.005 better.
    assert failing(judge(patients(), candidate)) == ["Dice, exceeds (95 %)"]


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"fp": 0.031}, "False-positive slices"),
        ({"fn": 0.12}, "Missed lesion slices"),
        ({"ml": 21.0}, "Volume marked over volume of lesion"),
        ({"ml": 4.0}, "Volume marked over volume of lesion"),
    ],
)
def test_better_dice_does_not_excuse_what_else_got_worse(how: dict[str, float], name: str) -> None:
    assert failing(judge(patients(), patients(better=0.05, **how))) == [name]


def test_a_champion_that_invented_lesion_does_not_open_the_gate_to_one_that_does() -> None:
    verdict = judge(patients(fp=0.6), patients(better=0.05, fp=0.6))
    assert failing(verdict) == ["Slices marked over slices with lesion"]  # (27 + 42) of 30.


def test_a_collapsed_model_stays_out() -> None:
    empty = {name: [scan(0.0, fp=0.0, fn=1.0, ml=0.0)] for name in patients()}
    assert not judge(patients(), empty).promoted
    assert not judge(empty, empty).promoted


def test_patients_without_lesion_count_for_what_is_invented_on_them() -> None:
    healthy = {"dice": None, "volume_truth_ml": 0.0, "volume_pred_ml": 5.0}
    slices = {"n": 100, "lesion": 0, "empty": 100, "fn_rate_lesion": None}
    before = patients() | {"h": [healthy | {"slices": slices | {"fp_rate_empty": 0.0}}]}
    after = patients(better=0.05) | {"h": [healthy | {"slices": slices | {"fp_rate_empty": 0.9}}]}
    assert failing(judge(before, after)) == ["False-positive slices"]


def test_a_small_gate_says_so_and_one_patient_is_never_enough() -> None:
    assert judge(patients(6), patients(6, better=0.02)).small
    assert not judge(patients(1), patients(1, better=0.02)).promoted


def test_other_patients_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="different patients"):
        judge(patients(3), patients(4))


def test_the_command_says_why_and_ends_with_1_if_it_rejects(study: Study, add_case, tmp_path: Path) -> None:
    for name in ("a", "b"):
        study.add_revision(name, "truth", add_case(name, split="gate"))
    torch.manual_seed(0)
    save_model(
        tmp_path / "m",
        DualEncoderUNet(SHAPE, prior=0.001),
        ModelCard(name="m", architecture=SHAPE, preprocessing=Preprocessing(size=64)),
    )
    words = ["gate", str(tmp_path / "m"), str(tmp_path / "m"), str(study.folder), "--device", "cpu"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 1
    assert "FAILS  Dice, difference" in told.stdout
    assert "rejected, on 2 patients" in told.stdout
    figures = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (figures["promoted"], figures["patients"], figures["small"]) == (False, 2, True)
