"""Tables and figures of a comparison whose figures one can count, made again from its file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lesionseg_training.compare_figures import recall_by_size, write_figures
from lesionseg_training.compare_tables import cost, pairs, write_tables
from lesionseg_training.comparison import (
    Comparison,
    Contender,
    Trained,
    find_label,
    load_comparison,
    load_trained,
    save_comparison,
)
from lesionseg_training.slice_pictures import SlicePictures

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.tables import read_csv

GRID = Geometry.from_spacing((6, 20, 20), (5.0, 2.0, 2.0))
PATIENTS = 7


def masks(seed: int, missed: int) -> tuple[Mask, Mask]:
    """Truth of three slices; the prediction lacks ``missed`` rows of twelve."""
    truth, predicted = Mask.empty(GRID), Mask.empty(GRID)
    truth.array[1:4, 2:14, 3 : 10 + seed] = 1
    predicted.array[1:4, 2 : 14 - missed, 3 : 10 + seed] = 1
    return predicted, truth


def trained(run: str, missed: int, **values: Any) -> Trained:
    cases = {}
    for seed in range(PATIENTS):
        figures = evaluate(*masks(seed, missed + seed % 2))
        cases[f"c{seed}"] = figures | {"calibration_error": None, "true_lesions": [(0.5, 0.0), (20.0, 0.5)]}
    history = [{"epoch": n, "loss": 1 / n, "dice": None if n == 1 else 0.1 * n, "seconds": 2.0} for n in (1, 2, 3)]
    patients = {case: f"p{case}" for case in cases}
    made = Trained(run, cases, patients, history, 6.0, 0.5, 900.0, None, 1234, 30, 4096)
    return dataclasses.replace(made, **values)


@pytest.fixture
def comparison() -> Comparison:
    contenders = (
        Contender("good", "tiny", (trained("good-tiny", 0),)),
        Contender("poor", "tiny", (trained("poor-tiny", 6),)),
        Contender("fair", "tiny", (trained("fair-tiny", 2),)),
    )
    return Comparison("calibration", 0, "good-tiny", contenders, {"hardware": "x"})


def test_a_comparison_comes_back_from_its_file_as_it_was(comparison: Comparison, tmp_path: Path) -> None:
    save_comparison(tmp_path / "comparison.json", comparison)
    back = load_comparison(tmp_path / "comparison.json")
    save_comparison(tmp_path / "again.json", back)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "comparison.json").read_bytes()
    assert back.contenders[1].by_patient.keys() == comparison.contenders[1].by_patient.keys()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"contenders": [{}]}'])
def test_a_file_that_is_no_comparison_is_said_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(LesionsegError, match=r"comparison\.json"):
        load_comparison(tmp_path / "comparison.json")
    with pytest.raises(LesionsegError, match=r"comparison\.json .*made again"):
        load_trained(tmp_path / "comparison.json")


def test_the_tables_hold_the_figures_of_the_cases(comparison: Comparison, tmp_path: Path) -> None:
    written = {path.name for path in write_tables(tmp_path, comparison)}
    names = ("accuracy", "averaging", "cost", "paired")
    assert written == {f"{name}.{ending}" for name in names for ending in ("csv", "md")}
    header, *rows = read_csv(tmp_path / "accuracy.csv")
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["contender"] for row in found] == ["good-tiny", "poor-tiny", "fair-tiny"]
    of_cases = [result["dice"] for result in comparison.contenders[1].cases.values()]
    assert float(found[1]["Dice"]) == pytest.approx(np.mean(of_cases), abs=1e-5)
    assert float(found[1]["Dice low"]) < float(found[1]["Dice"]) < float(found[1]["Dice high"])
    assert found[0]["patients"] == str(PATIENTS)
    shown = (tmp_path / "accuracy.md").read_text(encoding="utf-8").splitlines()
    assert len(shown) == 5
    assert f"{np.mean(of_cases):.3f} [" in shown[3]


def test_slices_are_averaged_scan_by_scan_and_as_one_heap(comparison: Comparison, tmp_path: Path) -> None:
    long = Geometry.from_spacing((60, 20, 20), (5.0, 2.0, 2.0))
    truth = Mask.empty(long)
    truth.array[0, :10] = 1
    missed = evaluate(Mask.empty(long), truth) | {"calibration_error": None, "true_lesions": []}
    good = comparison.contenders[0].runs[0]
    two = dataclasses.replace(good, cases={"c0": good.cases["c0"], "c1": missed})
    write_tables(tmp_path, dataclasses.replace(comparison, contenders=(Contender("good", "tiny", (two,)),)))
    header, *rows = read_csv(tmp_path / "averaging.csv")
    found = {row[1]: dict(zip(header, row, strict=True)) for row in rows}
    every = found["a slice, all (both empty is 1)"]
    assert float(every["Dice"]) == pytest.approx((1 + 59 / 60) / 2, abs=1e-5)
    assert float(every["Dice, slices of all scans"]) == pytest.approx((6 + 59) / 66, abs=1e-5)
    lesion = found["a slice, with lesion"]
    assert float(lesion["Dice"]) == pytest.approx(1 / 2)
    assert float(lesion["Dice, slices of all scans"]) == pytest.approx(3 / 4)


def test_everyone_is_held_against_the_reference_and_the_p_is_corrected(comparison: Comparison) -> None:
    dice = {pair.contender: pair for pair in pairs(comparison) if pair.figure == "dice"}
    assert list(dice) == ["poor-tiny", "fair-tiny"]
    ours, theirs = comparison.contenders[1].cases, comparison.contenders[0].cases
    expected = np.mean([ours[case]["dice"] - theirs[case]["dice"] for case in ours])
    assert dice["poor-tiny"].difference["mean"] == pytest.approx(expected)
    assert dice["poor-tiny"].difference["high"] < 0
    assert dice["poor-tiny"].difference["p"] == pytest.approx(2 / 2**PATIENTS)
    assert dice["poor-tiny"].holm == pytest.approx(4 / 2**PATIENTS)


def test_the_reference_can_be_another(comparison: Comparison) -> None:
    other = dataclasses.replace(comparison, against="poor-tiny")
    assert {pair.contender for pair in pairs(other)} == {"good-tiny", "fair-tiny"}
    labels = ["dual_encoder-robust", "unet2d-robust", "unet2d-seed"]
    assert find_label(labels, None) == find_label(labels, "dual_encoder") == "dual_encoder-robust"
    assert find_label(labels, "unet2d-seed") == "unet2d-seed"
    for asked in ("unet2d", "unet9d"):
        with pytest.raises(LesionsegError, match=f"--against {asked} is not one of the contenders"):
            find_label(labels, asked)


def test_folds_are_joined_and_cost_their_largest_memory_and_mean_time() -> None:
    first = trained("g-1", 0, peak_mb=500.0, training_s=4.0)
    second = trained("g-2", 0, peak_mb=700.0, training_s=8.0)
    renamed = dataclasses.replace(
        second,
        cases={f"x{case}": figures for case, figures in second.cases.items()},
        patients={f"x{case}": f"x{patient}" for case, patient in second.patients.items()},
    )
    both = Contender("g", "tiny", (first, renamed))
    assert len(both.by_patient) == 2 * PATIENTS
    assert cost(both) == {
        "parameters": 1234, "peak_mb": 700, "gpu_mb": None,
        "training_s": 6, "infer_s": 0.5, "steps": 30, "pixels": 4096,
    }  # fmt: skip


def test_lesions_are_counted_by_their_size(comparison: Comparison) -> None:
    found = recall_by_size(comparison.contenders[0])
    assert found == [(0.0, PATIENTS), (None, 0), (1.0, PATIENTS), (None, 0)]


def test_all_four_figures_are_drawn_from_the_file_and_the_pictures(comparison: Comparison, tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(-800, 50, GRID.display_shape).astype(np.int16)
    for contender in comparison.contenders:
        pictures = SlicePictures()
        for seed in range(PATIENTS):
            pictures.add(f"c{seed}", Volume(voxels, GRID), *masks(seed, 3))
        assert len(pictures.cases) == 4
        (tmp_path / "runs" / contender.label).mkdir(parents=True)
        pictures.save(tmp_path / "runs" / contender.label)
    paths = write_figures(tmp_path, tmp_path / "runs", comparison)
    assert [path.name for path in paths] == ["curves.png", "overlays.png", "cases.png", "size.png"]
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in write_figures(tmp_path, tmp_path / "none", comparison)] == [
        "curves.png", "cases.png", "size.png",
    ]  # fmt: skip


def test_the_picture_is_the_slice_with_most_lesion_and_comes_back(tmp_path: Path) -> None:
    predicted, truth = masks(0, 3)
    truth.array[4, :, :] = 1
    voxels = np.full(GRID.display_shape, -1000, np.int16)
    voxels[4] = 400
    pictures = SlicePictures()
    pictures.add("healthy", Volume(voxels, GRID), predicted, Mask.empty(GRID))
    pictures.add("sick", Volume(voxels, GRID), predicted, truth)
    pictures.save(tmp_path)
    back = SlicePictures.load(tmp_path).cases
    assert list(back) == ["sick"]
    assert back["sick"]["grey"].min() == 255
    assert back["sick"]["truth"].all()
    assert not back["sick"]["predicted"].any()


def test_a_damaged_picture_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "pictures.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(LesionsegError, match=r"pictures\.npz is damaged"):
        SlicePictures.load(tmp_path)
