"""The figures of a comparison: training curves, outlines on slices, Dice case by case, and what is found by size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lesionseg_training.comparison import Comparison, Contender
from lesionseg_training.slice_pictures import MOST, SlicePictures
from napari_lesionseg.volumes.atomic import write_atomically

# Okabe and Ito's colours, told apart by everyone; then dashes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")
TRUTH, PREDICTED = "#00FFFF", "#FF4500"
SIZES_ML = (0.1, 1.0, 10.0, 100.0, np.inf)


def write_figures(folder: Path, runs: Path, comparison: Comparison) -> list[Path]:
    """Write ``curves.png``, ``overlays.png``, ``cases.png`` and ``size.png``; return the paths.

    Parameters
    ----------
    runs
        The folder of the run folders, which hold the slices to look at; without slices there are no overlays.
    """
    figures = {
        "curves": _curves(comparison),
        "overlays": _overlays(runs, comparison),
        "cases": _cases(comparison),
        "size": _size(comparison),
    }
    paths = []
    for name, figure in figures.items():
        if figure is not None:
            picture = io.BytesIO()
            figure.savefig(picture, format="png", dpi=110, bbox_inches="tight")
            write_atomically(folder / f"{name}.png", picture.getvalue())
            paths.append(folder / f"{name}.png")
    return paths


def _new(width: float, height: float, **margins: float) -> Figure:
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(**margins)
    FigureCanvasAgg(figure)
    return figure


def _style(index: int) -> dict[str, Any]:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}


def _curves(comparison: Comparison) -> Figure:
    figure = _new(11, 4, left=0.06, right=0.98, bottom=0.14, top=0.9, wspace=0.2)
    loss_axes, dice_axes = figure.subplots(1, 2)
    for index, contender in enumerate(comparison.contenders):
        for number, run in enumerate(contender.runs):
            named = {"label": contender.label if number == 0 else None, **_style(index), "alpha": 0.8}
            epochs = [record["epoch"] for record in run.history]
            loss_axes.plot(epochs, [record["loss"] for record in run.history], **named)
            seen = [(record["epoch"], record["dice"]) for record in run.history if record["dice"] is not None]
            if seen:
                dice_axes.plot(*zip(*seen, strict=True), marker="o", markersize=3, **named)
    loss_axes.set(xlabel="epoch", ylabel="loss", title="Training loss")
    dice_axes.set(xlabel="epoch", ylabel="Dice", title="Validation, per case", ylim=(0, 1))
    loss_axes.legend(fontsize=8)
    for axes in (loss_axes, dice_axes):
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _overlays(runs: Path, comparison: Comparison) -> Figure | None:
    """A row a case and a column a contender; the truth's outline under the prediction's."""
    pictures = [_pictures(runs, contender) for contender in comparison.contenders]
    cases = [case for case in pictures[0].cases if all(case in one.cases for one in pictures)][:MOST]
    if not cases:
        return None
    figure = _new(3 * len(pictures), 3 * len(cases) + 0.5, left=0.01, right=0.99, bottom=0.01, top=0.92, wspace=0.02)
    grid = figure.subplots(len(cases), len(pictures), squeeze=False)
    for row, case in enumerate(cases):
        for column, contender in enumerate(comparison.contenders):
            axes, parts = grid[row, column], pictures[column].cases[case]
            axes.imshow(parts["grey"], cmap="gray", vmin=0, vmax=255)
            _outline(axes, parts["truth"], TRUTH)
            _outline(axes, parts["predicted"], PREDICTED)
            dice = contender.cases[case]["dice"]
            title = f"{contender.label}\n" if row == 0 else ""
            axes.set_title(f"{title}{case}  Dice {'–' if dice is None else f'{dice:.2f}'}", fontsize=8)
            axes.axis("off")
    figure.text(0.01, 0.975, "truth", color="#008B8B", fontsize=9)
    figure.text(0.08, 0.975, "prediction", color=PREDICTED, fontsize=9)
    return figure


def _pictures(runs: Path, contender: Contender) -> SlicePictures:
    every = [SlicePictures.load(runs / run.run) for run in contender.runs]
    return SlicePictures({case: parts for one in every for case, parts in one.cases.items()})


def _outline(axes: Axes, mask: np.ndarray, colour: str) -> None:
    if mask.any():  # An outline of nothing is a warning.
        axes.contour(mask, levels=[0.5], colors=[colour], linewidths=0.8)


def _cases(comparison: Comparison) -> Figure:
    figure = _new(1.5 + 1.1 * len(comparison.contenders), 4.5, left=0.18, right=0.98, bottom=0.3, top=0.93)
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for place, contender in enumerate(comparison.contenders, start=1):
        of_cases = [one["dice"] for one in contender.cases.values() if one["volume_truth_ml"] > 0]
        if of_cases:
            axes.boxplot([of_cases], positions=[place], widths=0.6, showfliers=False, medianprops={"color": "black"})
        aside = place + rng.uniform(-0.15, 0.15, len(of_cases))
        axes.plot(aside, of_cases, "o", color=_style(place - 1)["color"], markersize=4, alpha=0.7)
    labels = [contender.label for contender in comparison.contenders]
    axes.set_xticks(range(1, len(labels) + 1), labels, rotation=30, ha="right", fontsize=8)
    axes.set(ylabel="Dice", ylim=(-0.02, 1.02), title="Every case with lesion")
    axes.grid(axis="y", alpha=0.3)
    return figure


def _size(comparison: Comparison) -> Figure:
    """Share of lesions that were found at all, by their size, and how much of each was marked."""
    figure = _new(11, 4, left=0.06, right=0.98, bottom=0.14, top=0.9, wspace=0.2)
    found_axes, covered_axes = figure.subplots(1, 2)
    names = [f"{low:g}–{high:g}" if np.isfinite(high) else f"≥ {low:g}" for low, high in _bins()]
    for index, contender in enumerate(comparison.contenders):
        recall = [(place, *one) for place, one in enumerate(recall_by_size(contender)) if one[1]]
        style = _style(index) | {"label": contender.label, "marker": "o", "markersize": 4}
        found_axes.plot(
            [place for place, _, _ in recall], [share for _, share, _ in recall if share is not None], **style
        )
        lesions = _lesions(contender)
        covered_axes.plot(
            *(lesions.T if len(lesions) else ([], [])), "o", color=style["color"], markersize=3, alpha=0.5
        )
    counts = [count for _, count in recall_by_size(comparison.contenders[0])]
    found_axes.set_xticks(range(len(names)), [f"{name}\nn={n}" for name, n in zip(names, counts, strict=True)])
    found_axes.set(xlabel="lesion (ml)", ylabel="share found", title="Lesions of which any voxel is marked")
    covered_axes.set(
        xlabel="lesion (ml)", ylabel="share marked", title="How much of each lesion is marked", xscale="log"
    )
    found_axes.legend(fontsize=8)
    for axes in (found_axes, covered_axes):
        axes.set_ylim(-0.02, 1.02)
        axes.grid(alpha=0.3)
    return figure


def recall_by_size(contender: Contender) -> list[tuple[float | None, int]]:
    """Of each class of size: the share of its lesions that was found at all (None of none), and their number."""
    lesions = _lesions(contender)
    found = []
    for low, high in _bins():
        covered = lesions[(lesions[:, 0] >= low) & (lesions[:, 0] < high), 1]
        found.append((float((covered > 0).mean()) if len(covered) else None, len(covered)))
    return found


def _bins() -> list[tuple[float, float]]:
    return list(zip((0.0, *SIZES_ML[1:-1]), SIZES_ML[1:], strict=True))


def _lesions(contender: Contender) -> np.ndarray:
    """(lesions, 2): ml, and the share of it that was marked."""
    rows = [lesion for result in contender.cases.values() for lesion in result["true_lesions"]]
    return np.array(rows, float).reshape(-1, 2)
