"""A network made ready for nothing but predicting: the same function, in fewer and cheaper steps."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from napari_lesionseg.inference.backends.backend import Bytes, Logits
from napari_lesionseg.models.dual_encoder import DualEncoderUNet


class TorchFast:
    """Runs a copy of ``network`` with group norms, channels last, and fusion and decoder in bfloat16.

    The encoders stay in float32: in bfloat16 they cost Dice 0.001 to 0.004 against the network in float32, all the
    rest together less than 0.001 (docs/decisions/0016).

    Parameters
    ----------
    half
        Whether to use bfloat16 at all; by default where :func:`has_bfloat16`.
    """

    name = "torch"
    marked = 1

    def __init__(self, network: DualEncoderUNet, device: str, *, half: bool | None = None) -> None:
        self.device, self.stack = device, network.config.stack
        self._half = half
        ready = for_inference(network).to(device)
        self._network = ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def at_work(self) -> AbstractContextManager[None]:
        """It is always ready."""
        return nullcontext()

    def logits(self, stack: Bytes) -> Logits:
        """Mark the middle slices of stacks (N, stack, h, w): logits (N, 1, h, w)."""
        half = has_bfloat16(self.device) if self._half is None else self._half
        kind = "cuda" if self.device == "cuda" else "cpu"
        height, width = stack.shape[-2:]
        with torch.inference_mode():
            grey = torch.from_numpy(stack).to(self.device, memory_format=torch.channels_last).float().div_(255.0)
            features = self._network.encode(self._network.pad(grey))
            with torch.autocast(kind, torch.bfloat16, enabled=half):
                logits = self._network.decode(*features)
            return logits[..., :height, :width].float().cpu().numpy()  # type: ignore[no-any-return]

    def retreat(self) -> bool:
        """From a GPU to the CPU."""
        left, self.device = self.device, "cpu"
        self._network.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return left != "cpu"


def for_inference(network: DualEncoderUNet) -> DualEncoderUNet:
    """A copy in evaluation mode, each instance norm replaced by the group norm that is the same function.

    With as many groups as channels, a group norm is an instance norm; torch runs it in one pass over channels-last
    pictures, and the instance norm in several.
    """
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    _swap_norms(copied)
    return copied


def _swap_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.InstanceNorm2d):
            group = nn.GroupNorm(child.num_features, child.num_features, eps=child.eps)
            group.weight, group.bias = child.weight, child.bias
            setattr(module, name, group)
        else:
            _swap_norms(child)


def has_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on ``device``; emulated, it is slower."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    return False
