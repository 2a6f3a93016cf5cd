from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lesionseg_training.events import Finished, Started

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import verify
from napari_lesionseg.study.store import Study

KILLED_RUNS = Path(__file__).with_name("killed_runs.py")

Figure = Callable[[str, str, bool], None]
Count = Callable[[int, int], int]

pytestmark = pytest.mark.usefixtures("quick_curves")


@pytest.mark.hazard("H23")
@pytest.mark.timeout(1800)  # With --hazard-scale full.
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked trainers")
def test_a_run_killed_again_and_again_ends_in_the_weights_of_one_left_alone(
    tiny, train, run_of, labelled: Study, tmp_path: Path, hazard_figure: Figure, hazard_count: Count
) -> None:
    epochs = hazard_count(5, 80)  # A kill lets it come half an epoch further.
    config = tiny(epochs=epochs, steps_per_epoch=3, validate_every=epochs)
    whole, killed = train(labelled, config, "whole"), run_of("killed")
    # Before the first checkpoint has its name, just after, before the metrics have theirs, at random moments, …
    rng = np.random.default_rng()
    kills: list[list[Any]] = [["rename", 2], ["renamed", 2], ["rename", 3]]
    kills += [["event", int(rng.integers(0, 8)), float(rng.uniform(0, 0.05))] for _ in range(hazard_count(5, 107))]
    kills += [["event", 10_000, 0.0]]  # … and too late: when all is done.
    (tmp_path / "tiny.json").write_text(config.model_dump_json())
    command = [KILLED_RUNS, labelled.folder, killed.folder, tmp_path / "tiny.json", json.dumps(kills)]
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, (kills, done.stderr)
    equal = (killed.weights, killed.records) == (whole.weights, whole.records)
    hazard_figure("H23", f"{int(done.stdout)} kills of a training: weights {'bit-equal' if equal else 'differ'}", equal)
    assert int(done.stdout) >= hazard_count(3, 100), (
        kills,
        done.stderr,
    )  # A fast machine is done before some of the others.
    assert (killed.weights, killed.records) == (whole.weights, whole.records), kills
    assert not list(killed.folder.rglob(".*.*")), kills
    verify(killed.folder / "model")


def test_a_run_that_is_complete_can_be_resumed_and_stays_what_it_was(tiny, train, labelled: Study) -> None:
    run = train(labelled, tiny())
    before = run.weights, (run.folder / "metrics.jsonl").read_text()
    for name in ("metrics.jsonl", "curves.png", "model/card.json"):
        (run.folder / name).unlink()
    resumed = train(labelled, tiny(), resume=True)
    assert [type(event) for event in resumed.events] == [Started, Finished]
    assert resumed.of(Started)[0].first_epoch == 2
    assert (run.weights, (run.folder / "metrics.jsonl").read_text()) == before
    assert (run.folder / "curves.png").exists()
    verify(run.folder / "model")


def test_a_run_stopped_before_its_first_checkpoint_can_be_resumed(tiny, train, labelled: Study, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(labelled, tiny(), stop_after=2)
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()
    resumed = train(labelled, tiny(), resume=True)
    assert resumed.of(Started)[0].first_epoch == 0
    assert resumed.weights == train(labelled, tiny(), "whole").weights


def test_a_damaged_checkpoint_is_told_and_not_written_over(tiny, train, labelled: Study, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(labelled, tiny(), stop_after=4)
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    damaged = path.read_bytes()
    with pytest.raises(LesionsegError, match="checkpoint.safetensors is damaged or of another network; start the run"):
        train(labelled, tiny(), resume=True)
    assert path.read_bytes() == damaged


def test_a_folder_without_a_run_is_not_made_by_resuming_it(tiny, train, labelled: Study, tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="rnu is not a run that can be resumed: it has no config.json; start it"):
        train(labelled, tiny(), "rnu", resume=True)
    assert not (tmp_path / "rnu").exists()
