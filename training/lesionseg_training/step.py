"""One step of the training: gradients, then weights, then their moving average; none of them ever NaN."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lesionseg_training.checkpoint import TrainState
from lesionseg_training.config import TrainConfig
from lesionseg_training.losses import hybrid_loss
from lesionseg_training.schedule import learning_rate
from napari_lesionseg.errors import LesionsegError

Overlap = npt.NDArray[np.float64]


def add_gradients(
    state: TrainState, grey: Tensor, target: Tensor, config: TrainConfig, share: float
) -> tuple[float, Overlap]:
    """Forward and backward; the loss, and the pixels (hit, predicted + lesion) that Dice is made of.

    Parameters
    ----------
    grey, target
        (N, K, H, W) and (N, 1, H, W), from 0 to 1.
    share
        Of this batch in the step.

    Raises
    ------
    LesionsegError
        If memory does not suffice, or the loss is not a number.
    """
    try:
        logits = state.network(grey)
        loss = hybrid_loss(
            logits,
            target,
            dice_weight=config.dice_weight,
            bce_weight=config.bce_weight,
            pool=config.pool_dice,
            epsilon=config.epsilon,
        )
        (loss * share).backward()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise LesionsegError(
            f"Memory does not suffice for batches of {config.batch_size}; start a new run with a smaller batch_size or "
            "patch, or on another device."
        ) from error
    predicted, lesion = logits.detach() > 0, target > 0.5
    pixels = [(predicted & lesion).sum().item(), predicted.sum().item() + lesion.sum().item()]
    return _finite(loss, state), np.array(pixels, np.float64)


def take_step(state: TrainState, config: TrainConfig, progress: float) -> None:
    """Turn the gradients into new weights; ``progress`` is the share of the run that is done.

    Raises
    ------
    LesionsegError
        If the gradients are not finite: they can be so where the loss is, and would spoil the weights for good.
    """
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(config, progress)
    limit = 1.0 if config.schedule == "cosine" else math.inf
    _finite(torch.nn.utils.clip_grad_norm_(state.network.parameters(), limit), state)
    state.optimiser.step()
    state.optimiser.zero_grad(set_to_none=True)
    if state.average is state.network:
        return
    # A young average would keep the random start: it forgets faster at first.
    steps = int(next(iter(state.optimiser.state.values()))["step"])
    decay = min(config.ema, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for mean, weight in zip(state.average.parameters(), state.network.parameters(), strict=True):
            mean.lerp_(weight, 1 - decay)


def check_weights(state: TrainState) -> None:
    """Refuse weights that are not finite, so that no checkpoint ever holds such.

    Raises
    ------
    LesionsegError
        If there is one.
    """
    for network in (state.network, state.average):
        for weight in network.parameters():
            _finite(weight.detach().abs().max(), state)


def _finite(value: Tensor, state: TrainState) -> float:
    number = value.item()
    if not math.isfinite(number):
        raise LesionsegError(
            f"The loss stopped being a number in epoch {state.epoch + 1}, and the checkpoint before it is kept; "
            "start a new run with a lower learning_rate."
        )
    return float(number)
