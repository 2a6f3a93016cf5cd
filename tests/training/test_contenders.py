"""Who takes part in a comparison, and with which budget."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lesionseg_training.config import TrainConfig
from lesionseg_training.contenders import divide, make_wish, plan_jobs

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.store import Study


@pytest.fixture
def preset(tiny, tmp_path: Path) -> str:
    (tmp_path / "tiny.json").write_text(tiny().model_dump_json())
    return str(tmp_path / "tiny.json")


@pytest.fixture
def narrow(tmp_path: Path) -> str:
    (tmp_path / "narrow.json").write_text(json.dumps({"widths": [2, 4]}))
    return str(tmp_path / "narrow.json")


def test_every_patient_is_left_out_once_and_the_parts_are_even() -> None:
    patients = [f"p{number}" for number in range(11)]
    parts = divide(patients, 4)
    assert sorted(len(part) for part in parts) == [2, 3, 3, 3]
    assert sorted(patient for part in parts for patient in part) == sorted(patients)


def test_the_division_depends_on_the_ids_and_not_on_their_order() -> None:
    patients = [f"p{number}" for number in range(9)]
    assert divide(patients, 3) == divide(patients[::-1], 3)
    assert divide(patients, 3) != [tuple(patients[part::3]) for part in range(3)]


@pytest.mark.parametrize("folds", [1, 4])
def test_more_parts_than_patients_or_a_single_one_are_refused(folds: int) -> None:
    with pytest.raises(LesionsegError, match=f"--folds {folds} cannot divide 3 training patients"):
        divide(["a", "b", "c"], folds)


def test_contenders_differ_in_their_network_alone(labelled: Study, preset: str, narrow: str) -> None:
    wide, thin = plan_jobs(labelled, make_wish(["dual_encoder", narrow], [preset], ["epochs=3"]))
    assert (wide.run, thin.run) == ("dual_encoder-tiny", "narrow-tiny")
    assert (wide.split, wide.patients) == ("calibration", ("v1",))
    differing = {key for key in TrainConfig.model_fields if getattr(wide.config, key) != getattr(thin.config, key)}
    assert differing == {"network", "name"}
    assert (wide.config.network.widths, thin.config.network.widths) == ((4, 8), (2, 4))
    assert wide.config.epochs == 3
    assert wide.pixels == thin.pixels == 4 * 32 * 32


def test_a_network_that_marks_several_slices_gets_fewer_stacks(labelled: Study, preset: str) -> None:
    flat, block = plan_jobs(labelled, make_wish(["unet2d", "unet3d"], [preset], ["batch_size=32"]))
    assert (flat.config.network.kind, block.config.network.kind) == ("unet2d", "unet3d")
    assert (flat.config.batch_size, block.config.batch_size) == (32, 2)  # Stacks of 1 and of 16.
    assert flat.pixels == block.pixels == 32 * 32 * 32


def test_a_preset_that_says_more_of_its_own_network_is_heard(labelled: Study, tiny, tmp_path: Path) -> None:
    (tmp_path / "headed.json").write_text(tiny(network={"widths": [4, 8], "presence": True}).model_dump_json())
    own, other = plan_jobs(labelled, make_wish(["dual_encoder", "unet2d"], [str(tmp_path / "headed.json")]))
    assert own.config.network.presence
    assert other.config.network.widths == (16, 32, 64, 80, 112)


def test_two_contenders_of_one_name_are_refused(labelled: Study, preset: str) -> None:
    with pytest.raises(LesionsegError, match="Two contenders are called dual_encoder-tiny"):
        plan_jobs(labelled, make_wish(["dual_encoder", "dual_encoder"], [preset]))


def test_a_network_nobody_knows_is_refused_before_any_training(labelled: Study, preset: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"width": 3}')
    with pytest.raises(LesionsegError, match=r"network.* in .*tiny\.json is not valid"):
        plan_jobs(labelled, make_wish([str(tmp_path / "odd.json")], [preset]))


def test_the_split_that_judges_must_hold_truth(labelled: Study, preset: str) -> None:
    with pytest.raises(LesionsegError, match="no case with truth in the split test; choose another --split"):
        plan_jobs(labelled, make_wish(["dual_encoder"], [preset], split="test"))


@pytest.mark.parametrize("split", ["train", "gate"])
def test_what_was_learned_from_and_the_gate_do_not_judge(split: str) -> None:
    with pytest.raises(LesionsegError, match=f"--split {split} does not compare models; choose calibration or test"):
        make_wish(["dual_encoder"], split=split)


def test_folds_and_a_split_contradict_each_other() -> None:
    with pytest.raises(LesionsegError, match="--folds leaves training patients out"):
        make_wish(["dual_encoder"], folds=2, split="test")
    assert make_wish(["dual_encoder"], folds=2).split == "train"


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(LesionsegError, match="nothing to compare"):
        make_wish([])


def test_each_fold_leaves_its_own_patients_out_and_is_evaluated_on_them(study: Study, add_case, preset: str) -> None:
    for name in ("a", "b", "c", "d"):
        study.add_revision(name, "truth", add_case(name))
    jobs = plan_jobs(study, make_wish(["dual_encoder"], [preset], folds=2))
    assert [job.run for job in jobs] == ["dual_encoder-tiny-1", "dual_encoder-tiny-2"]
    assert {job.split for job in jobs} == {"train"}
    assert sorted(patient for job in jobs for patient in job.patients) == ["a", "b", "c", "d"]
    for job in jobs:
        assert job.config.leave_out == job.patients
