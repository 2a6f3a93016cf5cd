"""Scans of a study on the network's grid, as bytes: mapped from the study's cache, or in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lesionseg_training.augment import View, apply_view, draw_view, whole
from lesionseg_training.cache import Prepared, PreparedCache, prepared_key
from lesionseg_training.config import TrainConfig
from lesionseg_training.sampling import NO_POOLS, Batch, Flags, Pools
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.blocks import around
from napari_lesionseg.inference.preprocess import Bytes, plan_grid, prepare, shrink_mask
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.ledger import ledger_hash
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.seal import learning_cases
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan

Warn = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """One scan ready for training.

    Parameters
    ----------
    slices, soft
        (Z, h, w) grey levels, and share of lesion times 255; read-only where they are mapped from the cache.
    pools
        Rows to draw from; rows that no human vouches for are in none.
    corrected
        Whether the target is a reviewer's correction rather than truth.
    untouched
        Rows of a correction that no human changed: their target is the prediction that was corrected.
    """

    id: str
    patient: str
    slices: Bytes
    soft: Bytes
    pools: Pools
    corrected: bool = False
    untouched: Pools = NO_POOLS


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a run learns from and is looked at with; ``ledger`` is the hash of the study's ledger of patients."""

    cases: list[TrainingCase]
    held_out: list[TrainingCase]
    ledger: str


def load_data(study: Study, config: TrainConfig, warn: Warn) -> TrainingData:
    """Read the training cases and those for validation: those of ``leave_out``, or of ``validation_split``.

    Raises
    ------
    LesionsegError
        If there is no labelled training case, ``leave_out`` names a patient who is not in the split ``train`` or
        leaves none to learn from, or as :func:`load_cases`.
    """
    ledger = ledger_hash(study)  # Of before the cases: who comes in meanwhile is not in what is learned from.
    left = _left_out(study, config)
    cache = PreparedCache(study.folder, config.cache_gb)
    labelled = load_cases(study, "train", config, warn, cache)
    if not labelled:
        raise LesionsegError(f"{study.folder} has no training case with truth or a correction; add one first.")
    cases = [case for case in labelled if case.patient not in left]
    if not cases:
        raise LesionsegError(
            f"leave_out leaves out every labelled training patient of {study.folder}; keep one or more to learn from."
        )
    split = config.validation_split
    if left:
        held_out = [case for case in labelled if case.patient in left]
    else:
        held_out = cases if split == "train" else load_cases(study, split, config, warn, cache)
    if not held_out:
        who = "left-out" if left else split
        warn(f"No labelled {who} patient in the study: Dice is on training data alone.")
    return TrainingData(cases, held_out, ledger)


def load_cases(
    study: Study,
    split: Split,
    config: TrainConfig,
    warn: Warn = lambda _: None,
    cache: PreparedCache | None = None,
) -> list[TrainingCase]:
    """Read all cases of a split that have a correction or truth; the latest correction counts before truth.

    A correction none of whose slices is inside the lungs is left out, and ``warn`` told so. One ``cache`` for all
    cases of a run keeps them from pushing each other out; without one, the study's own is used.

    Raises
    ------
    LesionsegError
        If a scan or mask cannot be read or has changed, or the split is sealed.
    """
    loaded, cache = [], cache or PreparedCache(study.folder, config.cache_gb)
    for case in learning_cases(study, (split,)):
        target = study.latest(case.id, "correction") or study.latest(case.id, "truth")
        if target is None:
            continue
        ready = _load(study, case, target, config, cache)
        if len(ready.pools.all):
            loaded.append(ready)
        else:
            warn(f"Case {case.id} is left out: it has no corrected slice inside the lungs; correct one and save again.")
    return loaded


def to_tensors(
    cases: Sequence[TrainingCase], batch: Batch, config: TrainConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw and cut a batch: (N, stack, H, W) grey levels and (N, marked, H, W) targets, from 0 to 1."""
    return cut(cases, batch, draw_views(cases, batch, config, rng), config)


def draw_views(
    cases: Sequence[TrainingCase], batch: Batch, config: TrainConfig, rng: np.random.Generator
) -> list[View]:
    """Draw all that is random of a batch: every process draws the whole batch and cuts its share of it."""
    views = []
    for case_index, row in batch:
        soft = cases[case_index].soft[row]
        if config.patch or config.augment:
            views.append(draw_view(rng, soft, _patch(config, soft), config.zoom, config.augment))
        else:
            views.append(whole(soft))
    return views


def cut(
    cases: Sequence[TrainingCase], batch: Batch, views: Sequence[View], config: TrainConfig
) -> tuple[Tensor, Tensor]:
    """Cut a batch, or a part of one, as its ``views`` say; nothing here is random.

    Returns
    -------
    (N, stack, H, W) grey levels and (N, marked, H, W) targets, from 0 to 1.
    """
    greys, targets = [], []
    for (case_index, row), view in zip(batch, views, strict=True):
        case = cases[case_index]
        patch = _patch(config, case.soft[row])
        stack = case.slices[around(row, len(case.slices), config.network.stack)]
        soft = case.soft[around(row, len(case.soft), config.network.marked)]
        grey, target = apply_view(stack, soft, view, patch)
        greys.append(grey)
        targets.append(target)
    return torch.from_numpy(np.stack(greys)), torch.from_numpy(np.stack(targets))


def _patch(config: TrainConfig, soft: Bytes) -> tuple[int, int]:
    return (config.patch, config.patch) if config.patch else (soft.shape[0], soft.shape[1])


def _left_out(study: Study, config: TrainConfig) -> set[str]:
    left, known = set(config.leave_out), set(study.split()["train"])
    for stranger in sorted(left - known):
        raise LesionsegError(
            f"leave_out names {stranger}, who is not in the split train of {study.folder}; name patients of train."
        )
    return left


def _load(study: Study, case: Case, target: Revision, config: TrainConfig, cache: PreparedCache) -> TrainingCase:
    study.check_scan(case)  # Also of what is cached: whether a scan has changed must not depend on a cache.
    key = prepared_key(case.sha256, target.sha256, config.preprocessing)
    ready = cache.get(key, lambda: _prepare(case, target, config))
    lesion: Flags = np.any(ready.soft, axis=(1, 2))
    usable = _usable(study, target, case.geometry.display_shape[0])[ready.first : ready.first + len(lesion)]
    return TrainingCase(
        case.id,
        case.patient,
        ready.slices,
        ready.soft,
        Pools.of(lesion, usable),
        target.role == "correction",
        Pools.of(lesion, ~usable),
    )


def _prepare(case: Case, target: Revision, config: TrainConfig) -> Prepared:
    """Unpack a scan and its target, and bring them to the network's grid: what a cache spares."""
    scan = read_scan(case.scan)
    mask = read_mask(target.path, like=scan.geometry)
    if sha256_of(target.path) != target.sha256:
        raise LesionsegError(
            f"The mask {target.id} of case {case.id} is no longer the file that was kept; restore {target.path}."
        )
    grid = plan_grid(scan, config.preprocessing)
    return Prepared(prepare(scan, grid, config.preprocessing), shrink_mask(mask, grid), int(grid.box[0].start))


def _usable(study: Study, target: Revision, depth: int) -> Flags:
    """Slices that a human vouches for: all of a truth, the corrected ones of a correction."""
    vouched = study.corrected_slices(target)
    usable = np.ones(depth, np.bool_)
    if vouched is not None:
        usable[:] = False
        usable[list(vouched)] = True
    return usable
