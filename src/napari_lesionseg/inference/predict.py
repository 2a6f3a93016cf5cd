"""Run a model over a scan: batches, progress, cancel, and a smaller batch when memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from napari_lesionseg.inference.device import choose_device
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.inference.preprocess import Bytes, Grid, enlarge_logits, plan_grid, prepare
from napari_lesionseg.inference.runner import Cancel, SliceRunner
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probability of lesion for every voxel of a scan.

    Parameters
    ----------
    probability
        uint8 (z, y, x), p·255, on the scan's own grid; 0 outside the box, and the slices, that were looked at.
    geometry
        The scan's grid.
    model, device
        The card's name, and the device the last slice ran on.
    threshold
        The card's threshold.
    lungs
        The lungs, where they could be told.
    disagreement
        Of an ensemble, uint8 (z, y, x): 255 times the highest less the lowest probability of its members.
    seconds
        Wall seconds of ``preprocess`` and ``infer`` (enlarging included).
    """

    probability: Bytes
    geometry: Geometry
    model: str
    device: str
    threshold: float
    lungs: Mask | None = None
    disagreement: Bytes | None = None
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
    slices: range | None = None,
    progress: Progress | None = None,
    cancelled: Cancel | None = None,
) -> Prediction:
    """Mark the lesions of a scan.

    Parameters
    ----------
    slices
        Display slices (z) to look at; all by default. Their probability is the one they get with all others.
    progress
        Called with (slices done, slices in all) after each slice.
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
    rows = _rows(grid, slices)
    reach = model.network.config.neighbours
    prepared = prepare(scan, grid, config, range(max(0, rows.start - reach), min(grid.depth, rows.stop + reach)))
    ready = time.perf_counter()

    probability = np.zeros(scan.array.shape, np.uint8)
    disagreement = np.zeros_like(probability) if model.others else None
    runners = [SliceRunner(network, chosen, batch_size) for network in model.networks]
    passes = (runner.run(prepared, rows, cancelled) for runner in runners)
    for done, logits in enumerate(zip(*passes, strict=True), start=1):
        members = [enlarge_logits(one, grid) for one in logits]
        place = (grid.box[0].start + rows[done - 1], *grid.box[1:])
        probability[place] = members[0] if disagreement is None else np.rint(np.mean(members, axis=0))
        if disagreement is not None:
            disagreement[place] = np.ptp(members, axis=0)
        if progress is not None:
            progress(done, len(rows))
    seconds = {"preprocess": ready - start, "infer": time.perf_counter() - ready}
    return Prediction(
        *(probability, scan.geometry, model.card.name, runners[-1].device, model.card.threshold),
        lungs=grid.lungs,
        disagreement=disagreement,
        seconds=seconds,
    )


def _rows(grid: Grid, slices: range | None) -> range:
    """The rows of the box that these display slices are, as far as they lie in it."""
    if slices is None:
        return range(grid.depth)
    first, last = (min(max(z - grid.box[0].start, 0), grid.depth) for z in (slices.start, slices.stop))
    return range(first, max(first, last))
