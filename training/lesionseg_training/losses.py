"""The dissertation's hybrid loss, slice by slice or with Dice pooled over the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def soft_dice_loss(probability: Tensor, target: Tensor, *, pool: bool, epsilon: float) -> Tensor:
    """1 − Dice with ε in numerator and denominator (dissertation, eq. 4.2).

    Parameters
    ----------
    probability, target
        (N, 1, H, W), from 0 to 1.
    pool
        Sum over the whole batch, so that a false positive on an empty slice keeps a gradient; slice by slice that
        gradient is −ε/(Σp + ε)², which is nothing.
    """
    axes = (0, 1, 2, 3) if pool else (1, 2, 3)
    overlap = (probability * target).sum(axes)
    total = probability.sum(axes) + target.sum(axes)
    return (1 - (2 * overlap + epsilon) / (total + epsilon)).mean()


def hybrid_loss(
    logits: Tensor, target: Tensor, *, dice_weight: float, bce_weight: float, pool: bool, epsilon: float
) -> Tensor:
    """``dice_weight`` · Dice loss + ``bce_weight`` · binary cross-entropy (eq. 4.1 and 4.3), for (N, 1, H, W)."""
    dice = soft_dice_loss(torch.sigmoid(logits), target, pool=pool, epsilon=epsilon)
    return dice_weight * dice + bce_weight * F.binary_cross_entropy_with_logits(logits, target)
