"""Several models as one: their mean probability marks the lesions, and where they disagree a person should look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import CARD, MOST_MEMBERS, LoadedModel, ModelCard, load_model, save_model
from napari_lesionseg.volumes.names import is_safe_name


def join_models(folders: Sequence[Path], output: Path, name: str) -> ModelCard:
    """Write an ensemble of the models in ``folders`` to the folder ``output``; return its card.

    The members' threshold is averaged, a guard that they share is kept. What they scored says nothing of the whole, so
    the card has no metrics.

    Raises
    ------
    LesionsegError
        If there are not two models or more, one is given twice, they differ in network or preprocessing, or ``name``
        or ``output`` cannot be used.
    """
    if not is_safe_name(name):
        raise LesionsegError(f"{name} cannot be a model's name; choose up to 64 letters, digits, - and _.")
    if (output / CARD).exists():
        raise LesionsegError(f"There is a model in {output} already; choose another folder.")
    models = [load_model(folder) for folder in folders]
    _check(models)
    networks = [network for model in models for network in model.networks]
    cards = [model.card for model in models]
    first = cards[0]
    card = ModelCard(
        name=name,
        description=f"Ensemble of {len(networks)} networks: {_listed(card.name for card in cards)}.",
        preprocessing=first.preprocessing,
        guard=first.guard if all(card.guard == first.guard for card in cards) else None,
        threshold=round(float(np.mean([card.threshold for card in cards])), 3),
        training_data=_listed(card.training_data for card in cards),
        licence=_listed(card.licence for card in cards),
        limits=_listed(card.limits for card in cards),
        ledger=first.ledger if all(card.ledger == first.ledger for card in cards) else "",
        training={"members": [{"name": card.name, "sha256": card.sha256} for card in cards]},
    )
    return save_model(output, networks[0], card, networks[1:])


def _check(models: Sequence[LoadedModel]) -> None:
    count = sum(len(model.networks) for model in models)
    if len(models) < 2 or count > MOST_MEMBERS:
        raise LesionsegError(f"An ensemble has 2 to {MOST_MEMBERS} members; give so many models.")
    first = models[0].card
    for number, model in enumerate(models):
        card = model.card
        if card.sha256 in (one.card.sha256 for one in models[:number]):
            raise LesionsegError(f"{card.name} holds the weights of another member; give each model once.")
        for part, one, other in (
            ("network", first.architecture, card.architecture),
            ("preprocessing", first.preprocessing, card.preprocessing),
        ):
            if one != other:
                raise LesionsegError(f"{card.name} has another {part} than {first.name}; choose models that are alike.")


def _listed(texts: Iterable[str]) -> str:
    """Each text once."""
    return "; ".join(dict.fromkeys(filter(None, texts)))
