"""Scans of a study on the network's grid, kept in memory as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lesionseg_training.augment import apply_view, draw_view, whole
from lesionseg_training.config import TrainConfig
from lesionseg_training.sampling import Batch, Pools
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.runner import stacks
from napari_lesionseg.inference.preprocess import Bytes, plan_grid, prepare, shrink_mask
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.split import check_split
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.nifti import read_mask, read_scan


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
    """

    id: str
    patient: str
    slices: Bytes
    soft: Bytes
    pools: Pools
    corrected: bool = False


def load_cases(
    study: Study, split: str, config: TrainConfig, progress: Callable[[int, int], None] | None = None
) -> list[TrainingCase]:
    """Read all cases of a split that have a correction or truth; the latest correction counts before truth.

    Raises
    ------
    LesionsegError
        If a scan or mask cannot be read or has changed.
    """
    patients = set(study.split()[split])  # type: ignore[index]
    chosen = [(case, _target(study, case)) for case in study.cases() if case.patient in patients]
    labelled = [(case, target) for case, target in chosen if target is not None]
    loaded = []
    for done, (case, target) in enumerate(labelled, start=1):
        loaded.append(_load(study, case, target, config))
        if progress is not None:
            progress(done, len(labelled))
    return loaded


def to_tensors(
    cases: Sequence[TrainingCase], batch: Batch, config: TrainConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Cut a batch: (N, K, H, W) grey levels and (N, 1, H, W) targets, from 0 to 1."""
    greys, targets = [], []
    for case_index, row in batch:
        case = cases[case_index]
        stack = stacks(case.slices, [row], config.network.neighbours)[0]
        soft = case.soft[row]
        patch = (config.patch, config.patch) if config.patch else (soft.shape[0], soft.shape[1])
        view = draw_view(rng, soft, patch, config.zoom, config.augment) if config.patch or config.augment else whole(soft)
        grey, target = apply_view(stack, soft, view, patch)
        greys.append(grey)
        targets.append(target[None])
    return torch.from_numpy(np.stack(greys)), torch.from_numpy(np.stack(targets))


def _target(study: Study, case: Case) -> Revision | None:
    return study.latest(case.id, "correction") or study.latest(case.id, "truth")


def _load(study: Study, case: Case, target: Revision, config: TrainConfig) -> TrainingCase:
    study.check_scan(case)
    scan = read_scan(case.scan)
    mask = read_mask(target.path, like=scan.geometry)
    grid = plan_grid(scan, config.preprocessing)
    soft = shrink_mask(mask, grid)
    first, last = grid.box[0].start, grid.box[0].stop
    lesion = mask.array[first:last].any(axis=(1, 2)) & soft.any(axis=(1, 2))
    usable = _usable(study, target, len(mask.array))[first:last]
    if not usable.any():
        raise LesionsegError(f"Case {case.id} has no corrected slice inside the lungs; correct one and save again.")
    return TrainingCase(
        case.id,
        case.patient,
        prepare(scan, grid, config.preprocessing),
        soft,
        Pools.of(lesion, usable),
        target.role == "correction",
    )


def _usable(study: Study, target: Revision, depth: int) -> npt.NDArray[np.bool_]:
    """Slices that a human vouches for: all of a truth, the corrected ones of a correction."""
    vouched = study.corrected_slices(target)
    usable = np.ones(depth, np.bool_)
    if vouched is not None:
        usable[:] = False
        usable[list(vouched)] = True
    return usable
