"""Bundled and local models, found by name."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, WEIGHTS, ModelCard, load_card, verify

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
    for candidate in (local_models() / name_or_folder, BUNDLED / name_or_folder, Path(name_or_folder)):
        if (candidate / CARD).is_file():
            return candidate
    names = ", ".join(info.name for info in list_models()) or "none"
    raise LesionsegError(f"There is no model {name_or_folder}; give a model folder or one of: {names}.")


def install_model(folder: Path) -> ModelInfo:
    """Copy a verified model folder among this user's own models, under the name on its card.

    Raises
    ------
    LesionsegError
        If the model is damaged, or one of that name with other weights is installed already.
    """
    card = verify(folder)
    target = local_models() / card.name
    if (target / CARD).is_file():
        if load_card(target).sha256 != card.sha256:
            raise LesionsegError(f"A model {card.name} is installed already; give the new one another name.")
        return ModelInfo(card.name, target, card)
    target.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, CARD):  # The card last: without it the folder is no model.
        shutil.copyfile(Path(folder) / name, target / name)
    return ModelInfo(card.name, target, verify(target))
