"""The state a run begins with."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from lesionseg_training.checkpoint import TrainState
from lesionseg_training.config import TrainConfig
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.build import build_network
from napari_lesionseg.models.card import load_model
from napari_lesionseg.models.network import LesionNetwork


def new_state(config: TrainConfig, device: str, start: Path | None) -> TrainState:
    """Make the network, from the configuration's seed or with the weights of the model folder ``start``.

    Raises
    ------
    LesionsegError
        If ``start`` is no sound model folder, or of another network or preprocessing than the configuration.
    """
    torch.manual_seed(config.seed)
    if start is None:
        network = build_network(config.network, config.prior).to(device)
    else:
        network = _given(config, device, start)
    average = copy.deepcopy(network).requires_grad_(False) if config.ema else network
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    return TrainState(network, average, optimiser, micro_batch=config.micro_batch)


def _given(config: TrainConfig, device: str, start: Path) -> LesionNetwork:
    model = load_model(start, device)
    for part, asked, there in (
        ("network", config.network, model.card.architecture),
        ("preprocessing", config.preprocessing, model.card.preprocessing),
    ):
        if asked != there:
            raise LesionsegError(f"{start} has another {part} than the configuration asks for; leave {part} to it.")
    if model.others:
        raise LesionsegError(
            f"{start} is an ensemble of {len(model.networks)} networks; start from one of its members."
        )
    return model.network
