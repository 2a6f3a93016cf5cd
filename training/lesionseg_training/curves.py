"""The run as a picture: loss and Dice over epochs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_lesionseg.volumes.atomic import write_atomically


def draw_curves(path: Path, history: list[dict[str, Any]]) -> None:
    """Write ``curves.png`` from the records of ``metrics.jsonl``."""
    figure = Figure(figsize=(9, 3.6))  # A fixed layout takes half the time of a computed one.
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.15, top=0.9, wspace=0.2)
    FigureCanvasAgg(figure)
    loss_axes, dice_axes = figure.subplots(1, 2)
    epochs = [record["epoch"] for record in history]
    loss_axes.plot(epochs, [record["loss"] for record in history], color="#0072B2", marker=".")
    loss_axes.set(xlabel="epoch", ylabel="loss", title="Training loss")
    trained = [record["train_dice"] for record in history]
    dice_axes.plot(epochs, trained, color="#0072B2", marker=".", label="training cut-outs")
    seen = [(record["epoch"], record["dice"]) for record in history if record["dice"] is not None]
    if seen:
        dice_axes.plot(*zip(*seen, strict=True), color="#D55E00", marker="o", label="validation, per case")
    dice_axes.set(xlabel="epoch", ylabel="Dice", title="Dice", ylim=(0, 1))
    dice_axes.legend(loc="upper left")
    for axes in (loss_axes, dice_axes):
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_atomically(path, picture.getvalue())
