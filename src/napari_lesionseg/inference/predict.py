"""Run a model over a scan: batches, progress, cancel, and a smaller batch when memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from napari_lesionseg.inference.backends.choose import choose_backends
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
    model, device, backend
        The card's name, the device the last slice ran on, and what ran it (see ``backends``).
    threshold
        The card's threshold.
    lungs
        The lungs, where they could be told.
    disagreement
        Of an ensemble, uint8 (z, y, x): 255 times the highest less the lowest probability of its members.
    seconds
        Wall seconds of ``preprocess`` and ``infer`` (getting the network ready and enlarging included).
    """

    probability: Bytes
    geometry: Geometry
    model: str
    device: str
    threshold: float
    backend: str
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
    backend: str = "auto",
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
        If the device or the backend is not there.
    """
    chosen = choose_device(device)
    begun = time.perf_counter()
    runners = [SliceRunner(member, batch_size) for member in choose_backends(model, chosen, backend)]
    start = time.perf_counter()
    config = model.card.preprocessing
    grid = plan_grid(scan, config)
    rows = _rows(grid, slices)
    reach = runners[0].reach
    prepared = prepare(scan, grid, config, range(max(0, rows.start - reach), min(grid.depth, rows.stop + reach)))
    ready = time.perf_counter()

    probability = np.zeros(scan.array.shape, np.uint8)
    disagreement = np.zeros_like(probability) if model.others else None
    passes = (runner.run(prepared, rows, cancelled) for runner in runners)
    for done, logits in enumerate(zip(*passes, strict=True), start=1):
        members = [enlarge_logits(one, grid) for one in logits]
        place = (grid.box[0].start + rows[done - 1], *grid.box[1:])
        probability[place] = members[0] if disagreement is None else np.rint(np.mean(members, axis=0))
        if disagreement is not None:
            disagreement[place] = np.ptp(members, axis=0)
        if progress is not None:
            progress(done, len(rows))
    last = runners[-1].backend
    seconds = {"preprocess": ready - start, "infer": time.perf_counter() - ready + start - begun}
    return Prediction(
        *(probability, scan.geometry, model.card.name, last.device, model.card.threshold, last.name),
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
