"""Slices through a network, in batches; on half the batch when memory runs out, in the end on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from napari_lesionseg.errors import Cancelled
from napari_lesionseg.inference.backends.backend import Backend
from napari_lesionseg.inference.blocks import Blocks, stacks
from napari_lesionseg.inference.preprocess import Bytes

Cancel = Callable[[], bool]

# A CPU is slower with bigger batches (they leave its caches), a GPU idles with smaller ones.
BATCH_SIZES = {"cpu": 1, "cuda": 16, "mps": 4}


class SliceRunner:
    """Runs the slices of one scan through a network.

    Parameters
    ----------
    backend
        What runs it; after a retreat, its ``device`` is the one that was used last.
    batch_size
        Slices at a time to begin with; by default what suits the device.
    """

    def __init__(self, backend: Backend, batch_size: int | None = None) -> None:
        self.backend = backend
        self.batch_size = batch_size or BATCH_SIZES[backend.device]

    @property
    def reach(self) -> int:
        """Slices on each side of a row that its logits depend on, at most."""
        return self.backend.stack // 2 if self.backend.marked == 1 else self.backend.stack

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
        mark = self._slices if self.backend.marked == 1 else Blocks(self.backend).rows
        done = 0
        with self.backend.at_work():
            while done < len(wanted):
                if cancelled is not None and cancelled():
                    raise Cancelled
                batch = wanted[done : done + self.batch_size]
                try:
                    logits = mark(slices, batch)
                except torch.OutOfMemoryError:
                    if not self._retreat():
                        raise
                    continue
                done += len(batch)
                yield from logits

    def _slices(self, slices: Bytes, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        return self.backend.logits(stacks(slices, rows, self.backend.stack))[:, 0]

    def _retreat(self) -> bool:
        """Ask for less memory next time; False if there is nothing left to give up."""
        if self.batch_size > 1:
            self.batch_size //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return True
        return self.backend.retreat()
