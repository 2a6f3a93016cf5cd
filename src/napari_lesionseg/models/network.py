"""What every network of this project is, whatever is inside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from napari_lesionseg.models.config import BlockConfig, DualEncoderConfig, FlatConfig


class LesionNetwork(nn.Module):
    """A network that marks lesions on slices; in all its pictures the slices are the channels.

    Parameters
    ----------
    config
        Its shape.
    """

    def __init__(self, config: DualEncoderConfig | FlatConfig | BlockConfig) -> None:
        super().__init__()
        self.config = config

    def marks(self, stack: Tensor) -> tuple[Tensor, Tensor | None]:
        """Say all that is learned: where there is lesion if there is any, and whether there is any.

        Parameters
        ----------
        stack
            (N, config.stack, H, W) grey values from 0 to 1; H and W are free.

        Returns
        -------
        tuple
            (N, config.marked, H, W) logits, and (N,) logits of "there is lesion here", where the network tells that.
        """
        raise NotImplementedError

    def forward(self, stack: Tensor) -> Tensor:
        """Mark the lesions: (N, config.stack, H, W) grey values from 0 to 1 → (N, config.marked, H, W) logits."""
        return damp(*self.marks(stack))

    @property
    def smallest_step(self) -> int:
        """Pixels that are one at the coarsest level."""
        return int(2 ** (len(self.config.widths) - 1))

    def pad(self, stack: Tensor) -> Tensor:
        """Zeros below and to the right, until both sides are multiples of :attr:`smallest_step`, at least two of it."""
        step = self.smallest_step
        # Instance norm needs more than one pixel at the coarsest level.
        height, width = (max(-(-side // step), 2) * step for side in stack.shape[-2:])
        return F.pad(stack, (0, width - stack.shape[-1], 0, height - stack.shape[-2]))


def start_at(head: nn.Conv2d | nn.Conv3d, prior: float) -> None:
    """Let a last layer begin by predicting the share ``prior`` of lesion pixels."""
    assert head.bias is not None
    nn.init.constant_(head.bias, math.log(prior / (1 - prior)))


def damp(logits: Tensor, presence: Tensor | None) -> Tensor:
    """Multiply the probability of a voxel by that of any lesion in its slice; logits in, logits out.

    1/(σ(l)·σ(q)) = (1 + e⁻ˡ)(1 + e⁻ᑫ), so the product's logit is l − log(1 + (1 + eˡ)·e⁻ᑫ).
    """
    if presence is None:
        return logits
    return logits - F.softplus(F.softplus(logits) - presence.view(-1, 1, 1, 1))
