"""``lesionseg models``: which models there are, and whether they are what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, ModelCard, load_card, read_card, verify
from napari_lesionseg.models.convert import convert_state_dict
from napari_lesionseg.models.ensemble import join_models
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


@models_app.command()
def convert(
    state_dict: Annotated[Path, typer.Argument(help="What torch.save wrote (.pth, .pt).", metavar="FILE.pth")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the model; its name becomes the model's.")],
    like: Annotated[str | None, typer.Option(help="Model whose network and preprocessing it shares.")] = None,
    card: Annotated[Path | None, typer.Option(help="Card written for it, instead of --like.")] = None,
    rename: Annotated[Path | None, typer.Option(help='JSON: {"beginning of their names": "ours", …}.')] = None,
    hostile: Annotated[
        bool, typer.Option("--yes-this-file-may-be-hostile", help="Open it, in a locked process without network.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn a foreign state dict into a model folder: tensors and a card, no code."""
    if not hostile:
        raise LesionsegError(
            f"{state_dict} is a pickle, and opening a pickle can run whatever its author put in, so this is off by "
            "default; add --yes-this-file-may-be-hostile to have it opened in a locked process without network."
        )
    made = convert_state_dict(
        state_dict, _card_for(output, like, card), output, renames=None if rename is None else _renames(rename)
    )
    if as_json:
        print(json.dumps(_row(made.name, output) | {"sha256": made.sha256}))
        return
    print(f"Converted into {output}. Its licence and limits are not known: fill in {output / CARD}.")


@models_app.command()
def join(
    models: Annotated[list[str], typer.Argument(help="Names or folders of the members.", metavar="MODEL MODEL…")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the model; its name becomes the model's.")],
    as_json: AsJson = False,
) -> None:
    """Make an ensemble of models that share network and preprocessing: the mean of what they see."""
    made = join_models([find_model(model) for model in models], output, output.absolute().name)
    if as_json:
        print(json.dumps(_row(made.name, output) | {"members": made.members, "sha256": made.sha256}))
        return
    print(f"Joined {made.members} networks in {output}. Its threshold, {made.threshold:g}, is the mean of theirs.")


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


def _card_for(output: Path, like: str | None, card: Path | None) -> ModelCard:
    """The card a converted model starts from; of another model only what makes the network and its input."""
    if (like is None) == (card is None):
        raise LesionsegError("Which network are these weights for? Give either --like MODEL or --card CARD.json.")
    if card is not None:
        try:
            return read_card(card)
        except OSError as error:
            raise LesionsegError(f"{card} cannot be read; give a card like another model's {CARD}.") from error
    known = load_card(find_model(str(like)))
    name = output.absolute().name
    try:
        return ModelCard(
            name=name,
            description="Converted from a foreign state dict.",
            architecture=known.architecture,
            preprocessing=known.preprocessing,
            threshold=known.threshold,
        )
    except ValidationError as error:
        raise LesionsegError(
            f"{name} cannot be a model's name; name the folder with up to 64 letters, digits, - and _."
        ) from error


def _renames(path: Path) -> dict[str, str]:
    try:
        with open(path, "rb") as file:
            return TypeAdapter(dict[str, str]).validate_json(file.read(1 << 20))
    except (OSError, ValidationError) as error:
        raise LesionsegError(f'{path} is not a JSON object like {{"enc1.": "encoder_a."}}; mend it.') from error
