"""The tables of a comparison, as CSV and Markdown: accuracy, averaging over slices, cost, paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lesionseg_training.comparison import Comparison, Contender
from lesionseg_training.evaluate import mean_figures, patient_values
from lesionseg_training.statistics import Figures, holm, paired_difference
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.tables import Cell, write_csv

ACCURACY = {
    "iou": "IoU",
    "dice": "Dice",
    "mean_dice": "Dice a slice, with lesion",
    "mean_dice_marked": "Dice a slice, marked",
    "mean_dice_all": "Dice a slice, all",
    "nsd_2mm": "NSD 2 mm",
    "nsd_5mm": "NSD 5 mm",
    "hd95_mm": "HD95 (mm)",
    "lesion_precision": "Lesion precision",
    "lesion_recall": "Lesion recall",
    "lesion_f1": "Lesion F1",
    "fp_rate_empty": "False-positive slices",
    "fn_rate_lesion": "Missed lesion slices",
    "fn_rate_50px": "Missed lesion slices of > 50 pixels",
    "false_positive_ml": "False-positive ml",
    "false_positive_ml_healthy": "False-positive ml, lesion-free scans",
    "volume_error_ml": "Volume error (ml)",
    "abs_volume_error_percent": "Volume error (%, size)",
    "calibration_error": "Calibration error",
    "failures": "Failures (Dice < 0.3)",
}
AVERAGES = {
    "a case": ("iou", "dice", ""),
    "a slice, with lesion": ("mean_iou", "mean_dice", "lesion"),
    "a slice, marked in either": ("mean_iou_marked", "mean_dice_marked", "marked"),
    "a slice, all (both empty is 1)": ("mean_iou_all", "mean_dice_all", "n"),
}
PAIRED = ("dice", "iou", "nsd_2mm", "lesion_f1", "fp_rate_empty")
COST = ("parameters", "peak_mb", "gpu_mb", "training_s", "infer_s", "steps", "pixels")


@dataclass(frozen=True)
class Pair:
    """A contender less the reference, in one figure; ``holm`` is the p corrected for all contenders."""

    contender: str
    figure: str
    difference: Figures
    holm: float | None


def write_tables(folder: Path, comparison: Comparison) -> list[Path]:
    """Write ``accuracy``, ``averaging``, ``cost`` and ``paired`` as ``.csv`` and ``.md``; return the paths."""
    tables = {
        "accuracy": _accuracy(comparison),
        "averaging": _averaging(comparison),
        "cost": _cost(comparison),
        "paired": _paired(comparison),
    }
    paths = []
    for name, (header, rows) in tables.items():
        write_csv(folder / f"{name}.csv", *_spread(header, rows))
        write_atomically(folder / f"{name}.md", _markdown(header, rows).encode())
        paths += [folder / f"{name}.csv", folder / f"{name}.md"]
    return paths


def pairs(comparison: Comparison) -> list[Pair]:
    """Every contender against the reference, on the patients of both, for each of a few figures."""
    reference = next(one for one in comparison.contenders if one.label == comparison.against)
    others = [one for one in comparison.contenders if one is not reference]
    found = []
    for figure in PAIRED:
        theirs = patient_values(reference.by_patient, figure)
        differences = [paired_difference(patient_values(one.by_patient, figure), theirs) for one in others]
        corrected = holm([difference["p"] for difference in differences])
        rows = zip(others, differences, corrected, strict=True)
        found += [Pair(one.label, figure, difference, p) for one, difference, p in rows]
    return found


def cost(contender: Contender) -> dict[str, float | None]:
    """What a contender costs: the most memory of its runs, and the mean of everything else."""
    values: dict[str, float | None] = {}
    for key in COST:
        known = [value for value in (getattr(run, key) for run in contender.runs) if value is not None]
        values[key] = float(max(known) if key.endswith("_mb") else np.mean(known)) if known else None
    return values


Table = tuple[list[str], list[list[Any]]]


def _accuracy(comparison: Comparison) -> Table:
    rows: list[list[Any]] = []
    for contender in comparison.contenders:
        means = mean_figures(contender.by_patient)
        rows.append([contender.label, len(contender.by_patient), *(means[key] for key in ACCURACY)])
    return ["contender", "patients", *ACCURACY.values()], rows


def _averaging(comparison: Comparison) -> Table:
    """IoU and Dice under each way to average: over patients, and over all slices of all scans as one heap."""
    rows: list[list[Any]] = []
    for contender in comparison.contenders:
        means = mean_figures(contender.by_patient)
        for name, (iou, dice, weight) in AVERAGES.items():
            heap = [_heap(contender, key, weight) if weight else None for key in (iou, dice)]
            rows.append([contender.label, name, means[iou], means[dice], *heap])
    return ["contender", "averaged over", "IoU", "Dice", "IoU, slices of all scans", "Dice, slices of all scans"], rows


def _heap(contender: Contender, key: str, weight: str) -> float | None:
    """Mean over the slices of all scans, not scan by scan."""
    slices = [result["slices"] for result in contender.cases.values() if result["slices"][weight]]
    if not slices:
        return None
    return float(np.average([one[key] for one in slices], weights=[one[weight] for one in slices]))


def _cost(comparison: Comparison) -> Table:
    header = [
        "contender",
        "parameters",
        "peak memory (MB)",
        "peak GPU memory (MB)",
        "training (s)",
        "inference (s/scan)",
    ]
    header += ["batches", "pixels a batch"]
    return header, [[one.label, *cost(one).values()] for one in comparison.contenders]


def _paired(comparison: Comparison) -> Table:
    header = ["contender", "against", "figure", "pairs", "difference", "exceeds (95 %)", "Wilcoxon p", "Holm p"]
    rows: list[list[Any]] = []
    for pair in pairs(comparison):
        told = pair.difference
        row = [pair.contender, comparison.against, pair.figure, told["n"], told, told["bound"], told["p"], pair.holm]
        rows.append(row)
    return header, rows


def _spread(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[list[str], list[list[Cell]]]:
    """For CSV, an interval takes three columns."""
    rows = list(rows)
    wide = [any(isinstance(row[column], dict) for row in rows) for column in range(len(header))]
    names = [
        part
        for name, spread in zip(header, wide, strict=True)
        for part in ([name, f"{name} low", f"{name} high"] if spread else [name])
    ]
    cells = [
        [
            part
            for value, spread in zip(row, wide, strict=True)
            for part in ([value[key] for key in ("mean", "low", "high")] if spread else [value])
        ]
        for row in rows
    ]
    return names, cells


def _markdown(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        if value["low"] is None:
            return _cell(value["mean"])
        return f"{_cell(value['mean'])} [{_cell(value['low'])}, {_cell(value['high'])}]"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value).replace("|", "\\|")
