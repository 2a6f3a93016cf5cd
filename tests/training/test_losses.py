"""Equations 4.1 to 4.3 of the dissertation by hand, and why Dice is pooled over the batch."""

from __future__ import annotations

import math

import pytest
import torch
from lesionseg_training.config import TrainConfig, load_config
from lesionseg_training.losses import Whole, hybrid_loss, overlap_sums, presence_loss, soft_dice_loss
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


@pytest.mark.parametrize("pool", [True, False])
def test_the_parts_of_a_batch_add_up_to_its_loss_and_its_gradient(pool: bool) -> None:
    logits = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    target = (logits.detach() > 0.8).double() * torch.tensor([1.0, 0, 0, 1, 1])[:, None, None, None]
    presence = logits.mean((1, 2, 3))
    terms = {"dice_weight": 0.6, "bce_weight": 0.4, "pool": pool, "epsilon": 1e-5}
    loss = hybrid_loss(logits, target, **terms) + 0.3 * presence_loss(presence, target)
    (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
    whole = Whole(5, overlap_sums(torch.sigmoid(logits), target).detach())
    added = torch.zeros((), dtype=torch.float64)
    for part in (slice(0, 2), slice(2, 3), slice(3, 5)):  # The second has no lesion.
        added = added + hybrid_loss(logits[part], target[part], whole=whole, **terms)
        added = added + 0.3 * presence_loss(presence[part], target[part], whole)
    assert added.item() == pytest.approx(loss.item(), rel=1e-12)
    assert torch.allclose(torch.autograd.grad(added, logits)[0], gradient, rtol=1e-9, atol=0)


def test_pooled_dice_has_the_gradient_of_its_formula() -> None:
    probability = P.clone().requires_grad_()
    soft_dice_loss(probability, T, pool=True, epsilon=0.1).backward()
    # d/dp of 1 − (2·1.5 + 0.1) / (3.8 + 0.1), for t = 1 and for t = 0.
    in_lesion, outside = -2 / 3.9 + 3.1 / 3.9**2, 3.1 / 3.9**2
    assert probability.grad is not None
    assert probability.grad.flatten().tolist() == pytest.approx([in_lesion, outside, outside, in_lesion])


def test_presence_is_asked_of_the_slice_and_not_of_its_pixels() -> None:
    target = torch.zeros(3, 1, 2, 2)
    target[0, 0, 0, 0], target[1, 0, 0, 0] = 0.6, 0.4  # Less than half a pixel is none.
    expected = -(math.log(0.8) + math.log(0.8) + math.log(0.3)) / 3
    presence = torch.logit(torch.tensor([0.8, 0.2, 0.7]))
    assert presence_loss(presence, target).item() == pytest.approx(expected)
