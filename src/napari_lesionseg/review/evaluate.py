"""All figures of a predicted mask against the truth: what ``lesionseg evaluate`` prints."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.lesions import is_lesion, label_lesions
from napari_lesionseg.review.metrics import SliceScores, slice_scores
from napari_lesionseg.review.surfaces import bounding_box, surface_distances
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.volume import Mask

NSD_TOLERANCE_MM = 2.0
LARGE_PIXELS = 50
WIDE_TOLERANCE_MM = 5.0


def evaluate(predicted: Mask, truth: Mask, lungs: Mask | None = None) -> dict[str, Any]:
    """Compare a predicted mask with the truth; every non-zero label is lesion.

    ``dice``, ``iou``
        Of all voxels of the scan; None where both masks are empty.
    ``nsd_2mm``, ``hd95_mm``
        Normalised surface Dice at 2 mm and the larger of the two directed 95th percentiles of surface distance,
        as defined in :mod:`napari_lesionseg.review.surfaces`. If one mask is empty, ``nsd_2mm`` is 0 and
        ``hd95_mm`` None; if both are, both are None.
    ``volume_pred_ml``, ``volume_truth_ml``
        Volume of all lesion voxels.
    ``lesion_precision``, ``lesion_recall``, ``lesion_f1``
        A lesion is a 26-connected component of at least 0.1 ml. A predicted one is right, and a true one found,
        if any of its voxels is lesion in the other mask. Precision is None without predicted lesions, recall
        without true ones. F1 is their harmonic mean; 0 if only one mask holds lesions, None if neither does.
    ``slices``
        ``n`` slices, of which ``lesion`` hold true lesion and ``empty`` do not. With ``lungs``, a slice without
        lung and without true lesion is not counted, so that ``fp_rate_empty`` is not flattered by neck and
        abdomen. ``fp_rate_empty`` is the share of empty slices with any predicted voxel, ``fn_rate_lesion`` the
        share of lesion slices without any, ``mean_dice`` the mean Dice over lesion slices; None without such slices.
        Publications average over slices in two more ways: ``mean_dice_all`` over all counted slices, where a slice
        that both masks leave empty is 1 and one with invented lesion 0; ``mean_dice_marked`` over the ``marked``
        ones alone, in which either mask has a voxel. ``mean_iou…`` likewise. ``fn_rate_50px`` is the share of slices
        with more than 50 lesion pixels without any predicted voxel.
    ``nsd_5mm``
        As ``nsd_2mm``, at 5 mm.
    ``volume_error_ml``, ``volume_error_percent``
        Predicted less true volume, in ml and in percent of the true one; None in percent without true lesion.
    ``false_positive_ml``
        Volume predicted outside of the true lesions.

    Raises
    ------
    LesionsegError
        If the masks do not lie on one grid.
    """
    for other in (predicted, lungs):
        if other is not None:
            check_grid(other, truth)
    scores = slice_scores(predicted.array, truth.array)
    distances = surface_distances(predicted.array, truth.array, truth.geometry.spacing)
    return {
        "dice": scores.scan.dice,
        "iou": scores.scan.iou,
        "nsd_2mm": distances.nsd(NSD_TOLERANCE_MM),
        "hd95_mm": distances.hd95,
        "volume_pred_ml": predicted.volume_ml,
        "volume_truth_ml": truth.volume_ml,
        **lesion_scores(predicted, truth),
        "slices": _slice_figures(scores, lungs),
        "nsd_5mm": distances.nsd(WIDE_TOLERANCE_MM),
        "volume_error_ml": predicted.volume_ml - truth.volume_ml,
        "volume_error_percent": 100 * (predicted.volume_ml / truth.volume_ml - 1) if truth.volume_ml else None,
        "false_positive_ml": scores.scan.false_positive * truth.geometry.voxel_ml,
    }


def write_slices_csv(path: str | Path, predicted: Mask, truth: Mask) -> None:
    """Write the overlap of every display slice (z, from inferior to superior) as CSV; an undefined Dice is empty.

    Raises
    ------
    LesionsegError
        If the masks do not lie on one grid, or the file cannot be written.
    """
    check_grid(predicted, truth)
    scores = slice_scores(predicted.array, truth.array)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("slice", "dice", "iou", "hit_voxels", "false_positive_voxels", "missed_voxels"))
    for z in range(len(truth.array)):
        one = scores.one(z)
        rows.writerow((z, _cell(one.dice), _cell(one.iou), one.hit, one.false_positive, one.missed))
    write_atomically(Path(path), text.getvalue().encode())


def lesion_scores(predicted: Mask, truth: Mask) -> dict[str, float | None]:
    """Score lesion by lesion: the precision, recall and F1 of ``evaluate``, for masks on one grid."""
    box = bounding_box(predicted.array, truth.array)
    ours, theirs = predicted.array[box] != 0, truth.array[box] != 0
    voxel_ml = truth.geometry.voxel_ml
    precision, recall = _share_touched(ours, theirs, voxel_ml), _share_touched(theirs, ours, voxel_ml)
    return {"lesion_precision": precision, "lesion_recall": recall, "lesion_f1": _f1(precision, recall)}


def lesions_covered(predicted: Mask, truth: Mask) -> list[tuple[float, float]]:
    """List each true lesion of at least 0.1 ml: its volume in ml, and the share of it that is predicted."""
    check_grid(predicted, truth)
    box = bounding_box(truth.array)
    theirs = truth.array[box] != 0
    if not theirs.any():
        return []
    components, voxels = label_lesions(theirs)
    hit = np.bincount(components[predicted.array[box] != 0], minlength=len(voxels) + 1)[1:]
    voxel_ml = truth.geometry.voxel_ml
    large = is_lesion(voxels, voxel_ml)
    return list(zip((voxels[large] * voxel_ml).tolist(), (hit[large] / voxels[large]).tolist(), strict=True))


def _share_touched(mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], voxel_ml: float) -> float | None:
    """Share of the lesions of ``mask`` in which ``other`` has a voxel."""
    if not mask.any():
        return None
    components, voxels = label_lesions(mask)
    touched = np.bincount(components[other], minlength=len(voxels) + 1)[1:] > 0
    large = is_lesion(voxels, voxel_ml)
    return float(touched[large].mean()) if large.any() else None


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None and recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _slice_figures(scores: SliceScores, lungs: Mask | None) -> dict[str, float | int | None]:
    lesion = scores.hit + scores.missed > 0
    marked = scores.hit + scores.false_positive > 0
    empty = ~lesion
    if lungs is not None:
        empty &= np.array([one.any() for one in lungs.array])
    counted = lesion | empty
    either = counted & (lesion | marked)
    all_dice, all_iou = np.nan_to_num(scores.dice, nan=1.0), np.nan_to_num(scores.iou, nan=1.0)
    return {
        "n": int(lesion.sum() + empty.sum()),
        "lesion": int(lesion.sum()),
        "empty": int(empty.sum()),
        "fp_rate_empty": _mean(marked[empty]),
        "fn_rate_lesion": _mean(~marked[lesion]),
        "mean_dice": _mean(scores.dice[lesion]),
        "mean_dice_all": _mean(all_dice[counted]),
        "mean_dice_marked": _mean(scores.dice[either]),
        "mean_iou": _mean(scores.iou[lesion]),
        "mean_iou_all": _mean(all_iou[counted]),
        "mean_iou_marked": _mean(scores.iou[either]),
        "marked": int(either.sum()),
        "fn_rate_50px": _mean(~marked[scores.hit + scores.missed > LARGE_PIXELS]),
    }


def _mean(values: npt.NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def check_grid(mask: Mask, truth: Mask) -> None:
    """Raise LesionsegError if the masks do not lie on one grid."""
    if not mask.geometry.same_grid(truth.geometry):
        raise LesionsegError(
            f"{mask.source or 'The mask'} (shape {mask.geometry.shape}) and {truth.source or 'the truth'} "
            f"(shape {truth.geometry.shape}) lie on different grids; choose masks of the same scan."
        )
