"""A model against the truth of a split: per case, then the mean with its interval over patients."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

import numpy as np

from lesionseg_training.data import TrainingCase
from lesionseg_training.statistics import Figures, bootstrap_interval
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.backends.torch_eager import TorchEager
from napari_lesionseg.inference.lungs import segment_lungs
from napari_lesionseg.inference.predict import Prediction, predict
from napari_lesionseg.inference.runner import SliceRunner
from napari_lesionseg.models.card import LoadedModel
from napari_lesionseg.models.network import LesionNetwork
from napari_lesionseg.review.calibration import calibration_error
from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.review.metrics import dice
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.split import Split
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask, read_scan
from napari_lesionseg.volumes.volume import Mask, Volume

FAILED_DICE = 0.3  # Below it, a scan counts as a failure.

Result = dict[str, Any]
Look = Callable[[Case, Volume, Prediction, Mask], None]

# What is averaged over all scans of a patient, those without lesion included.
OF_ALL = ("fp_rate_empty", "mean_dice_all", "mean_dice_marked", "mean_iou_all", "mean_iou_marked", "false_positive_ml")
OF_LESIONS = (
    *("dice", "iou", "nsd_2mm", "nsd_5mm", "hd95_mm", "volume_error_ml", "mean_dice", "mean_iou"),
    *("lesion_precision", "lesion_recall", "lesion_f1", "fn_rate_lesion", "fn_rate_50px"),
)


def evaluate_model(
    model: LoadedModel,
    study: Study,
    split: Split,
    *,
    device: str = "auto",
    patients: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    look: Look | None = None,
) -> dict[str, Any]:
    """Predict every case of a split that has truth, on its own grid, and compare.

    Parameters
    ----------
    patients
        Those of the split to evaluate on; all by default.
    look
        Called with each case, its scan, the prediction and the truth.

    Returns
    -------
    dict
        ``cases`` maps case ids to the figures of :func:`napari_lesionseg.review.evaluate.evaluate` and
        ``calibration_error`` inside the lungs (None where these cannot be told); ``mean`` is that of
        :func:`mean_figures`.

    Raises
    ------
    LesionsegError
        If the split has no case with truth.
    """
    pairs = [
        (case, truth) for case, truth in cases_with_truth(study, split) if patients is None or case.patient in patients
    ]
    if not pairs:
        raise LesionsegError(f"{study.folder} has no case with truth in the split {split}; add some or choose another.")
    figures: dict[str, Result] = {}
    by_patient: dict[str, list[Result]] = {}
    for done, (case, revision) in enumerate(pairs, start=1):
        study.check_scan(case)
        scan = read_scan(case.scan)
        truth = read_mask(revision.path, like=scan.geometry)
        prediction = predict(scan, model, device=device)
        figures[case.id] = evaluate(prediction.mask(), truth) | {
            "calibration_error": _calibration(prediction, scan, truth)
        }
        by_patient.setdefault(case.patient, []).append(figures[case.id])
        if look is not None:
            look(case, scan, prediction, truth)
        if progress is not None:
            progress(done, len(pairs))
    means = mean_figures(by_patient)
    return {"split": split, "model": model.card.name, "patients": len(by_patient), "mean": means, "cases": figures}


def mean_figures(by_patient: Mapping[str, Sequence[Result]]) -> dict[str, Figures]:
    """Average over patients, with 95 % bootstrap intervals; the scans of one patient count as one.

    Dice and all that asks how well lesions were found is of scans with true lesion, ``failures`` (the share of scans
    with Dice below 0.3) and the size of the volume error, ``abs_volume_error_percent``, too. The share of slices with
    invented lesion, the averages over slices that are not of lesion slices alone, the false-positive volume and the
    calibration error are of all scans; ``false_positive_ml_healthy`` is of those without lesion.
    """
    values = {key: patient_values(by_patient, key) for key in figure_names()}
    return {key: bootstrap_interval(list(of.values())) for key, of in values.items()}


def figure_names() -> list[str]:
    """Name the figures that are averaged over patients."""
    derived = ("abs_volume_error_percent", "failures", "calibration_error", "false_positive_ml_healthy")
    return [*OF_LESIONS, *OF_ALL, *derived]


def patient_values(by_patient: Mapping[str, Sequence[Result]], key: str) -> dict[str, float]:
    """One value a patient: the mean of a figure over those of the patient's scans of which it is defined."""
    values = {}
    for patient, results in by_patient.items():
        of_scans = [value for value in (_value(result, key) for result in results) if value is not None]
        if of_scans:
            values[patient] = float(np.mean(of_scans))
    return values


def _value(result: Result, key: str) -> float | None:
    """The figure of one scan; None where it is not defined or not asked of such a scan."""
    lesion = result["volume_truth_ml"] > 0
    if key == "false_positive_ml_healthy":
        return None if lesion else float(result["false_positive_ml"])
    if key in OF_ALL or key == "calibration_error":
        return cast("float | None", result["slices"].get(key, result.get(key)))
    if not lesion:
        return None
    if key == "failures":
        return float(result["dice"] < FAILED_DICE)
    if key == "abs_volume_error_percent":
        return abs(float(result["volume_error_percent"]))
    return cast("float | None", result["slices"].get(key, result.get(key)))


def _calibration(prediction: Prediction, scan: Volume, truth: Mask) -> float | None:
    lungs = prediction.lungs
    if lungs is None:
        try:
            lungs = segment_lungs(scan)
        except LesionsegError:
            return None  # Not in HU, or without lungs: there is no inside.
    return calibration_error(prediction.probability, truth, lungs)


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
