"""A network that needs no training: it marks what is bright."""

from __future__ import annotations

from torch import Tensor

from napari_lesionseg.models.config import DualEncoderConfig
from napari_lesionseg.models.dual_encoder import DualEncoderUNet

SHAPE = DualEncoderConfig(widths=(4, 8))


class Bright(DualEncoderUNet):
    """Marks what is brighter than the middle of the window: the lesions of the hand-made scans."""

    def __init__(self) -> None:
        super().__init__(SHAPE)

    def encode(self, padded: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        return [padded[:, 1:2]], [padded]

    def decode(self, features_a: list[Tensor], features_b: list[Tensor]) -> Tensor:
        return 20 * (features_a[0] - 0.5)
