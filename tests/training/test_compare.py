"""Comparisons end to end, on studies small enough to be trained on in seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lesionseg_training import cli
from lesionseg_training import compare as module
from lesionseg_training.compare import compare
from lesionseg_training.comparison import Comparison, load_comparison
from lesionseg_training.config import TrainConfig
from lesionseg_training.contenders import make_wish, plan_jobs
from lesionseg_training.events import Event
from lesionseg_training.fit import fit
from lesionseg_training.measured_fit import Measured

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.store import Study

pytestmark = pytest.mark.usefixtures("quick_curves")


@pytest.fixture
def files(tiny, tmp_path: Path) -> dict[str, str]:
    """A preset, and a network that is described by a file."""
    (tmp_path / "tiny.json").write_text(tiny().model_dump_json())
    (tmp_path / "narrow.json").write_text(json.dumps({"widths": [2, 4]}))
    return {"preset": str(tmp_path / "tiny.json"), "narrow": str(tmp_path / "narrow.json")}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Train in this process, to save the start of another; the runs that were trained."""
    trained = []

    def train(study: Study, run: Path, config: TrainConfig, tell: Callable[[Event], None]) -> Measured:
        if not (run / "model").is_dir():
            trained.append(run.name)
            fit(study, run, config, emit=tell)
        return Measured(6, 100.0, None)

    monkeypatch.setattr(module, "measured_fit", train)
    return trained


@pytest.fixture
def start(labelled: Study, files: dict[str, str], tmp_path: Path) -> Callable[..., Comparison]:
    """Compare two networks in the folder ``out``."""

    def begin(*overrides: str, models: tuple[str, ...] = (), **how: Any) -> Comparison:
        wish = make_wish(models or ("dual_encoder", files["narrow"]), [files["preset"]], overrides)
        return compare(labelled, tmp_path / "out", wish, **how)

    return begin


def stable(comparison: Comparison) -> list[Any]:
    """What no clock decides."""
    return [(one.label, one.cases, [run.history[-1]["loss"] for run in one.runs]) for one in comparison.contenders]


def test_a_comparison_goes_on_where_it_was(
    start: Callable[..., Comparison], in_process: list[str], tmp_path: Path
) -> None:
    def stop(job: Any, number: int, count: int, what: Any) -> None:
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(tell=stop)
    first = (tmp_path / "out" / "runs" / "dual_encoder-tiny" / "result.json").read_bytes()
    assert not (tmp_path / "out" / "runs" / "narrow-tiny" / "result.json").exists()
    (tmp_path / "out" / "runs" / "narrow-tiny" / "config.json").unlink()  # It was stopped before its first checkpoint.

    whole = start()
    assert in_process == ["dual_encoder-tiny", "narrow-tiny", "narrow-tiny"]
    assert (tmp_path / "out" / "runs" / "dual_encoder-tiny" / "result.json").read_bytes() == first
    assert [contender.label for contender in whole.contenders] == ["dual_encoder-tiny", "narrow-tiny"]

    (tmp_path / "out" / "runs" / "narrow-tiny" / "result.json").unlink()
    assert stable(start()) == stable(whole)
    assert in_process == ["dual_encoder-tiny", "narrow-tiny", "narrow-tiny"]  # A model that is done is not made anew.


def test_a_folder_of_other_settings_is_refused_with_what_differs(
    start: Callable[..., Comparison], in_process: list[str]
) -> None:
    start("seed=1")
    with pytest.raises(LesionsegError, match=r"begun with other settings \(dual_encoder-tiny: seed=1, not 2\)"):
        start("seed=2")
    with pytest.raises(LesionsegError, match=r"begun with other settings \(models="):
        start("seed=1", models=("dual_encoder",))
    start("seed=1", 'device="cpu"', "threads=2")  # What a machine does is no setting.
    assert in_process == ["dual_encoder-tiny", "narrow-tiny"]


def test_a_run_holds_what_tables_need(start: Callable[..., Comparison], in_process: list[str], tmp_path: Path) -> None:
    found = start(against="narrow")
    assert found.against == "narrow-tiny"
    wide, narrow = (contender.runs[0] for contender in found.contenders)
    assert list(wide.cases) == list(narrow.cases) == ["v1"]
    assert wide.cases["v1"]["true_lesions"][0][0] == pytest.approx(3 * 80 * 0.003)  # Three slices of 8 × 10 voxels.
    assert wide.patients == {"v1": "v1"}
    assert wide.training_s == pytest.approx(sum(record["seconds"] for record in wide.history))
    assert (len(wide.history), wide.steps) == (2, 6)
    assert wide.parameters > narrow.parameters > 0
    assert wide.infer_s > 0
    assert (tmp_path / "out" / "runs" / "narrow-tiny" / "pictures.npz").is_file()


def test_with_folds_every_training_patient_is_judged_by_a_run_that_did_not_see_it(
    study: Study, add_case, files: dict[str, str], in_process: list[str], tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        study.add_revision(name, "truth", add_case(name))
    study.add_revision("v1", "truth", add_case("v1", split="calibration"))
    found = compare(study, tmp_path / "out", make_wish(["dual_encoder"], [files["preset"]], folds=3))
    (contender,) = found.contenders
    assert sorted(contender.by_patient) == ["a", "b", "c"]
    for run in contender.runs:
        (judged,) = run.cases
        card = json.loads((tmp_path / "out" / "runs" / run.run / "model" / "card.json").read_text())
        assert sorted(card["training"]["cases"]) == sorted({"a", "b", "c"} - {judged})


def test_the_command_trains_in_a_process_of_its_own_and_ends_with_one_line(
    phantoms: Study,
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # The second was trained before, and not evaluated: starting one process takes long enough.
    wish = make_wish(["dual_encoder", files["narrow"]], [files["preset"]], ['device="cpu"'])
    done = plan_jobs(phantoms, wish)[1]
    fit(phantoms, tmp_path / "out" / "runs" / done.run, done.config)
    models = f"dual_encoder,{files['narrow']}"
    words = ["compare", phantoms.folder, "-o", tmp_path / "out", "--models", models, "--presets", files["preset"]]
    monkeypatch.setattr(sys, "argv", ["lesionseg-train", *map(str, words), "--device", "cpu", "--json"])
    with pytest.raises(SystemExit) as left:
        cli.run()
    assert left.value.code == 0
    (line,) = capfd.readouterr().out.splitlines()
    told = json.loads(line)
    assert list(told["contenders"]) == ["dual_encoder-tiny", "narrow-tiny"]
    assert told["contenders"]["narrow-tiny"]["mean"]["dice"]["n"] == 1
    first, second = (one["cost"] for one in told["contenders"].values())
    assert 100 < first["peak_mb"] < 4000
    assert first["steps"] == 6
    assert (second["peak_mb"], first["gpu_mb"]) == (None, None)
    tables = [f"{name}.{ending}" for name in ("accuracy", "averaging", "cost", "paired") for ending in ("csv", "md")]
    assert set(told["files"]) >= {"comparison.json", *tables, "curves.png", "cases.png", "size.png"}
    for name in told["files"]:
        assert (tmp_path / "out" / name).stat().st_size > 0
    assert load_comparison(tmp_path / "out" / "comparison.json").against == "dual_encoder-tiny"
