"""A model against the truth of a split: per case, then the mean with its interval over patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from lesionseg_training.data import TrainingCase
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.backends.torch_eager import TorchEager
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.inference.runner import SliceRunner
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.models.network import LesionNetwork
from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.review.metrics import dice
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan

RESAMPLES = 10_000


def evaluate_model(
    model: LoadedModel,
    study: Study,
    split: Split,
    *,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Predict every case of a split that has truth, on its own grid, and compare.

    Returns
    -------
    dict
        ``cases`` maps case ids to the figures of :func:`napari_lesionseg.review.evaluate.evaluate`; ``mean`` maps
        ``dice``, ``iou``, ``nsd_2mm`` and ``hd95_mm`` to mean, low and high over patients with lesions.

    Raises
    ------
    LesionsegError
        If the split has no case with truth.
    """
    pairs = cases_with_truth(study, split)
    if not pairs:
        raise LesionsegError(f"{study.folder} has no case with truth in the split {split}; add some or choose another.")
    figures: dict[str, Any] = {}
    by_patient: dict[str, list[dict[str, Any]]] = {}
    for done, (case, truth) in enumerate(pairs, start=1):
        study.check_scan(case)
        scan = read_scan(case.scan)
        result = evaluate(predict(scan, model, device=device).mask(), read_mask(truth.path, like=scan.geometry))
        figures[case.id] = result
        by_patient.setdefault(case.patient, []).append(result)
        if progress is not None:
            progress(done, len(pairs))
    means = {key: _mean(by_patient.values(), key) for key in ("dice", "iou", "nsd_2mm", "hd95_mm")}
    return {"split": split, "model": model.card.name, "patients": len(by_patient), "mean": means, "cases": figures}


def cases_with_truth(study: Study, split: Split) -> list[tuple[Case, Revision]]:
    """Cases of a split with their latest truth; a correction is no truth, for a model helped to draw it."""
    patients = set(study.split()[split])
    chosen = [(case, study.latest(case.id, "truth")) for case in study.cases() if case.patient in patients]
    return [(case, truth) for case, truth in chosen if truth is not None]


def quick_dice(network: LesionNetwork, case: TrainingCase, device: str, threshold: float, stride: int) -> float | None:
    """Dice of every ``stride``-th slice a human vouches for, on the network's grid; None if both are empty there."""
    rows = case.pools.all[min(stride // 2, len(case.pools.all) - 1) :: stride].tolist()
    cut = np.log(threshold / (1 - threshold))
    logits = SliceRunner(TorchEager(network, device)).run(case.slices, rows)
    predicted = np.stack([picture >= cut for picture in logits])
    return dice(predicted, case.soft[rows] > 127)


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> dict[str, float | int | None]:
    """Mean with its 95 % percentile-bootstrap interval over patients; no interval for fewer than two."""
    if not values:
        return {"n": 0, "mean": None, "low": None, "high": None}
    sample = np.asarray(values, float)
    if len(sample) < 2:
        return {"n": 1, "mean": float(sample[0]), "low": None, "high": None}
    draws = np.random.default_rng(seed).integers(len(sample), size=(RESAMPLES, len(sample)))
    low, high = np.percentile(sample[draws].mean(axis=1), (2.5, 97.5))
    return {"n": len(sample), "mean": float(sample.mean()), "low": float(low), "high": float(high)}


def _mean(patients: Iterable[list[dict[str, Any]]], key: str) -> dict[str, float | int | None]:
    """One value a patient: the mean of the defined figures of that patient's scans with lesions."""
    values = []
    for results in patients:
        defined = [result[key] for result in results if result["volume_truth_ml"] > 0 and result[key] is not None]
        if defined:
            values.append(float(np.mean(defined)))
    return bootstrap_interval(values)
