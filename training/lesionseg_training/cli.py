"""``lesionseg-train``: fit, adapt and evaluate, for people and for panels."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from lesionseg_training.cli_calibrate import calibrate_command
from lesionseg_training.cli_compare import compare_command
from lesionseg_training.cli_gate import gate_command
from lesionseg_training.cli_pseudo import pseudo_command
from lesionseg_training.cli_sampling import sampling_command
from lesionseg_training.config import TrainConfig, config_path, load_config
from lesionseg_training.events import Event, Failed
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.redact import private_logs

CORRECTED = " + own corrections"
STOPPED = 130  # Exit code after Ctrl-C, as shells have it.

app = typer.Typer(
    name="lesionseg-train",
    help="Train, adapt and evaluate lesion models on a study. fit and adapt show their progress on a terminal, "
    "and print one JSON event per line to anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("pseudo")(pseudo_command)
app.command("sampling")(sampling_command)
app.command("calibrate")(calibrate_command)
app.command("compare")(compare_command)
app.command("gate")(gate_command)

StudyFolder = Annotated[Path, typer.Argument(help="Study folder (lesionseg study create).")]
RunFolder = Annotated[Path, typer.Option("-o", "--output", help="Run folder, new or (with --resume) started before.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="key=value on top of the configuration.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")]


@app.command("fit")
def fit_command(
    study: StudyFolder,
    output: RunFolder,
    config: Annotated[str | None, typer.Option(help="Preset or JSON file.  [default: robust]")] = None,
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Train a model from the start on the study's training patients."""
    with _told():
        settings = _settings(output, config or (None if resume else "robust"), _with_device(overrides, device))
        _train(study, output, settings, resume=resume)


@app.command("adapt")
def adapt_command(
    study: StudyFolder,
    output: RunFolder,
    start: Annotated[str, typer.Option("--from", help="Model name or folder to start from.")],
    config: Annotated[str | None, typer.Option(help="Preset or JSON file.  [default: adapt]")] = None,
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Learn from the study's corrected cases, starting from a model; cases with truth are replayed."""
    from napari_lesionseg.models.zoo import find_model

    with _told():
        folder = find_model(start)
        chosen = config or (None if resume else "adapt")
        settings = _settings(output, chosen, _with_device(overrides, device), folder)
        _train(study, output, settings, start=folder, resume=resume)


@app.command("evaluate")
def evaluate_command(
    model: Annotated[str, typer.Argument(help="Model name or folder.")],
    study: StudyFolder,
    split: Annotated[str, typer.Option(help="train, calibration, gate or test.")] = "test",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Compare a model with the truth of a split, case by case."""
    from lesionseg_training.evaluate import evaluate_model
    from napari_lesionseg.models.card import load_model
    from napari_lesionseg.models.zoo import find_model
    from napari_lesionseg.study.split import check_split
    from napari_lesionseg.study.store import Study

    opened = Study.open(study)
    figures = evaluate_model(load_model(find_model(model)), opened, check_split(split), device=device)
    if as_json:
        print(json.dumps(figures))
        return
    for case, result in figures["cases"].items():
        print(f"{case:24}  Dice {_number(result['dice'])}  HD95 {_number(result['hd95_mm'])} mm")
    mean = figures["mean"]["dice"]
    print(f"{'mean':24}  Dice {_number(mean['mean'])} [{_number(mean['low'])}, {_number(mean['high'])}]")


def run() -> None:
    """Entry point: errors the user can act on go to stderr in one sentence, with exit code 2."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # Threads that spin take the processor from each other.
    with private_logs():
        try:
            app()
        except LesionsegError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


def _settings(output: Path, config: str | None, overrides: list[str], start: Path | None = None) -> TrainConfig:
    """The configuration asked for; without a name, the one the run was started with."""
    if config is None:
        return load_config(config_path(output), overrides)
    return load_config(config, overrides, _from_card(start) if start is not None else {})


def _from_card(folder: Path) -> dict[str, Any]:
    """What an adapted model keeps of the model it starts from."""
    from napari_lesionseg.models.card import load_card

    card = load_card(folder)
    kept = {"licence": card.licence, "limits": card.limits, "threshold": card.threshold}
    shape = {"network": card.architecture.model_dump(), "preprocessing": card.preprocessing.model_dump()}
    data = card.training_data.removesuffix(CORRECTED)
    return {**kept, **shape, "training_data": f"{data}{CORRECTED}" if data else ""}


def _train(study: Path, output: Path, config: TrainConfig, *, start: Path | None = None, resume: bool = False) -> None:
    from lesionseg_training.fit import fit
    from napari_lesionseg.study.store import Study

    with _teller() as tell:
        fit(Study.open(study), output, config, start=start, resume=resume, emit=tell)


@contextmanager
def _told() -> Iterator[None]:
    """Make an event of what ends a training, be it an error, Ctrl-C or SIGTERM."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except LesionsegError as error:
        _print_failed(str(error))
        raise
    except KeyboardInterrupt:
        sentence = "The training was stopped; go on from its last checkpoint with --resume."
        _print_failed(sentence)
        print(f"error: {sentence}", file=sys.stderr)
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _teller() -> Iterator[Callable[[Event], None]]:
    """Events for a person where there is one, and for a program otherwise."""
    if not _has_reader():
        yield _print_event
        return
    from lesionseg_training.terminal import Terminal

    terminal = Terminal()
    try:
        yield terminal
    finally:
        terminal.close()


def _print_failed(sentence: str) -> None:
    if not _has_reader():  # A person reads it on stderr.
        _print_event(Failed(sentence))


def _has_reader() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def _print_event(event: Event) -> None:
    print(event.to_line(), flush=True)


def _with_device(overrides: list[str] | None, device: str | None) -> list[str]:
    return [*(overrides or []), *([f'device="{device}"'] if device else [])]


def _number(value: float | None) -> str:
    return "  –  " if value is None else f"{value:.3f}"
