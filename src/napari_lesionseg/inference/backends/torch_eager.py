"""A network as it is trained, in float32: what every faster backend is measured against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from napari_lesionseg.inference.backends.backend import Bytes, Logits
from napari_lesionseg.models.network import LesionNetwork


class TorchEager:
    """Runs ``network`` itself; a trainer validates its own with it.

    Parameters
    ----------
    device
        A chosen device, to which the network goes.
    """

    name = "torch"

    def __init__(self, network: LesionNetwork, device: str) -> None:
        self.network, self.device = network, device
        self.stack, self.marked = network.config.stack, network.config.marked

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """In evaluation mode meanwhile, afterwards as it was."""
        was_training = self.network.training
        self.network.eval()
        try:
            yield
        finally:
            self.network.train(was_training)

    def logits(self, stack: Bytes) -> Logits:
        """Mark slices of stacks (N, stack, h, w): logits (N, marked, h, w)."""
        self.network.to(self.device)
        with torch.inference_mode():
            grey = torch.from_numpy(stack).to(self.device).float().div_(255.0)
            return self.network(grey).float().cpu().numpy()  # type: ignore[no-any-return]

    def retreat(self) -> bool:
        """From a GPU to the CPU."""
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        left, self.device = self.device, "cpu"
        return left != "cpu"
