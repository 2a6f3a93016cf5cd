"""Loss and Dice of a training while it runs. matplotlib is imported here, so import this module late, in a thread."""

from __future__ import annotations

import time

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

TEXT, GRID = "#D0D3D8", "#555A63"
COLOURS = {"loss": "#E69F00", "training Dice": "#009E73", "validation Dice": "#56B4E9"}
PAUSE_S = 0.5  # Between two drawings.


class Curves:
    """Three curves over the epochs on one canvas: loss of every step (left axis), Dice of training and validation."""

    def __init__(self) -> None:
        figure = Figure(figsize=(3.4, 1.7), layout="constrained")
        figure.patch.set_alpha(0.0)
        self.canvas = FigureCanvasQTAgg(figure)
        self.canvas.setObjectName("curves_canvas")
        self.canvas.setToolTip(
            "Loss of every step (left axis), Dice of training and of validation patients (right axis)"
        )
        self.canvas.setStyleSheet("background: transparent;")
        left = figure.add_subplot()
        right = left.twinx()
        self._axes = (left, right)
        self.points: dict[str, list[tuple[float, float]]] = {}
        self._lines = {
            name: (left if name == "loss" else right).plot([], [], color=colour, linewidth=1.3, label=name)[0]
            for name, colour in COLOURS.items()
        }
        for axes, name, colour in ((left, "loss", COLOURS["loss"]), (right, "Dice", COLOURS["validation Dice"])):
            axes.set_ylabel(name, color=colour, fontsize=8)
            axes.tick_params(labelsize=7, labelcolor=TEXT, color=GRID)
            axes.set_facecolor("none")
            for spine in axes.spines.values():
                spine.set_color(GRID)
        left.set_xlabel("epoch", color=TEXT, fontsize=8)
        left.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        right.set_ylim(0, 1)
        figure.legend(
            handles=[*self._lines.values()],
            loc="outside upper center",
            ncols=3,
            fontsize=7,
            frameon=False,
            labelcolor=TEXT,
            handlelength=1.2,
            columnspacing=1.0,
        )
        self.clear()

    def clear(self) -> None:
        """Forget the last training."""
        self.points = {name: [] for name in COLOURS}
        self.draw()

    def add(self, name: str, epoch: float, value: float | None) -> None:
        """Add a point to the curve ``name``; None where there is no value."""
        if value is not None:
            self.points[name].append((epoch, value))
            if time.monotonic() - self._drawn > PAUSE_S:
                self.draw()

    def draw(self) -> None:
        """Draw all curves at the next chance."""
        self._drawn = time.monotonic()
        for name, line in self._lines.items():
            points = self.points[name]
            line.set_data([epoch for epoch, _ in points], [value for _, value in points])
            line.set_marker("." if len(points) == 1 else "")
        left, _right = self._axes
        left.relim()
        left.autoscale_view()
        self.canvas.draw_idle()
