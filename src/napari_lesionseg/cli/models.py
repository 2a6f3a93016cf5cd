"""``lesionseg models``: which models there are, and whether they are what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lesionseg.models.card import load_card, verify
from napari_lesionseg.models.zoo import find_model, install_model, list_models

models_app = typer.Typer(
    help="Models: what there is, where it comes from, and whether its weights are intact.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Model = Annotated[str, typer.Argument(help="Name or folder of a model.", metavar="MODEL")]


@models_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the bundled and installed models."""
    infos = list_models()
    if as_json:
        print(json.dumps({"models": [_row(info.name, info.folder) for info in infos]}))
        return
    for info in infos:
        print(f"{info.name:20} {info.card.licence or 'licence not stated':40} {info.card.description}")


@models_app.command()
def show(model: Model, as_json: AsJson = False) -> None:
    """Print a model's card."""
    card = load_card(find_model(model))
    print(card.model_dump_json(indent=None if as_json else 2))


@models_app.command()
def install(folder: Annotated[Path, typer.Argument(help="Model folder.")]) -> None:
    """Copy a model folder among your own models."""
    info = install_model(folder)
    print(f"Installed {info.name} in {info.folder}.")


@models_app.command("verify")
def verify_command(
    model: Annotated[str | None, typer.Argument(help="Model; all, if left out.", metavar="[MODEL]")] = None,
) -> None:
    """Check weights against the SHA-256 on their card."""
    for folder in [find_model(model)] if model else [info.folder for info in list_models()]:
        print(f"{verify(folder).name}: intact")


def _row(name: str, folder: Path) -> dict[str, Any]:
    card = load_card(folder)
    return {"name": name, "folder": str(folder), "licence": card.licence, "description": card.description}
