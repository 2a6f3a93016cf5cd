"""The run as a picture: loss, Dice and the share of pixels marked, over epochs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_lesionseg.volumes.atomic import write_atomically

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def draw_curves(path: Path, history: list[dict[str, Any]]) -> None:
    """Write ``curves.png`` from the records of ``metrics.jsonl``."""
    figure = Figure(figsize=(12, 3.6))  # A fixed layout takes half the time of a computed one.
    figure.subplots_adjust(left=0.05, right=0.99, bottom=0.15, top=0.9, wspace=0.2)
    FigureCanvasAgg(figure)
    losses, dice, shares = figure.subplots(1, 3)
    _line(losses, history, "loss", BLUE)
    losses.set_title("Training loss")
    _line(dice, history, "train_dice", BLUE, "training cut-outs")
    _line(dice, history, "dice", ORANGE, "validation, per case", marker="o")
    dice.set(title="Dice", ylim=(0, 1))
    _line(shares, history, "lesion_share", GREEN, "lesion")
    _line(shares, history, "predicted_share", BLUE, "marked by the network")
    shares.set_title("Share of the cut-outs' pixels")
    shares.set_ylim(bottom=0)
    for axes in (losses, dice, shares):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))  # Most of the time goes into numbers at the axes.
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, pil_kwargs={"compress_level": 1})
    write_atomically(path, picture.getvalue())


def _line(axes: Axes, history: list[dict[str, Any]], key: str, color: str, label: str = "", marker: str = ".") -> None:
    """Draw a figure over the epochs that have it: validation is not in each, and older runs lack some."""
    seen = [(record["epoch"], record[key]) for record in history if record.get(key) is not None]
    if seen:
        axes.plot(*zip(*seen, strict=True), color=color, marker=marker, label=label)
