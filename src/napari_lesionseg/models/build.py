"""From the shape on a card to a network."""

from __future__ import annotations

from napari_lesionseg.models.config import Architecture, BlockConfig, FlatConfig
from napari_lesionseg.models.network import LesionNetwork


def build_network(config: Architecture, prior: float = 0.5) -> LesionNetwork:
    """Make a network with random weights.

    Parameters
    ----------
    prior
        Share of lesion pixels that it predicts.
    """
    if isinstance(config, FlatConfig | BlockConfig):  # These import MONAI, which takes a second.
        from napari_lesionseg.models.baselines import BlockNetwork, FlatNetwork

        return FlatNetwork(config, prior) if isinstance(config, FlatConfig) else BlockNetwork(config, prior)
    from napari_lesionseg.models.dual_encoder import DualEncoderUNet

    return DualEncoderUNet(config, prior)
