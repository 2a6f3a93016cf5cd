from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lesionseg_training import fit as fit_module
from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.events import Epoch, Finished, Started, Step, Warning_

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import verify
from napari_lesionseg.study.store import Study


def test_a_run_on_phantoms_learns_and_leaves_its_records_and_a_sound_model(tiny, train, phantoms: Study) -> None:
    config = tiny(epochs=4, steps_per_epoch=10, validate_every=2)
    run = train(phantoms, config)

    names = [path.name for path in sorted(run.folder.iterdir()) if not path.name.startswith((".", "events."))]
    assert names == ["checkpoint.safetensors", "config.json", "curves.png", "metrics.jsonl", "model"]
    assert TrainConfig.model_validate_json((run.folder / "config.json").read_text()) == config
    assert (run.folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    records = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert records[-1]["loss"] < 0.85 * records[0]["loss"]

    (started,), (finished,), epochs = run.of(Started), run.of(Finished), run.of(Epoch)
    assert (started.first_epoch, started.epochs, started.patients) == (0, 4, {"train": 1, "validation": 1})
    assert [step.step for step in run.of(Step)] == list(range(1, 41))
    assert [vars(epoch) for epoch in epochs] == records
    assert [epoch.dice is None for epoch in epochs] == [True, False, True, False]
    assert run.events[-1] is finished

    card = verify(Path(finished.model_folder))
    assert (card.name, card.architecture, card.preprocessing) == ("tiny", config.network, config.preprocessing)
    assert (card.parent, card.training["cases"]) == ("", ["phantom-0001"])
    assert card.training["config"]["steps_per_epoch"] == 10
    assert finished.metrics == card.metrics
    assert list(card.metrics["validation"]["cases"]) == ["phantom-0002"]


@pytest.mark.usefixtures("quick_curves")
def test_two_runs_with_one_seed_end_in_the_same_weights_and_another_seed_in_others(
    tiny, train, labelled: Study
) -> None:
    runs = []
    for number, seed in enumerate((0, 0, 1)):
        torch.manual_seed(number)  # What was drawn before does not count.
        np.random.seed(number)
        runs.append(train(labelled, tiny(seed=seed), f"run-{number}"))
    one, again, other = runs
    assert one.weights == again.weights != other.weights
    assert one.records == again.records != other.records


@pytest.mark.usefixtures("quick_curves")
def test_a_run_is_not_written_over_and_one_under_way_not_joined(tiny, train, labelled: Study, tmp_path: Path) -> None:
    refused = []

    def join(event: object) -> None:
        for resume in (False, True):
            with pytest.raises(LesionsegError, match="run is in use by another training"):
                fit_module.fit(labelled, tmp_path / "run", tiny(), resume=resume)
            refused.append(event)

    fit_module.fit(labelled, tmp_path / "run", tiny(epochs=1, steps_per_epoch=1), emit=join)
    assert len(refused) == 2 * 4  # Started, Step, Epoch, Finished.
    kept = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.*")}
    with pytest.raises(LesionsegError, match="holds a run already; resume it, or give another folder"):
        train(labelled, tiny())
    assert kept == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.*")}


@pytest.mark.usefixtures("quick_curves")
def test_a_study_without_labels_is_refused_and_the_run_folder_stays_free(tiny, train, study: Study, add_case) -> None:
    mask = add_case("t1")
    with pytest.raises(LesionsegError, match="has no training case with truth or a correction; add one first"):
        train(study, tiny())
    study.add_revision("t1", "truth", mask)
    train(study, tiny(epochs=1))


@pytest.mark.usefixtures("quick_curves")
def test_without_validation_patients_it_says_so_and_trains(tiny, train, study: Study, add_case) -> None:
    study.add_revision("t1", "truth", add_case("t1"))
    run = train(study, tiny())
    assert [warning.message[:38] for warning in run.of(Warning_)] == ["No labelled calibration patient in the"]
    assert [epoch.dice for epoch in run.of(Epoch)] == [None, None]
    assert run.of(Finished)[0].metrics == {}


@pytest.mark.usefixtures("quick_curves")
def test_validation_patients_with_corrections_alone_do_not_spoil_the_end_of_a_run(
    tiny, train, study: Study, add_case
) -> None:
    study.add_revision("t1", "truth", add_case("t1"))
    study.add_revision("v1", "correction", add_case("v1", split="calibration"), corrected_slices=[3, 4])
    run = train(study, tiny(validation_stride=4))
    assert all(epoch.dice is not None for epoch in run.of(Epoch))
    assert run.of(Finished)[0].metrics == {}


@pytest.mark.hazard("H25")
@pytest.mark.usefixtures("quick_curves")
def test_a_loss_that_is_not_a_number_ends_the_run_and_the_last_checkpoint_stands(
    tiny, train, run_of, labelled: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, cut, calls = tiny(epochs=3, prefetch=0), fit_module.cut, []

    def spoil(*arguments: Any) -> Any:
        grey, target = cut(*arguments)
        calls.append(0)
        if len(calls) == 5:  # The second step of the second epoch.
            grey[0, 0, 0, 0] = torch.nan
        return grey, target

    with monkeypatch.context() as patched:
        patched.setattr(fit_module, "cut", spoil)
        with pytest.raises(LesionsegError, match=r"The loss stopped being a number in epoch 2, .*; start a new run"):
            train(labelled, config)
    assert len(calls) == 5
    assert [record["epoch"] for record in run_of("run").records] == [1]
    assert train(labelled, config, resume=True).weights == train(labelled, config, "whole").weights


@pytest.mark.hazard("H25")
def test_weights_that_blow_up_in_the_last_step_do_not_reach_the_checkpoint(
    tiny, train, labelled: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blow_up(stepper: Any, *_: Any) -> None:
        with torch.no_grad():
            stepper.state.network.head.weight[0] = torch.inf

    monkeypatch.setattr(fit_module, "take_step", blow_up)
    with pytest.raises(LesionsegError, match="stopped being a number in epoch 1"):
        train(labelled, tiny(steps_per_epoch=1))
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.hazard("H3")
@pytest.mark.usefixtures("quick_curves")
@pytest.mark.parametrize("file", ["checkpoint.safetensors", "metrics.jsonl", "model.safetensors"])
def test_a_full_disk_ends_the_run_in_one_sentence_and_it_can_go_on(
    tiny, train, labelled: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    config, replace, seen = tiny(steps_per_epoch=1), os.replace, []

    def full(source: Any, target: Any) -> None:
        seen.append(Path(target).name)
        if seen.count(file) == (1 if file.startswith("model") else 2):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(LesionsegError, match=rf"Could not write .*{file}: No space left on device; free"):
            train(labelled, config)
    assert not list((tmp_path / "run").rglob(f".*.{file}"))
    resumed, whole = train(labelled, config, resume=True), train(labelled, config, "whole")
    assert (resumed.weights, resumed.records) == (whole.weights, whole.records)


@pytest.mark.usefixtures("quick_curves")
def test_every_batch_counts_alike_in_its_step_and_a_last_small_group_too(
    tiny, train, labelled: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, add, step = [], fit_module.add_gradients, fit_module.take_step

    def spy_add(*arguments: Any) -> Any:
        said.append(arguments[-1])
        return add(*arguments)

    def spy_step(*arguments: Any) -> Any:
        said.append("step")
        return step(*arguments)

    monkeypatch.setattr(fit_module, "add_gradients", spy_add)
    monkeypatch.setattr(fit_module, "take_step", spy_step)
    train(labelled, tiny(accumulate=2, steps_per_epoch=5, epochs=1))
    assert said == [0.5, 0.5, "step", 0.5, 0.5, "step", 1.0, "step"]


def test_the_number_of_threads_is_left_as_it_was(tiny, labelled: Study, tmp_path: Path) -> None:
    before, during = torch.get_num_threads(), []

    def look_and_leave(event: object) -> None:
        during.append(torch.get_num_threads())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_module.fit(labelled, tmp_path / "run", tiny(threads=before + 1), emit=look_and_leave)
    assert during == [before + 1]
    assert torch.get_num_threads() == before


@pytest.mark.usefixtures("quick_curves")
def test_the_seed_recipe_runs(train, labelled: Study) -> None:
    config = load_config("seed", ["epochs=1", "network.widths=[4,8]", "preprocessing.size=64", "threads=1"])
    run = train(labelled, config)
    assert len(run.of(Step)) == 5  # Three slices with lesion and the two beside them.
    assert run.of(Epoch)[0].learning_rate == 1e-4
