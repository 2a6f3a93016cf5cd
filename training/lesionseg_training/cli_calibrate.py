"""``lesionseg-train calibrate``: fit a model's threshold and guard on a study's calibration patients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def calibrate_command(
    model: Annotated[Path, typer.Argument(help="Model folder; its card is written anew.")],
    study: Annotated[Path, typer.Argument(help="Study folder (lesionseg study create).")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Fit what a mark must be to be believed: its threshold, its surest pixel and its area."""
    from rich.console import Console

    from lesionseg_training.calibrate import calibrate
    from napari_lesionseg.study.store import Study

    console = Console(stderr=True)
    with console.status("Predicting the calibration patients") as status:
        card = calibrate(
            model,
            Study.open(study),
            device=device,
            progress=lambda done, total: status.update(f"Predicting the calibration patients: {done} of {total}"),
        )
    told = {
        "threshold": card.threshold,
        "guard": card.guard.model_dump() if card.guard else None,
        **card.training["calibrated"],
    }
    if as_json:
        print(json.dumps(told))
        return
    guard = card.guard
    print(f"threshold {card.threshold}, " + (f"top {guard.top}, area {guard.minimum_mm2} mm²" if guard else "no guard"))
    print(
        f"score {told['score']:.3f} on patients not fitted on, {told['plain_score']:.3f} with threshold 0.5 alone "
        f"({told['patients']} patients)"
    )
