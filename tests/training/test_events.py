from __future__ import annotations

import json
import math

import pytest
from lesionseg_training.events import Epoch, Event, Failed, Finished, Started, Step, Warning_, parse_line

EVENTS: list[Event] = [
    Started("runs/one", "tiny", "CPU, 1 threads", 5, 2, {"train": 3, "validation": 1}),
    Step(7, 50, 0.25, 12.5),
    Epoch(2, 5, 0.1 + 0.2, 0.7, None, 1e-3, 3.25, 9.75),
    Epoch(3, 5, 0.25, 0.7, 0.625, 1e-4, 3.25, 6.5),
    Warning_("No labelled patient: Dice is on “training” data alone.\nReally."),
    Finished("runs/one/model", "completed", {"validation": {"mean": {"dice": {"n": 1, "low": None}}}}),
    Failed("The scan é.nii.gz cannot be read; copy it again."),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_from_its_line_as_it_was(event: Event) -> None:
    line = event.to_line()
    assert "\n" not in line
    assert parse_line(line) == event
    assert parse_line(line + "\r\n") == event


def test_each_kind_names_itself_and_no_kind_is_forgotten() -> None:
    names = [json.loads(event.to_line())["event"] for event in EVENTS]
    assert names == ["started", "step", "epoch", "epoch", "warning", "finished", "failed"]
    assert {type(event) for event in EVENTS} == set(Event.__subclasses__())


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_null(figure: float) -> None:
    line = Finished("model", "completed", {"mean": {"hd95_mm": figure, "per_case": [1.5, figure]}}).to_line()
    assert json.loads(line)["metrics"] == {"mean": {"hd95_mm": None, "per_case": [1.5, None]}}
    assert json.loads(Step(1, 2, figure, 0.5).to_line())["loss"] is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "Downloading…",
        "3",
        "null",
        '"step"',
        "[1, 2]",
        "{}",
        '{"event": "step"}',
        '{"event": "dance", "step": 1}',
        '{"event": ["step"]}',
        '{"event": "failed", "message": "x", "more": 1}',
        Step(7, 50, 0.25, 12.5).to_line()[:-5],
        Step(7, 50, 0.25, 12.5).to_line() + Step(8, 50, 0.25, 12.5).to_line(),
        "[" * 100_000,
    ],
    ids=range(15),
)
def test_a_line_that_is_no_event_is_nothing(line: str) -> None:
    assert parse_line(line) is None
