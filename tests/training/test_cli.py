from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lesionseg_training import cli
from lesionseg_training.events import Epoch, Failed, Finished, Started, Step, Warning_, parse_line

from napari_lesionseg.models.card import ModelCard, load_card, save_model
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study

MODULE = [sys.executable, "-m", "lesionseg_training"]


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[Any]:
        """One event a line, and nothing but events."""
        events = [parse_line(line) for line in self.out.splitlines()]
        assert None not in events, self.out
        return events


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call the command line in this process."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["lesionseg-train", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.run()
        return Said(int(left.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture
def tiny_file(tiny, tmp_path: Path) -> Path:
    (tmp_path / "tiny.json").write_text(tiny().model_dump_json())
    return tmp_path / "tiny.json"


@pytest.fixture
def champion(tiny, tmp_path: Path) -> Path:
    """A model folder with a threshold, a size, a licence and limits of its own."""
    look = tiny().preprocessing.model_copy(update={"size": 48})
    texts = {"licence": "CC0", "limits": "None known.", "training_data": "40 generated patients"}
    card = ModelCard(name="champion", preprocessing=look, threshold=0.3, **texts)
    save_model(tmp_path / "champion", DualEncoderUNet(tiny().network), card)
    return tmp_path / "champion"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal: it kills")
def test_a_run_ended_by_a_signal_goes_on_where_it_was_and_says_nothing_but_events(
    call: Callable[..., Said], labelled: Study, tiny_file: Path, tmp_path: Path
) -> None:
    command = [*MODULE, "fit", str(labelled.folder), "-o", str(tmp_path / "run")]
    child = subprocess.Popen(
        [*command, "--config", str(tiny_file), "--set", "epochs=12", "--set", "validate_every=12"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(parse_line(line))
        if isinstance(seen[-1], Step) and seen[-1].step == 5:
            child.send_signal(signal.SIGTERM)
    _, errors = child.communicate()
    sentence = "The training was stopped; go on from its last checkpoint with --resume."
    assert (child.returncode, errors) == (130, f"error: {sentence}\n")
    assert seen[-1] == Failed(sentence)
    assert isinstance(seen[0], Started)
    assert 0 < sum(isinstance(event, Step) for event in seen) < 36

    resumed = call(*command[3:], "--resume")
    assert (resumed.code, resumed.err) == (0, "")
    events = resumed.events
    told = sum(isinstance(event, Epoch) for event in seen)
    assert events[0].first_epoch in (told, told + 1)  # It may be stopped between a checkpoint and its event.
    assert (events[-2].epoch, events[-1].reason) == (12, "completed")
    assert isinstance(events[-1], Finished)
    assert load_card(Path(events[-1].model_folder)).name == "tiny"


@pytest.mark.skipif(os.name == "nt", reason="closes a pipe the POSIX way")
def test_a_reader_who_goes_away_ends_the_run_without_a_traceback(
    labelled: Study, tiny_file: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [*MODULE, "fit", str(labelled.folder), "-o", str(tmp_path / "run"), "--config", str(tiny_file)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fit", "{empty}", "-o", "{run}"], "is not a study (it has no study.db); choose"),
        (["fit", "{study}", "-o", "{run}", "--config", "robus"], "There is no readable configuration robus; give"),
        (["fit", "{study}", "-o", "{run}", "--set", "epoch=3"], "epoch in robust is not valid: Extra inputs"),
        (["fit", "{study}", "-o", "{run}", "--device", "banana"], "device in robust is not valid: Input should be"),
        (["fit", "{study}", "-o", "{run}"], "has no training case with truth or a correction; add one first."),
        (["fit", "{study}", "-o", "{run}", "--resume"], "is not a run that can be resumed: it has no config.json"),
        (["adapt", "{study}", "-o", "{run}", "--from", "nobody"], "There is no model nobody; give a model folder"),
        (["adapt", "{study}", "-o", "{run}", "--from", "{champion}", "--set", "network.widths=[4,12]"], "another net"),
        (["adapt", "{study}", "-o", "{run}", "--from", "{champion}", "--set", "preprocessing.size=96"], "another pre"),
    ],
)
def test_an_error_is_one_sentence_an_event_and_exit_code_two(
    call: Callable[..., Said], study: Study, champion: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    places = {"empty": tmp_path, "study": study.folder, "run": tmp_path / "run", "champion": champion}
    said = call(*(argument.format(**places) for argument in arguments))
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    failed = said.events[-1]
    assert isinstance(failed, Failed)
    assert said.err == f"error: {failed.message}\n"


@pytest.mark.usefixtures("quick_curves")
def test_a_resumed_run_may_be_asked_for_again_in_full_but_not_otherwise(
    call: Callable[..., Said], labelled: Study, tiny_file: Path, tmp_path: Path
) -> None:
    begin = ["fit", labelled.folder, "-o", tmp_path / "run", "--config", tiny_file, "--set", "epochs=1"]
    assert call(*begin).code == 0
    assert call(*begin).err.endswith("holds a run already; resume it, or give another folder.\n")
    assert call(*begin, "--resume", "--device", "cpu").code == 0
    assert call(*begin[:4], "--resume", "--set", "threads=1").code == 0
    other = call(*begin[:4], "--resume", "--set", "learning_rate=0.5")
    assert (other.code, "was started with learning_rate=0.01, not 0.5;" in other.err) == (2, True)
    assert call(*begin, "--config", "robust", "--resume").code == 2


@pytest.mark.usefixtures("quick_curves")
def test_adapt_keeps_what_the_card_says_and_takes_what_is_set(
    call: Callable[..., Said], study: Study, add_case, champion: Path, tmp_path: Path
) -> None:
    study.add_revision("mine", "correction", add_case("mine"), corrected_slices=[3, 4])
    settings = [f"--set={pair}" for pair in ("epochs=2", "steps_per_epoch=2", "patch=32", "threads=1", "name=mine")]
    begin = ["adapt", study.folder, "-o", tmp_path / "run", "--from", champion, *settings]
    said = call(*begin)
    assert (said.code, said.err) == (0, "")
    assert [type(event) for event in said.events if not isinstance(event, Step)][:2] == [Warning_, Started]
    card = load_card(tmp_path / "run" / "model")
    assert (card.name, card.parent, card.threshold, card.licence, card.limits) == (
        "mine",
        "champion",
        0.3,
        "CC0",
        "None known.",
    )
    assert card.preprocessing.size == 48
    assert card.training_data == "40 generated patients + own corrections"
    assert call(*begin, "--resume").code == 0
    assert call(*begin[:6], "--resume").code == 0

    again = ["adapt", study.folder, "-o", tmp_path / "second", "--from", tmp_path / "run" / "model", *settings]
    assert call(*again, "--set", "threshold=0.4").code == 0
    card = load_card(tmp_path / "second" / "model")
    assert (card.parent, card.threshold) == ("mine", 0.4)
    assert card.training_data == "40 generated patients + own corrections"


def test_evaluate_prints_one_json_object_and_nothing_else(
    call: Callable[..., Said], labelled: Study, champion: Path
) -> None:
    said = call("evaluate", champion, labelled.folder, "--split", "calibration", "--json")
    assert (said.code, said.err) == (0, "")

    def no_nan(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    figures = json.loads(said.out, parse_constant=no_nan)
    assert (figures["split"], figures["model"], figures["patients"]) == ("calibration", "champion", 1)
    assert list(figures["cases"]) == ["v1"]
    assert {"dice", "iou", "nsd_2mm", "hd95_mm", "volume_pred_ml", "slices"} <= set(figures["cases"]["v1"])
    assert figures["mean"]["dice"] == {"n": 1, "mean": figures["cases"]["v1"]["dice"], "low": None, "high": None}


def test_evaluate_prints_a_line_a_case_and_the_mean(call: Callable[..., Said], labelled: Study, champion: Path) -> None:
    lines = call("evaluate", champion, labelled.folder, "--split", "calibration").out.splitlines()
    assert [line.split()[0] for line in lines] == ["v1", "mean"]
    assert "Dice 0." in lines[0]


@pytest.mark.parametrize("split", ["gate", "tset"])
def test_evaluate_without_anything_to_evaluate_is_told(
    call: Callable[..., Said], labelled: Study, champion: Path, split: str
) -> None:
    said = call("evaluate", champion, labelled.folder, "--split", split, "--json")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert split in said.err


def test_the_module_and_the_command_are_the_same(call: Callable[..., Said]) -> None:
    said = call("--help")
    assert said.code == 0
    assert {"fit", "adapt", "evaluate"} <= set(said.out.split())


def test_a_training_that_asks_for_a_sealed_split_is_refused_before_it_begins(
    call, tiny_file: Path, labelled: Study, tmp_path: Path
) -> None:
    said = call("fit", labelled.folder, "-o", tmp_path / "r", "--config", tiny_file, "--set", "validation_split=test")
    assert said.code == 2
    assert "the split test is sealed" in said.err
    assert [type(event) for event in said.events] == [Failed]
    assert not (tmp_path / "r").exists()


@pytest.mark.usefixtures("quick_curves")
def test_on_a_terminal_a_person_reads_lines_and_not_json(
    call: Callable[..., Said], labelled: Study, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_has_reader", lambda: True)
    said = call("fit", labelled.folder, "-o", tmp_path / "run", "--config", tiny_file)
    assert (said.code, said.err) == (0, "")
    assert "{" not in said.out
    assert "epoch   2  loss 0." in said.out
    assert f"The model is in {tmp_path / 'run' / 'model'}." in said.out
    again = call("fit", labelled.folder, "-o", tmp_path / "run", "--config", tiny_file)
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith("error: ")
