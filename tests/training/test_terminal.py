from __future__ import annotations

import io

import pytest
from lesionseg_training.events import Epoch, Finished, Started, Step, Warning_
from lesionseg_training.terminal import Terminal, epoch_line, spoken_time
from rich.console import Console

EPOCH = Epoch(2, 5, 0.25, 0.7, 0.625, 1e-3, 200.0, 9.75, 0.031, 0.025, 0.04)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (12_000, "3 h 20 min")]
)
def test_a_time_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert spoken_time(seconds) == text


def test_an_epoch_is_one_line_that_tells_of_a_collapse_and_of_waiting() -> None:
    assert epoch_line(EPOCH) == (
        "epoch   2  loss 0.2500  Dice 0.700  validation Dice 0.625  marked 3.10% of the pixels, lesion 2.50%  3 min"
    )
    slow = Epoch(3, 5, 0.25, 0.7, None, 1e-3, 45.0, 9.75, 0.0, 0.025, 0.31)
    assert epoch_line(slow).endswith("Dice 0.700  marked 0.00% of the pixels, lesion 2.50%  45 s, 31% of it for data")


def test_a_run_is_followed_to_its_end_in_a_terminal() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    terminal = Terminal(console)
    for event in (
        Warning_("No labelled [calibration] patient."),
        Started("runs/one", "tiny", "CPU, 1 threads", 5, 1, {"train": 3, "validation": 1}),
        Step(7, 50, 0.25, 125.0),
        EPOCH,
        Finished("runs/one/model", "completed", {}),
    ):
        terminal(event)
    terminal.close()
    shown = screen.getvalue()
    assert "warning: No labelled [calibration] patient." in shown
    assert "tiny on CPU, 1 threads, 3 train, 1 validation patients, in runs/one" in shown
    assert "epoch 3/5" in shown  # The one that is next.
    assert "7/50" in shown
    assert "2 min left" in shown
    assert "validation Dice 0.625" in shown
    assert shown.rstrip().endswith("The model is in runs/one/model.")
