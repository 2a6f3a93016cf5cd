"""``lesionseg-train pseudo``: what a model would teach itself from a study's unlabelled scans, before it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lesionseg_training.pseudo.preview import Preview


def pseudo_command(
    model: Annotated[str, typer.Argument(help="Name or folder of the teacher; an ensemble is a better one.")],
    study: Annotated[Path, typer.Argument(help="Study folder, with unlabelled scans in train.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Folder for the pseudo-labels.")] = None,
    precision: Annotated[float, typer.Option(help="Of what is believed to be lesion, the share that is.")] = 0.90,
    missed: Annotated[float, typer.Option(help="Of all lesion, the share that may be taken for background.")] = 0.02,
    patients: Annotated[float, typer.Option(help="Share of the patients to keep, the most stable first.")] = 0.5,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show what would be kept of the model's own predictions, and whether they should be learned from."""
    from dataclasses import asdict

    from rich.console import Console

    from lesionseg_training.pseudo.preview import Wish, preview
    from napari_lesionseg.errors import LesionsegError
    from napari_lesionseg.models.card import load_model
    from napari_lesionseg.models.zoo import find_model
    from napari_lesionseg.study.store import Study

    for name, share in (("precision", precision), ("missed", missed), ("patients", patients)):
        if not 0 < share <= 1:
            raise LesionsegError(f"--{name} {share} is not a share; choose a number above 0, up to 1.")
    with Console(stderr=True).status("reading") as status:
        found = preview(
            load_model(find_model(model)),
            Study.open(study),
            Wish(precision, missed, patients),
            device=device,
            output=output,
            progress=lambda done, total, case: status.update(f"{done} of {total} scans: {case}"),
        )
    if as_json:
        print(json.dumps(asdict(found) | {"sentence": found.sentence}))
        return
    print(_told(found))


def _told(found: Preview) -> str:
    lines = [f"{'case':24} {'stability':>9} {'lesion':>7} {'empty':>6} {'doubtful':>9} {'lesions':>8} {'dropped':>8}"]
    for one in sorted(found.scans, key=lambda scan: (not scan.kept, -(scan.stability or 0.0))):
        stability = "–" if one.stability is None else f"{one.stability:.3f}"
        name = one.case if one.kept else f"({one.case})"
        lines.append(
            f"{name:24} {stability:>9} {one.positive:>7} {one.negative:>6} {one.doubtful:>9} {one.lesions:>8} "
            f"{one.dropped:>8}"
        )
    lines.append(found.sentence)
    lines.append(f"Of what is believed on calibration patients {found.precision:.0%} is lesion.")
    lines += [f"Do not learn from it: {reason}" for reason in found.reasons]
    return "\n".join(lines)
