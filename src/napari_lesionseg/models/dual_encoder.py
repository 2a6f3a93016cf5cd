"""The 2.5D dual-encoder U-Net of the dissertation, whole in this file.

Source: "2.5D Dual-Encoder U-Net for Lesion Segmentation in Chest CT Scans" (2025), section 4.1. Shapes in the
comments are for the default widths; N slices of H×W pixels, K = 2·neighbours + 1 slices in a stack.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.network import LesionNetwork, damp, start_at


class ResidualConvBlock(nn.Module):
    """Two 3×3 convolutions, each with instance norm and LeakyReLU, plus a skip that adds the input.

    Where the number of channels changes, the skip is a 1×1 convolution.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm2d(outputs, affine=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm2d(outputs, affine=True)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H, W)."""
        y = F.leaky_relu(self.norm1(self.conv1(x)), 0.01)
        y = F.leaky_relu(self.norm2(self.conv2(y)), 0.01)
        return y + self.skip(x)  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Residual blocks at every level, halving the picture in between."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualConvBlock(i, o) for i, o in pairwise((inputs, *widths)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, inputs, H, W) → one (N, width, H/2^level, W/2^level) a level, finest first."""
        levels = []
        for level, block in enumerate(self.blocks):
            x = block(F.max_pool2d(x, 2) if level else x)
            levels.append(x)
        return levels


class FusionBlock(nn.Module):
    """Weigh the single slice against its neighbours: ``m = σ(alpha)·a + (1 − σ(alpha))·b``, plus ``res_scale·f(a, b)``.

    ``alpha`` and ``res_scale`` are trainable; ``f`` is a 3×3 convolution of both with instance norm and LeakyReLU.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(()))
        self.res_scale = nn.Parameter(torch.tensor(0.1))
        self.conv = nn.Conv2d(2 * width, width, 3, padding=1, bias=False)
        self.norm = nn.InstanceNorm2d(width, affine=True)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two (N, width, h, w) → one (N, width, h, w)."""
        share = torch.sigmoid(self.alpha)
        residual = F.leaky_relu(self.norm(self.conv(torch.cat((a, b), dim=1))), 0.01)
        return share * a + (1 - share) * b + self.res_scale * residual


class DecoderLevel(nn.Module):
    """Double the picture, join the fused skip of that level, and refine."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.block = ResidualConvBlock(2 * outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, inputs, h, w) and (N, outputs, 2h, 2w) → (N, outputs, 2h, 2w)."""
        return self.block(torch.cat((self.up(x), skip), dim=1))  # type: ignore[no-any-return]


class DualEncoderUNet(LesionNetwork):
    """Encoder A sees the centre slice, encoder B the stack; their features are fused and share one decoder.

    Parameters
    ----------
    config
        Number of neighbours, widths, and whether there is a presence head. The default has 1.6 M parameters.
    prior
        Share of lesion pixels the untrained network predicts; its logit is the last layer's bias.
    """

    config: DualEncoderConfig

    def __init__(self, config: DualEncoderConfig | None = None, prior: float = 0.5) -> None:
        super().__init__(config or DualEncoderConfig())
        widths = self.config.widths
        self.encoder_a = Encoder(1, widths)
        self.encoder_b = Encoder(self.config.stack, widths)
        self.fusions = nn.ModuleList(FusionBlock(width) for width in widths)
        self.decoder = nn.ModuleList(DecoderLevel(i, o) for i, o in pairwise(reversed(widths)))
        self.head = nn.Conv2d(widths[0], 1, 1)
        start_at(self.head, prior)
        self.presence = nn.Linear(widths[-1], 1) if self.config.presence else None

    def marks(self, stack: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mark the centre slice, and tell whether there is lesion in it (see :class:`LesionNetwork`).

        Parameters
        ----------
        stack
            (N, K, H, W) grey values from 0 to 1, the centre slice in the middle; H and W are free.

        Returns
        -------
        tuple
            (N, 1, H, W) logits; (N,) logits, or None without a presence head.
        """
        height, width = stack.shape[-2:]
        logits, presence = self._decode(*self.encode(self.pad(stack)))
        return logits[..., :height, :width], presence

    def forward(self, stack: Tensor) -> Tensor:
        """Mark the lesions of the centre slice, in the two parts that backends run apart."""
        height, width = stack.shape[-2:]
        return self.decode(*self.encode(self.pad(stack)))[..., :height, :width]

    def encode(self, padded: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What encoder A and encoder B see.

        Parameters
        ----------
        padded
            (N, K, H', W'), see :meth:`pad`.

        Returns
        -------
        tuple of two lists
            Level l: (N, widths[l], H'/2^l, W'/2^l).
        """
        middle = self.config.neighbours
        return self.encoder_a(padded[:, middle : middle + 1]), self.encoder_b(padded)

    def decode(self, features_a: list[Tensor], features_b: list[Tensor]) -> Tensor:
        """Fuse what both encoders see, and mark: (N, 1, H', W') logits."""
        return damp(*self._decode(features_a, features_b))

    def _decode(self, features_a: list[Tensor], features_b: list[Tensor]) -> tuple[Tensor, Tensor | None]:
        fused = [fusion(a, b) for fusion, a, b in zip(self.fusions, features_a, features_b, strict=True)]
        x = fused.pop()  # (N, 112, H'/16, W'/16)
        # The strongest sign anywhere: it is the same on a cut-out and on the whole slice, as a mean is not.
        presence = None if self.presence is None else self.presence(x.amax((2, 3)))[:, 0]
        for level in self.decoder:
            x = level(x, fused.pop())  # … → (N, 16, H', W')
        return self.head(x), presence
