"""The trainer as a child process: events, its end, stop and crash."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lesionseg_training.events import Epoch, Event, Finished

from napari_lesionseg.widgets.trainer_process import TrainerProcess

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

FAKE = str(Path(__file__).with_name("fake_trainer.py"))


def test_events_arrive_in_order_and_the_model_folder_at_the_end(qtbot: QtBot) -> None:
    trainer = TrainerProcess((FAKE,))
    events: list[Event] = []
    trainer.reported.connect(events.append)
    with qtbot.waitSignal(trainer.finished, timeout=20000) as finished:
        trainer.start(["work", "models/new"])
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["Started", "Warning_", "Step", "Epoch", "Epoch", "Finished"]
    assert finished.args == [Finished("models/new", "completed")]
    assert [event.dice for event in events if isinstance(event, Epoch)] == [None, 0.5]
    assert not trainer.running


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("fail", "The loss is not a number; lower the learning rate."),
        ("crash", "The training ended without a model (RuntimeError: boom); try again with other settings."),
    ],
)
def test_a_failure_is_one_sentence(qtbot: QtBot, mode: str, sentence: str) -> None:
    trainer = TrainerProcess((FAKE,))
    with qtbot.waitSignal(trainer.failed, timeout=20000) as failed, qtbot.assertNotEmitted(trainer.finished):
        trainer.start([mode, "models/new"])
    assert failed.args == [sentence]
    assert not trainer.running


def test_stop_ends_the_run_at_once_and_does_nothing_when_idle(qtbot: QtBot) -> None:
    trainer = TrainerProcess((FAKE,))
    with qtbot.assertNotEmitted(trainer.stopped):
        trainer.stop()
    with qtbot.waitSignal(trainer.reported, timeout=20000):
        trainer.start(["hang", "models/new"])
    began = time.perf_counter()
    with qtbot.waitSignal(trainer.stopped, timeout=1000), qtbot.assertNotEmitted(trainer.failed, wait=100):
        trainer.stop()
    assert time.perf_counter() - began < 0.6


def test_an_interpreter_that_cannot_start_is_one_sentence(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    trainer = TrainerProcess((FAKE,))
    with qtbot.waitSignal(trainer.failed, timeout=5000) as failed:
        trainer.start(["work", "models/new"])
    assert failed.args[0].startswith("The training ended without a model")
    assert not trainer.running
