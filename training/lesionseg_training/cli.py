"""``lesionseg-train``: fit, adapt and evaluate, for people and for panels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.events import Event, Failed
from napari_lesionseg.errors import LesionsegError

app = typer.Typer(
    name="lesionseg-train",
    help="Train, adapt and evaluate lesion models on a study. fit and adapt print one JSON event per line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

StudyFolder = Annotated[Path, typer.Argument(help="Study folder (lesionseg study create).")]
RunFolder = Annotated[Path, typer.Option("-o", "--output", help="Run folder, new or (with --resume) started before.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="key=value on top of the configuration.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")]


@app.command("fit")
def fit_command(
    study: StudyFolder,
    output: RunFolder,
    config: Annotated[str, typer.Option(help="Preset or JSON file.")] = "robust",
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Train a model from the start on the study's training patients."""
    _train(study, output, load_config(config, _with_device(overrides, device)), resume=resume)


@app.command("adapt")
def adapt_command(
    study: StudyFolder,
    output: RunFolder,
    start: Annotated[str, typer.Option("--from", help="Model name or folder to start from.")],
    config: Annotated[str, typer.Option(help="Preset or JSON file.")] = "adapt",
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Learn from the study's corrected cases, starting from a model; cases with truth are replayed."""
    from napari_lesionseg.models.card import load_card
    from napari_lesionseg.models.zoo import find_model

    folder = find_model(start)
    card = load_card(folder)
    fed = {"network": card.architecture, "preprocessing": card.preprocessing, "threshold": card.threshold}
    settings = load_config(config, _with_device(overrides, device)).model_copy(update=fed)
    texts = {"licence": card.licence, "limits": card.limits, "training_data": f"{card.training_data} + own corrections"}
    _train(study, output, settings.model_copy(update=texts), start=folder, resume=resume)


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
    try:
        app()
    except LesionsegError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _train(
    study: Path, output: Path, config: TrainConfig, *, start: Path | None = None, resume: bool = False
) -> None:
    from lesionseg_training.fit import fit
    from napari_lesionseg.study.store import Study

    try:
        fit(Study.open(study), output, config, start=start, resume=resume, emit=_print_event)
    except LesionsegError as error:
        _print_event(Failed(str(error)))
        raise


def _print_event(event: Event) -> None:
    print(event.to_line(), flush=True)


def _with_device(overrides: list[str] | None, device: str | None) -> list[str]:
    return [*(overrides or []), *([f'device="{device}"'] if device else [])]


def _number(value: float | None) -> str:
    return "  –  " if value is None else f"{value:.3f}"
