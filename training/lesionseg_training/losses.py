"""The dissertation's hybrid loss, slice by slice or with Dice pooled over the batch, whole or in parts.

Pooled Dice depends on a batch only through two sums, S = (Σp·t, Σp + Σt). Where a batch is split, be it into
micro-batches or among processes, S of the whole batch is added up first, without gradients; then for each part with
sums s the loss ∂Dice/∂S · s has the part's gradient of the whole batch's Dice, exactly. The gradients of the parts are
added. All else is a mean over slices, of which each part has its share.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, eq=False)
class Whole:
    """The batch that a part is a part of: its number of slices, and S as :func:`overlap_sums` gives it."""

    slices: int
    sums: Tensor


def overlap_sums(probability: Tensor, target: Tensor) -> Tensor:
    """(2,) Σp·t and Σp + Σt, of (N, C, H, W); those of two batches are added to have those of both."""
    return torch.stack(((probability * target).sum(), probability.sum() + target.sum()))


def soft_dice_loss(
    probability: Tensor, target: Tensor, *, pool: bool, epsilon: float, whole: Whole | None = None
) -> Tensor:
    """1 − Dice with ε in numerator and denominator (dissertation, eq. 4.2).

    Parameters
    ----------
    probability, target
        (N, C, H, W), from 0 to 1.
    pool
        Sum over the whole batch, so that a false positive on an empty slice keeps a gradient; slice by slice that
        gradient is −ε/(Σp + ε)², which is nothing.
    whole
        If these are a part of a batch, that batch: the result is then the part's share, to be added up.
    """
    share = len(probability) / whole.slices if whole else 1.0
    if not pool:
        overlap, total = (probability * target).sum((1, 2, 3)), probability.sum((1, 2, 3)) + target.sum((1, 2, 3))
        return share * _dice_loss(overlap, total, epsilon).mean()
    sums = overlap_sums(probability, target)
    of_all = (whole.sums if whole else sums).detach().requires_grad_()
    with torch.enable_grad():
        loss = _dice_loss(of_all[0], of_all[1], epsilon)
        (slope,) = torch.autograd.grad(loss, of_all)
    return share * loss.detach() + slope @ (sums - sums.detach())


def hybrid_loss(
    logits: Tensor,
    target: Tensor,
    *,
    dice_weight: float,
    bce_weight: float,
    pool: bool,
    epsilon: float,
    whole: Whole | None = None,
) -> Tensor:
    """``dice_weight`` · Dice loss + ``bce_weight`` · binary cross-entropy (eq. 4.1 and 4.3), for (N, C, H, W)."""
    dice = soft_dice_loss(torch.sigmoid(logits), target, pool=pool, epsilon=epsilon, whole=whole)
    share = len(logits) / whole.slices if whole else 1.0
    return dice_weight * dice + bce_weight * share * F.binary_cross_entropy_with_logits(logits, target)


def presence_loss(presence: Tensor, target: Tensor, whole: Whole | None = None) -> Tensor:
    """Cross-entropy of the (N,) logits for whether any pixel of a (N, C, H, W) target is more than half lesion."""
    share = len(presence) / whole.slices if whole else 1.0
    there = (target.amax((1, 2, 3)) > 0.5).to(presence.dtype)
    return share * F.binary_cross_entropy_with_logits(presence, there)


def _dice_loss(overlap: Tensor, total: Tensor, epsilon: float) -> Tensor:
    return 1 - (2 * overlap + epsilon) / (total + epsilon)
