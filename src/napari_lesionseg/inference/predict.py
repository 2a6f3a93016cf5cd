"""Run a model over a scan: batches, progress, cancel, and a smaller batch when memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from napari_lesionseg.errors import Cancelled
from napari_lesionseg.inference.device import choose_device
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.inference.preprocess import Bytes, Grid, enlarge_logits, plan_grid, prepare
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

Progress = Callable[[int, int], None]
Cancel = Callable[[], bool]

# A CPU is slower with bigger batches (they leave its caches), a GPU idles with smaller ones.
BATCH_SIZES = {"cpu": 1, "cuda": 16, "mps": 4}


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probability of lesion for every voxel of a scan.

    Parameters
    ----------
    probability
        uint8 (z, y, x), p·255, on the scan's own grid; 0 outside the box that was looked at.
    geometry
        The scan's grid.
    model, device
        The card's name, and the device the last slice ran on.
    threshold
        The card's threshold.
    lungs
        The lungs, where they could be told.
    seconds
        Wall seconds of ``preprocess`` and ``infer`` (enlarging included).
    """

    probability: Bytes
    geometry: Geometry
    model: str
    device: str
    threshold: float
    lungs: Mask | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def mask(self, threshold: float | None = None) -> Mask:
        """Voxels at least as probable as ``threshold`` (the card's by default)."""
        limit = self.threshold if threshold is None else threshold
        return Mask(threshold_probability(self.probability, limit), self.geometry)


def predict(
    scan: Volume,
    model: LoadedModel,
    *,
    device: str = "auto",
    batch_size: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Prediction:
    """Mark the lesions of a scan.

    Parameters
    ----------
    progress
        Called with (slices done, slices in all) after each batch.
    cancelled
        Asked before each batch.

    Raises
    ------
    Cancelled
        If ``cancelled`` said so; nothing is kept.
    LesionsegError
        If the device is not there.
    """
    start = time.perf_counter()
    chosen = choose_device(device)
    config = model.card.preprocessing
    grid = plan_grid(scan, config)
    slices = prepare(scan, grid, config)
    ready = time.perf_counter()

    probability = np.zeros(scan.array.shape, np.uint8)
    batches = _Batches(model.network, chosen, batch_size or BATCH_SIZES[chosen])
    for done, row, logits in batches.run(slices, cancelled):
        probability[grid.box[0].start + row][grid.box[1:]] = enlarge_logits(logits, grid)
        if progress is not None and row + 1 == done:
            progress(done, grid.depth)
    seconds = {"preprocess": ready - start, "infer": time.perf_counter() - ready}
    return Prediction(
        probability, scan.geometry, model.card.name, batches.device, model.card.threshold, grid.lungs, seconds
    )


def stacks(slices: Bytes, rows: range, neighbours: int) -> npt.NDArray[np.uint8]:
    """The (len(rows), 2·neighbours + 1, h, w) stacks around ``rows``; the first and last slice are repeated outward."""
    offsets = np.arange(-neighbours, neighbours + 1)
    return slices[np.clip(np.asarray(rows)[:, None] + offsets, 0, len(slices) - 1)]


class _Batches:
    """Runs stacks through a network; when memory runs out, on half the batch, in the end on the CPU."""

    def __init__(self, network: DualEncoderUNet, device: str, batch_size: int) -> None:
        self.network = network
        self.device = device
        self.batch_size = batch_size

    def run(self, slices: Bytes, cancelled: Cancel | None) -> Iterator[tuple[int, int, npt.NDArray[np.float32]]]:
        """Yield (slices done, row, logits) for every row in turn."""
        done = 0
        with _at_work(self.network):
            while done < len(slices):
                if cancelled is not None and cancelled():
                    raise Cancelled
                rows = range(done, min(done + self.batch_size, len(slices)))
                try:
                    logits = self._logits(stacks(slices, rows, self.network.config.neighbours))
                except torch.OutOfMemoryError:
                    if not self._retreat():
                        raise
                    continue
                done = rows.stop
                yield from ((done, row, logits[index]) for index, row in enumerate(rows))

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
def _at_work(network: DualEncoderUNet) -> Iterator[None]:
    """In evaluation mode meanwhile, afterwards as it was (a trainer validates its own network)."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
