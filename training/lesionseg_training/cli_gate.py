"""``lesionseg-train gate``: whether a new model may take the place of the one in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lesionseg_training.gate import Verdict
    from napari_lesionseg.study.store import Study

REJECTED = 1  # Exit code, so that a script need not read what is printed.


def gate_command(
    champion: Annotated[str, typer.Argument(help="Name or folder of the model in use.")],
    candidate: Annotated[str, typer.Argument(help="Name or folder of the model that would take its place.")],
    study: Annotated[Path, typer.Argument(help="Study folder; its gate patients are judged on.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Judge both on the gate patients, of whom neither has learned: exit code 0 promoted, 1 rejected."""
    from dataclasses import asdict

    from lesionseg_training.gate import judge
    from napari_lesionseg.models.zoo import find_model
    from napari_lesionseg.study.store import Study

    opened, folders = Study.open(study), [find_model(champion), find_model(candidate)]
    verdict = judge(*(_figures(folder, opened, device) for folder in folders))
    if as_json:
        print(json.dumps(asdict(verdict)))
    else:
        print(_told(verdict))
    if not verdict.promoted:
        raise typer.Exit(REJECTED)


def _figures(folder: Path, study: Study, device: str) -> dict[str, list[dict[str, Any]]]:
    """What a model reaches, patient by patient; progress on stderr."""
    from rich.console import Console

    from lesionseg_training.evaluate import evaluate_model
    from napari_lesionseg.models.card import load_model

    model, owners = load_model(folder), {}
    name = model.card.name
    with Console(stderr=True).status(f"{name} on the gate patients") as status:
        figures = evaluate_model(
            model,
            study,
            "gate",
            device=device,
            progress=lambda done, count: status.update(f"{name} on the gate patients: {done} of {count} scans"),
            look=lambda case, *_: owners.update({case.id: case.patient}),
        )
    patients: dict[str, list[dict[str, Any]]] = {}
    for case, result in figures["cases"].items():
        patients.setdefault(owners[case], []).append(result)
    return patients


def _told(verdict: Verdict) -> str:
    lines = []
    for check in verdict.checks:
        found = "–" if check.found is None else f"{check.found:.3f}"
        lines.append(f"{'holds' if check.holds else 'FAILS'}  {check.name:40} {found:>8}  ({check.asked})")
    lines.append(f"{'promoted' if verdict.promoted else 'rejected'}, on {verdict.patients} patients with lesion")
    if verdict.small:
        lines.append("So few patients can be fooled: a gate of 25 or more is what can be relied on.")
    return "\n".join(lines)
