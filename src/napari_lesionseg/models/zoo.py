"""Bundled and local models, found by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_card, verify
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.names import is_safe_name

BUNDLED = Path(__file__).parent / "bundled"
DEFAULT_MODEL = "covid-base"


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be offered: its name, folder and card."""

    name: str
    folder: Path
    card: ModelCard


def user_folder() -> Path:
    """Folder of this user's own data; ``LESIONSEG_HOME`` overrides the system's usual place."""
    return Path(os.environ.get("LESIONSEG_HOME") or platformdirs.user_data_dir("napari-lesionseg", appauthor=False))


def local_models() -> Path:
    """Folder of this user's own models."""
    return user_folder() / "models"


def list_models() -> list[ModelInfo]:
    """All readable models, the default first, then by name; a local model hides a bundled one of its name."""
    found: dict[str, ModelInfo] = {}
    for root in (BUNDLED, local_models()):
        for card_path in sorted(root.glob(f"*/{CARD}")):
            try:
                info = ModelInfo(card_path.parent.name, card_path.parent, load_card(card_path.parent))
            except LesionsegError:
                continue  # A damaged local model is told when it is asked for by name.
            found[info.name] = info
    return sorted(found.values(), key=lambda info: (info.name != DEFAULT_MODEL, info.name))


def find_model(name_or_folder: str | Path) -> Path:
    """Folder of a model given by name or by folder.

    Raises
    ------
    LesionsegError
        If there is none; the sentence lists the names there are.
    """
    places = [Path(name_or_folder)]
    if is_safe_name(str(name_or_folder)):  # Only a name is looked up: ../x means the folder beside this one.
        places = [local_models() / name_or_folder, BUNDLED / name_or_folder, *places]
    for place in places:
        if os.path.isfile(place / CARD):  # Not Path.is_file, which raises on a name too long for the system.
            return place
    names = ", ".join(info.name for info in list_models()) or "none"
    raise LesionsegError(f"There is no model {name_or_folder}; give a model folder or one of: {names}.")


def install_model(folder: Path) -> ModelInfo:
    """Copy a verified model folder among this user's own models, under the name on its card.

    A damaged model of that name is mended.

    Raises
    ------
    LesionsegError
        If the model is damaged or cannot be copied, or one of that name with other weights is installed already.
    """
    card = verify(folder)
    if not is_safe_name(card.name):
        raise LesionsegError(f"{card.name} cannot name a folder on every system; give the model another name.")
    target = local_models() / card.name
    if _is_intact(target) and load_card(target).sha256 != card.sha256:
        raise LesionsegError(f"A model {card.name} is installed already; give the new one another name.")
    for name in (WEIGHTS, CARD):  # The card last: without it the folder is no model.
        write_atomically(target / name, (Path(folder) / name).read_bytes())
    return ModelInfo(card.name, target, verify(target))


def _is_intact(folder: Path) -> bool:
    try:
        verify(folder)
    except LesionsegError:
        return False
    return True
