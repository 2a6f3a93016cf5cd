"""The batches of an epoch, with replay of known cases when learning from corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle

import numpy as np

from lesionseg_training.config import TrainConfig
from lesionseg_training.data import TrainingCase
from lesionseg_training.sampling import Batch, Item, Pools, draw_epoch
from lesionseg_training.schedule import sampling_progress
from napari_lesionseg.errors import LesionsegError


def draw_batches(
    cases: Sequence[TrainingCase],
    config: TrainConfig,
    rng: np.random.Generator,
    epoch: int,
    mined: Iterable[tuple[str, int]] = (),
) -> list[Batch]:
    """Draw an epoch's batches; with ``replay``, each is joined from corrected slices and from what was known before.

    Known are the cases with truth; where there are none, the slices of the corrected scans that nobody changed, with
    the model's own marks. A few corrected slices alone would teach the model that every slice looks like them.

    Parameters
    ----------
    mined
        (case id, row) of slices to draw more often, as if they were near a lesion.

    Raises
    ------
    LesionsegError
        If the sampler finds no slice.
    """
    wrong: dict[str, list[int]] = {}
    for case_id, row in mined:
        wrong.setdefault(case_id, []).append(row)
    labelled = {index: case.pools.mined(wrong.get(case.id, ())) for index, case in enumerate(cases)}
    corrected = {index: pools for index, pools in labelled.items() if cases[index].corrected}
    known = {index: pools for index, pools in labelled.items() if index not in corrected}
    known = known or {index: cases[index].untouched for index in corrected if len(cases[index].untouched.all)}
    replayed = min(round(config.replay * config.batch_size), config.batch_size - 1)
    if replayed and corrected and known:
        new = _draw(cases, corrected, config, rng, epoch, config.batch_size - replayed)
        fixed = config.model_copy(update={"steps_per_epoch": len(new)})
        old = cycle(_draw(cases, known, fixed, rng, epoch, replayed) or [[]])  # Few known slices come round again.
        batches = [a + b for a, b in zip(new, old, strict=False)]
    else:
        batches = _draw(cases, labelled, config, rng, epoch, config.batch_size)
    if not batches:
        raise LesionsegError(
            f"The sampler {config.sampler} found no slice with lesion to draw around; add a case with lesions, "
            "or set sampler=uniform."
        )
    return batches


def _draw(
    cases: Sequence[TrainingCase],
    pools: Mapping[int, Pools],
    config: TrainConfig,
    rng: np.random.Generator,
    epoch: int,
    size: int,
) -> list[Batch]:
    """Batches of ``size`` from the ``pools`` of some of the cases."""
    which = list(pools)
    drawn = draw_epoch(
        config.sampler,
        list(pools.values()),
        rng,
        batch_size=size,
        batches=config.steps_per_epoch,
        progress=sampling_progress(config, epoch),
        patients=[cases[index].patient for index in which],
    )
    return [[Item(which[item.case], item.row) for item in batch] for batch in drawn]
