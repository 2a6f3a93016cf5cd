"""OpenVINO on the CPU: a network is converted once, and kept as OpenVINO reads it."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_lesionseg.inference.backends.backend import Bytes, Logits
from napari_lesionseg.inference.backends.converted import keep_converted
from napari_lesionseg.inference.backends.openvino_import import import_openvino
from napari_lesionseg.models.dual_encoder import DualEncoderUNet


class OpenVinoCpu:
    """Runs a converted network: its encoders in float32, fusion and decoder in bfloat16, as :class:`TorchFast` does.

    Parameters
    ----------
    key
        Names the weights among the converted networks that are kept; ``""``: it is not kept.
    half
        Whether to use bfloat16 at all; by default where the processor has it.
    """

    name = "openvino"
    device = "cpu"
    marked = 1

    def __init__(self, network: DualEncoderUNet, key: str = "", *, half: bool | None = None) -> None:
        openvino = import_openvino()
        self.stack = network.config.stack
        self._step = network.smallest_step
        self._core = openvino.Core()
        half = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") if half is None else half
        self._precisions = "f32", "bf16" if half else "f32"
        named = f"{key}-{openvino.get_version()}" if key else ""
        self._parts = keep_converted(lambda: _convert(network), named)
        self._requests: list[Any] = []
        self._shape: tuple[int, ...] = ()

    def at_work(self) -> AbstractContextManager[None]:
        """It is always ready."""
        return nullcontext()

    def logits(self, stack: Bytes) -> Logits:
        """Mark the middle slices of stacks (N, stack, h, w): logits (N, 1, h, w)."""
        height, width = stack.shape[-2:]
        sides = (max(-(-side // self._step), 2) * self._step for side in (height, width))
        self._compile((*stack.shape[:2], *sides))
        grey = np.zeros(self._shape, np.float32)
        np.divide(stack, 255.0, out=grey[..., :height, :width], dtype=np.float32)
        encode, decode = self._requests
        encode.infer({0: grey}, share_inputs=True)
        found = decode.infer()[0]
        return np.array(found[..., :height, :width], np.float32)

    def retreat(self) -> bool:
        """It is on the CPU already."""
        return False

    def _compile(self, shape: tuple[int, ...]) -> None:
        """Make both parts for pictures of one shape (N, K, H', W'): for any shape they would be half as fast."""
        if shape == self._shape:
            return
        encoder, decoder = self._parts
        encoder.reshape(list(shape))
        decoder.reshape({number: list(output.shape) for number, output in enumerate(encoder.outputs)})
        self._requests = [
            self._core.compile_model(
                part, "CPU", {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
            ).create_infer_request()
            for part, precision in zip(self._parts, self._precisions, strict=True)
        ]
        for number in range(len(encoder.outputs)):  # The features stay where they are.
            self._requests[1].set_input_tensor(number, self._requests[0].get_output_tensor(number))
        self._shape = shape


class _Encode(nn.Module):
    """Encoder A, then encoder B, the levels of each from the finest on."""

    def __init__(self, network: DualEncoderUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, padded: Tensor) -> tuple[Tensor, ...]:
        features_a, features_b = self.network.encode(padded)
        return (*features_a, *features_b)


class _Decode(nn.Module):
    """Fusion and decoder."""

    def __init__(self, network: DualEncoderUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, *features: Tensor) -> Tensor:
        levels = len(features) // 2
        return self.network.decode(list(features[:levels]), list(features[levels:]))


def _convert(network: DualEncoderUNet) -> tuple[Any, Any]:
    openvino = import_openvino()
    # Instance norms as they are: group norms would be run on another memory layout, there and back each time.
    plain = copy.deepcopy(network).to("cpu").eval().requires_grad_(False)
    side = 2 * network.smallest_step
    picture = torch.zeros(1, network.config.stack, side, side)
    encode, decode = _Encode(plain), _Decode(plain)
    with torch.no_grad():  # Not in inference mode: what is made there cannot be traced.
        features = encode(picture)
    return (
        openvino.convert_model(encode, example_input=picture),
        openvino.convert_model(decode, example_input=features),
    )
