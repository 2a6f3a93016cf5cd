"""What a run leaves for use: the model folder, with its figures on the card."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from lesionseg_training.calibrate import can_calibrate, fit_model, fitted_card
from lesionseg_training.config import TrainConfig
from lesionseg_training.data import TrainingData
from lesionseg_training.evaluate import cases_with_truth, evaluate_model
from napari_lesionseg import __version__
from napari_lesionseg.inference.device import describe_device
from napari_lesionseg.models.card import ModelCard, load_card, load_model, save_model
from napari_lesionseg.models.network import LesionNetwork
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.store import Study

OWN_FIELDS = {"name", "description", "licence", "training_data", "limits", "network", "preprocessing", "threshold"}


def publish(
    folder: Path, network: LesionNetwork, card: ModelCard, study: Study, config: TrainConfig, device: str
) -> ModelCard:
    """Save the model, fit its guard, evaluate what was saved on the validation patients; return the final card."""
    card = save_model(folder, network, card)
    if config.guard and can_calibrate(study):
        fitted = fit_model(load_model(folder, device), study, device=device)
        card = save_model(folder, network, fitted_card(card, fitted))
    split: Split = "train" if config.leave_out else config.validation_split
    patients = config.leave_out or None
    if not [case for case, _ in cases_with_truth(study, split) if patients is None or case.patient in patients]:
        return card
    metrics = evaluate_model(load_model(folder, device), study, split, device=device, patients=patients)
    return save_model(folder, network, card.model_copy(update={"metrics": {"validation": metrics}}))


def make_card(config: TrainConfig, data: TrainingData, device: str, start: Path | None) -> ModelCard:
    """The card of a trained model, still without figures."""
    parent = load_card(start) if start is not None else None
    return ModelCard(
        name=config.name,
        description=config.description,
        preprocessing=config.preprocessing,
        threshold=config.threshold,
        guard=parent.guard if parent else None,
        training_data=config.training_data or f"{len(data.cases)} cases of the user's own study",
        licence=config.licence,
        limits=config.limits,
        parent=parent.name if parent else "",
        ledger=data.ledger,
        training={
            "config": config.model_dump(mode="json", exclude=OWN_FIELDS),
            "cases": [case.id for case in data.cases],
            "hardware": f"{platform.machine()}, {describe_device(device)}",
            "versions": {"napari-lesionseg": __version__, "torch": str(torch.__version__)},
        },
    )
