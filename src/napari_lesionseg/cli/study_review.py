"""``lesionseg study readings`` and ``comments``: how far two reviewers agree, and what was said of the cases."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from napari_lesionseg.cli.study_words import AsJson, Folder, plain, print_columns, print_json
from napari_lesionseg.study import Study

OneCase = Annotated[str | None, typer.Argument(help="The case's id; left out, all cases.", metavar="[CASE]")]
_HEADS = ("case", "reader A", "reader B", "settled", "Dice", "lesion F1", "A ml", "B ml", "B - A ml")
_FIGURES = ("dice", "lesion_f1", "volume_a_ml", "volume_b_ml", "difference_ml")


def readings(folder: Folder, case_id: OneCase = None, as_json: AsJson = False) -> None:
    """Show who reads which case blind, and how far two finished readings agree."""
    from napari_lesionseg.study.readings import Readings

    study = Study.open(folder)
    asked = Readings(study)
    ids = [one.id for one in study.cases()] if case_id is None else [study.case(case_id).id]
    found = [_reading(asked, one) for one in ids]
    found = [one for one in found if one["readers"] or case_id is not None]
    if as_json:
        print_json({"readings": found})
    elif found:
        print_columns([_HEADS, *(_row(one) for one in found)])
    else:
        typer.echo("No case is read blind.")


def comments(folder: Folder, as_json: AsJson = False) -> None:
    """Show what the reviewers said of the cases, oldest first."""
    from napari_lesionseg.study.workflow import Workflow

    found = Workflow(Study.open(folder)).comments()
    if as_json:
        print_json({"comments": [asdict(one) for one in found]})
        return
    if not found:
        typer.echo("Nobody has commented on a case.")
    for one in found:
        place = "" if one.voxel is None else f" at voxel {', '.join(map(str, one.voxel))} (z, y, x)"
        typer.echo(f"{one.time[:19]}Z  {one.case}{place}  {plain(one.reviewer)}: {plain(one.text)}")


def _reading(asked: Any, case_id: str) -> dict[str, Any]:
    state = asked.state(case_id)
    figures = asdict(asked.agreement(case_id)) if state.complete else dict.fromkeys(_FIGURES)
    return {
        "case": state.case,
        "readers": list(state.readers),
        "finished": list(state.finished),
        "settled": state.settled,
        **figures,
    }


def _row(reading: dict[str, Any]) -> tuple[str, ...]:
    names = [f"{plain(name)}{'' if name in reading['finished'] else ' …'}" for name in reading["readers"]]
    figures = (reading[name] for name in _FIGURES)
    shown = ("–" if value is None else f"{value:.3f}" for value in figures)
    return (reading["case"], *(*names, "–", "–")[:2], "yes" if reading["settled"] else "no", *shown)
