"""Scans of a study on the network's grid, kept in memory as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lesionseg_training.augment import apply_view, draw_view, whole
from lesionseg_training.config import TrainConfig
from lesionseg_training.sampling import NO_POOLS, Batch, Flags, Pools
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.blocks import stacks
from napari_lesionseg.inference.preprocess import Bytes, plan_grid, prepare, shrink_mask
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
        (Z, h, w) grey levels, and share of lesion times 255.
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
    """Read the training cases and those for validation.

    Raises
    ------
    LesionsegError
        If there is no labelled training case, or as :func:`load_cases`.
    """
    ledger = ledger_hash(study)  # Of before the cases: who comes in meanwhile is not in what is learned from.
    cases = load_cases(study, "train", config, warn)
    if not cases:
        raise LesionsegError(f"{study.folder} has no training case with truth or a correction; add one first.")
    split = config.validation_split
    held_out = cases if split == "train" else load_cases(study, split, config, warn)
    if not held_out:
        warn(f"No labelled {split} patient in the study: Dice is on training data alone.")
    return TrainingData(cases, held_out, ledger)


def load_cases(study: Study, split: Split, config: TrainConfig, warn: Warn = lambda _: None) -> list[TrainingCase]:
    """Read all cases of a split that have a correction or truth; the latest correction counts before truth.

    A correction none of whose slices is inside the lungs is left out, and ``warn`` told so.

    Raises
    ------
    LesionsegError
        If a scan or mask cannot be read or has changed, or the split is sealed.
    """
    loaded = []
    for case in learning_cases(study, (split,)):
        target = study.latest(case.id, "correction") or study.latest(case.id, "truth")
        if target is None:
            continue
        ready = _load(study, case, target, config)
        if len(ready.pools.all):
            loaded.append(ready)
        else:
            warn(f"Case {case.id} is left out: it has no corrected slice inside the lungs; correct one and save again.")
    return loaded


def to_tensors(
    cases: Sequence[TrainingCase], batch: Batch, config: TrainConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Cut a batch: (N, K, H, W) grey levels and (N, 1, H, W) targets, from 0 to 1."""
    greys, targets = [], []
    for case_index, row in batch:
        case = cases[case_index]
        stack = stacks(case.slices, [row], config.network.stack)[0]
        soft = case.soft[row]
        patch = (config.patch, config.patch) if config.patch else (soft.shape[0], soft.shape[1])
        view = whole(soft)
        if config.patch or config.augment:
            view = draw_view(rng, soft, patch, config.zoom, config.augment)
        grey, target = apply_view(stack, soft, view, patch)
        greys.append(grey)
        targets.append(target[None])
    return torch.from_numpy(np.stack(greys)), torch.from_numpy(np.stack(targets))


def _load(study: Study, case: Case, target: Revision, config: TrainConfig) -> TrainingCase:
    study.check_scan(case)
    scan = read_scan(case.scan)
    mask = read_mask(target.path, like=scan.geometry)
    grid = plan_grid(scan, config.preprocessing)
    soft = shrink_mask(mask, grid)
    first, last = grid.box[0].start, grid.box[0].stop
    lesion: Flags = np.any(soft, axis=(1, 2))
    usable = _usable(study, target, len(mask.array))[first:last]
    return TrainingCase(
        case.id,
        case.patient,
        prepare(scan, grid, config.preprocessing),
        soft,
        Pools.of(lesion, usable),
        target.role == "correction",
        Pools.of(lesion, ~usable),
    )


def _usable(study: Study, target: Revision, depth: int) -> Flags:
    """Slices that a human vouches for: all of a truth, the corrected ones of a correction."""
    vouched = study.corrected_slices(target)
    usable = np.ones(depth, np.bool_)
    if vouched is not None:
        usable[:] = False
        usable[list(vouched)] = True
    return usable
