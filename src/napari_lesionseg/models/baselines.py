"""Networks to compare the dual encoder with, built by MONAI with its widths and with instance norm throughout."""

from __future__ import annotations

from torch import Tensor, nn

from napari_lesionseg.models.config import BlockConfig, FlatConfig
from napari_lesionseg.models.network import LesionNetwork, start_at


class FlatNetwork(LesionNetwork):
    """A 2D network: U-Net, U-Net++, Attention U-Net or the architecture of nnU-Net.

    Parameters
    ----------
    config
        Which, and its widths.
    prior
        Share of lesion pixels that the untrained network predicts.
    """

    config: FlatConfig

    def __init__(self, config: FlatConfig, prior: float = 0.5) -> None:
        super().__init__(config)
        make = {"unet2d": _unet, "unet_plus_plus": _unet_plus_plus, "attention_unet": _attention, "dynunet2d": _dynunet}
        self.body = make[config.kind](2, config.stack, config.widths)
        _instance_norms(self.body)
        start_at(_last_convolution(self.body), prior)

    def marks(self, stack: Tensor) -> tuple[Tensor, None]:
        """Mark the centre slice (see :class:`LesionNetwork`)."""
        height, width = stack.shape[-2:]
        logits = self.body(self.pad(stack))
        found: Tensor = logits[0] if isinstance(logits, list) else logits  # U-Net++ gives a list.
        return found[..., :height, :width], None


class BlockNetwork(LesionNetwork):
    """A 3D network: U-Net or the architecture of nnU-Net.

    Parameters
    ----------
    config
        Which, its widths, and the slices it sees at a time.
    prior
        Share of lesion voxels that the untrained network predicts.
    """

    config: BlockConfig

    def __init__(self, config: BlockConfig, prior: float = 0.5) -> None:
        super().__init__(config)
        make = _unet if config.kind == "unet3d" else _dynunet
        self.body = make(3, 1, config.widths)
        start_at(_last_convolution(self.body), prior)

    def marks(self, stack: Tensor) -> tuple[Tensor, None]:
        """Mark all slices of a block (see :class:`LesionNetwork`)."""
        height, width = stack.shape[-2:]
        logits: Tensor = self.body(self.pad(stack)[:, None])[:, 0]
        return logits[..., :height, :width], None


def _unet(dimensions: int, inputs: int, widths: tuple[int, ...]) -> nn.Module:
    """U-Net (Ronneberger et al. 2015; Çiçek et al. 2016)."""
    from monai.networks.nets.basic_unet import BasicUNet

    features = (*widths, widths[0])
    return BasicUNet(dimensions, inputs, 1, features, norm=("instance", {"affine": True}), dropout=0.0)


def _unet_plus_plus(dimensions: int, inputs: int, widths: tuple[int, ...]) -> nn.Module:
    """U-Net++ (Zhou et al. 2018), without deep supervision."""
    from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus

    features = (*widths, widths[0])
    return BasicUNetPlusPlus(dimensions, inputs, 1, features, norm=("instance", {"affine": True}), dropout=0.0)


def _attention(dimensions: int, inputs: int, widths: tuple[int, ...]) -> nn.Module:
    """Attention U-Net (Oktay et al. 2018)."""
    from monai.networks.nets.attentionunet import AttentionUnet

    return AttentionUnet(dimensions, inputs, 1, widths, strides=(2,) * (len(widths) - 1), dropout=0.0)


def _dynunet(dimensions: int, inputs: int, widths: tuple[int, ...]) -> nn.Module:
    """The architecture of nnU-Net (Isensee et al. 2021), without deep supervision.

    In 3D the first level neither looks nor halves across slices, as nnU-Net plans for slices thicker than pixels.
    """
    from monai.networks.nets.dynunet import DynUNet

    kernels: list[int | list[int]] = [3] * len(widths)
    strides: list[int | list[int]] = [1, *[2] * (len(widths) - 1)]
    if dimensions == 3:
        kernels[0], strides[1] = [1, 3, 3], [1, 2, 2]
    norm = ("instance", {"affine": True})
    body = DynUNet(dimensions, inputs, 1, kernels, strides, strides[1:], filters=list(widths), norm_name=norm)
    for alias in ("input_block", "downsamples", "bottleneck", "upsamples"):
        delattr(body, alias)  # It runs the same layers by way of ``skip_layers``; saved weights have one name.
    return body


def _instance_norms(module: nn.Module) -> None:
    """Replace batch norms: what a slice is told must not depend on the others of its batch."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.InstanceNorm2d(child.num_features, affine=True))
        else:
            _instance_norms(child)


def _last_convolution(body: nn.Module) -> nn.Conv2d | nn.Conv3d:
    """The layer that gives the logits."""
    return [one for one in body.modules() if isinstance(one, nn.Conv2d | nn.Conv3d) and one.out_channels == 1][-1]
