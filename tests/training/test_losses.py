"""Equations 4.1 to 4.3 of the dissertation by hand, and why Dice is pooled over the batch (METHODS)."""

from __future__ import annotations

import math

import pytest
import torch
from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.losses import hybrid_loss, soft_dice_loss
from torch import Tensor

P = torch.tensor([[[[0.9, 0.2], [0.1, 0.6]]]], dtype=torch.float64)
T = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]], dtype=torch.float64)


def test_dice_of_a_two_by_two_slice_is_as_on_paper() -> None:
    # Σpt = 1.5, Σp + Σt = 1.8 + 2
    assert soft_dice_loss(P, T, pool=False, epsilon=0.1).item() == pytest.approx(1 - 3.1 / 3.9)


def test_the_hybrid_of_a_two_by_two_slice_is_as_on_paper() -> None:
    cross_entropy = -(math.log(0.9) + math.log(0.8) + math.log(0.9) + math.log(0.6)) / 4
    expected = 0.7 * (1 - 3.1 / 3.9) + 0.3 * cross_entropy
    loss = hybrid_loss(torch.logit(P), T, dice_weight=0.7, bce_weight=0.3, pool=True, epsilon=0.1)
    assert loss.item() == pytest.approx(expected)


def test_two_slices_are_averaged_slice_by_slice_or_summed_as_one() -> None:
    probability = torch.cat((P, torch.full_like(P, 0.5)))
    target = torch.cat((T, torch.zeros_like(T)))
    by_slice = soft_dice_loss(probability, target, pool=False, epsilon=0.1).item()
    pooled = soft_dice_loss(probability, target, pool=True, epsilon=0.1).item()
    assert by_slice == pytest.approx(((1 - 3.1 / 3.9) + (1 - 0.1 / 2.1)) / 2)
    assert pooled == pytest.approx(1 - 3.1 / 5.9)


def test_an_empty_slice_predicted_empty_costs_nothing() -> None:
    nothing = torch.zeros(1, 1, 4, 4)
    assert soft_dice_loss(nothing, nothing, pool=False, epsilon=1e-5).item() == 0


def test_a_perfect_prediction_costs_nothing() -> None:
    assert soft_dice_loss(T, T, pool=True, epsilon=1e-5).item() == pytest.approx(0)


def _hallucination(slices: int, side: int, lesion: int) -> tuple[Tensor, Tensor]:
    """Logits with 500 pixels of false lesion in slice 0, which is empty; slice 1 has its ``lesion`` pixels found."""
    logits = torch.full((slices, 1, side, side), -8.0, dtype=torch.float64)
    target = torch.zeros_like(logits)
    logits[0].view(-1)[:500] = 2.0
    if lesion:
        logits[1].view(-1)[:lesion] = 2.0
        target[1].view(-1)[:lesion] = 1.0
    return logits.requires_grad_(), target


def _dice_to_bce(logits: Tensor, target: Tensor, config: TrainConfig) -> float:
    """How much more Dice than cross-entropy pushes against the first false-positive pixel."""
    pushes = []
    for dice_weight, bce_weight in ((config.dice_weight, 0.0), (0.0, config.bce_weight)):
        loss = hybrid_loss(
            logits,
            target,
            dice_weight=dice_weight,
            bce_weight=bce_weight,
            pool=config.pool_dice,
            epsilon=config.epsilon,
        )
        (gradient,) = torch.autograd.grad(loss, logits)
        pushes.append(gradient.flatten()[0].item())
    assert min(pushes) > 0  # Both push down.
    return pushes[0] / pushes[1]


def test_with_seed_dice_is_blind_to_hallucination_on_an_empty_slice() -> None:
    config = load_config("seed")
    assert _dice_to_bce(*_hallucination(config.batch_size, config.preprocessing.size, 0), config) < 1e-3


def test_with_seed_a_larger_batch_alone_does_not_help() -> None:
    config = load_config("seed")
    assert _dice_to_bce(*_hallucination(4, config.preprocessing.size, 500), config) < 1e-3


def test_with_robust_dice_removes_hallucination() -> None:
    config = load_config("robust")
    assert config.patch is not None
    assert _dice_to_bce(*_hallucination(config.batch_size, config.patch, 500), config) >= 5
