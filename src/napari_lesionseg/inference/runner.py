"""Slices through a network, in batches; on half the batch when memory runs out, in the end on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from napari_lesionseg.errors import Cancelled
from napari_lesionseg.inference.preprocess import Bytes
from napari_lesionseg.models.dual_encoder import DualEncoderUNet

Cancel = Callable[[], bool]

# A CPU is slower with bigger batches (they leave its caches), a GPU idles with smaller ones.
BATCH_SIZES = {"cpu": 1, "cuda": 16, "mps": 4}


def stacks(slices: Bytes, rows: Sequence[int], neighbours: int) -> Bytes:
    """The (len(rows), 2·neighbours + 1, h, w) stacks around ``rows``; first and last slice are repeated outward."""
    offsets = np.arange(-neighbours, neighbours + 1)
    return slices[np.clip(np.asarray(rows)[:, None] + offsets, 0, len(slices) - 1)]


class SliceRunner:
    """Runs the slices of one scan through a network.

    Parameters
    ----------
    device
        A chosen device; after a retreat, :attr:`device` is the one that was used last.
    batch_size
        Slices at a time to begin with; by default what suits the device.
    """

    def __init__(self, network: DualEncoderUNet, device: str, batch_size: int | None = None) -> None:
        self.network = network
        self.device = device
        self.batch_size = batch_size or BATCH_SIZES[device]

    def run(
        self, slices: Bytes, rows: Sequence[int] | None = None, cancelled: Cancel | None = None
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the (h, w) logits of each of ``rows`` (all by default) of (Z, h, w) ``slices``, in order.

        Raises
        ------
        Cancelled
            Before the next batch, once ``cancelled`` says so.
        """
        wanted = range(len(slices)) if rows is None else rows
        done = 0
        with _evaluating(self.network):
            while done < len(wanted):
                if cancelled is not None and cancelled():
                    raise Cancelled
                batch = wanted[done : done + self.batch_size]
                try:
                    logits = self._logits(stacks(slices, batch, self.network.config.neighbours))
                except torch.OutOfMemoryError:
                    if not self._retreat():
                        raise
                    continue
                done += len(batch)
                yield from logits

    def _logits(self, stack: Bytes) -> npt.NDArray[np.float32]:
        self.network.to(self.device)
        with torch.inference_mode():
            grey = torch.from_numpy(stack).to(self.device).float().div_(255.0)
            return self.network(grey)[:, 0].float().cpu().numpy()  # type: ignore[no-any-return]

    def _retreat(self) -> bool:
        """Ask for less memory next time; False if there is nothing left to give up."""
        if self.batch_size > 1:
            self.batch_size //= 2
        elif self.device != "cpu":
            self.device = "cpu"
        else:
            return False
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return True


@contextmanager
def _evaluating(network: DualEncoderUNet) -> Iterator[None]:
    """In evaluation mode meanwhile, afterwards as it was (a trainer validates its own network)."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
