"""The batches of an epoch, with replay of known cases when learning from corrections."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from lesionseg_training.config import TrainConfig
from lesionseg_training.data import TrainingCase
from lesionseg_training.sampling import Batch, Item, draw_epoch
from lesionseg_training.schedule import sampling_progress
from napari_lesionseg.errors import LesionsegError


def draw_batches(
    cases: Sequence[TrainingCase], config: TrainConfig, rng: np.random.Generator, epoch: int
) -> list[Batch]:
    """Draw an epoch's batches; with ``replay``, each is joined from corrected cases and from cases with truth.

    Raises
    ------
    LesionsegError
        If the sampler finds no slice.
    """
    corrected = [index for index, case in enumerate(cases) if case.corrected]
    known = [index for index, case in enumerate(cases) if not case.corrected]
    replayed = min(round(config.replay * config.batch_size), config.batch_size - 1)
    if replayed and corrected and known:
        new = _draw(cases, corrected, config, rng, epoch, config.batch_size - replayed)
        fixed = config.model_copy(update={"steps_per_epoch": len(new)})
        old = cycle(_draw(cases, known, fixed, rng, epoch, replayed) or [[]])  # Few known slices come round again.
        batches = [a + b for a, b in zip(new, old, strict=False)]
    else:
        batches = _draw(cases, range(len(cases)), config, rng, epoch, config.batch_size)
    if not batches:
        raise LesionsegError(
            f"The sampler {config.sampler} found no slice with lesion to draw around; add a case with lesions, "
            "or set sampler=uniform."
        )
    return batches


def _draw(
    cases: Sequence[TrainingCase],
    which: Sequence[int],
    config: TrainConfig,
    rng: np.random.Generator,
    epoch: int,
    size: int,
) -> list[Batch]:
    """Batches of ``size`` from some of the cases."""
    drawn = draw_epoch(
        config.sampler,
        [cases[index].pools for index in which],
        rng,
        batch_size=size,
        batches=config.steps_per_epoch,
        progress=sampling_progress(config, epoch),
        patients=[cases[index].patient for index in which],
    )
    return [[Item(which[item.case], item.row) for item in batch] for batch in drawn]
