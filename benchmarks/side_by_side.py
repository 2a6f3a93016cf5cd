"""The workbench and bare napari at the same work, by turns: a slice step, a brush stroke, an undo.

Bare napari gets the same three layers (scan, mask, truth) on a canvas of the same size; what it does is its own part
of the work. Times are those of the window's thread, from the first event to the picture drawn, without the time other
programs had the processor.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets import layer_styles as styles
from napari_lesionseg.widgets.hands import MOVE_MS, Pen, pause
from tests.widgets.conftest import Heartbeat

clock = Heartbeat._clock
BRUSH = 12  # Voxels.
POINTS = 12  # Of a stroke.


class Side:
    """One viewer and its layer of the mask."""

    def __init__(self, viewer: Any, mask: Any, spacing: tuple[float, float, float]) -> None:
        self.viewer, self.mask, self.pen, self._spacing = viewer, mask, Pen(viewer), spacing
        self.canvas = viewer.window._qt_viewer.canvas
        viewer.layers.selection.active = mask
        mask.mode, mask.brush_size, mask.selected_label = "paint", BRUSH, 1

    def drawn(self) -> None:
        """Let all that is due be done, and the picture be drawn."""
        self.canvas._scene_canvas.update()
        QApplication.processEvents()

    def go_to(self, z: int) -> float:
        """Seconds to show another slice."""
        began = clock()
        self.viewer.dims.set_point(0, z * self._spacing[0])
        self.drawn()
        return clock() - began

    def stroke(self, middle: tuple[int, int], radius: int) -> float:
        """Seconds of a stroke of the mouse around ``middle``, without the pauses between its moves."""
        spent, began = 0.0, clock()
        for _ in self.pen.steps(self._circle(middle, radius)):
            self.drawn()
            spent += clock() - began
            pause(MOVE_MS)
            began = clock()
        return spent

    def undo(self) -> float:
        """Seconds to undo."""
        began = clock()
        self.mask.undo()
        self.drawn()
        return clock() - began

    def _circle(self, middle: tuple[int, int], radius: int) -> list[tuple[float, float]]:
        angles = np.linspace(0, 2 * np.pi, POINTS)
        y, x = middle[0] + radius * np.sin(angles), middle[1] + radius * np.cos(angles)
        return [(float(b * self._spacing[1]), float(a * self._spacing[2])) for b, a in zip(y, x, strict=True)]


def bare_side(scan: Volume, mask: Mask, truth: Mask, like: Any) -> Side:
    """Open a viewer without the workbench, with a canvas as large as that of ``like``."""
    import napari

    viewer = napari.Viewer()
    window = styles.first_window(scan)
    viewer.add_image(scan.array, **styles.image_style(scan, window))
    layers = []
    for one, style in ((mask, styles.mask_style(mask)), (truth, styles.truth_style(truth))):
        layers.append(viewer.add_labels(one.array.copy(), **{**style, "metadata": {}}))
        layers[-1].n_edit_dimensions = 2
    layers[1].contour = styles.OUTLINE
    for widget in QApplication.allWidgets():
        if type(widget).__name__ == "NapariQtNotification":  # Lies over one of the two canvases, and is drawn with it.
            widget.close()
    wanted = like.window._qt_viewer.canvas.native.size()
    for _ in range(5):  # The window is larger than its canvas by what stands around it.
        pause(200)
        got = viewer.window._qt_viewer.canvas.native.size()
        outer = viewer.window._qt_window.size()
        viewer.window.resize(
            outer.width() + wanted.width() - got.width(), outer.height() + wanted.height() - got.height()
        )
    viewer.reset_view()
    return Side(viewer, layers[0], scan.geometry.spacing)


def by_turns(
    ours: Side, bare: Side, rounds: int, middle: tuple[int, int], slices: range
) -> dict[str, dict[str, float]]:
    """Step, paint and undo on both sides by turns; median milliseconds, their ratio, and the quartiles of ratios."""
    times: dict[str, list[tuple[float, float]]] = {"slice_step": [], "stroke": [], "undo": []}
    for number in range(-3, rounds):  # The first rounds warm up.
        z = slices[number % len(slices)]
        for name, act in _acts(z, middle, 20 + number % 7):
            order = (ours, bare) if number % 2 else (bare, ours)
            took = {side: act(side) for side in order}
            if number >= 0:
                times[name].append((took[ours], took[bare]))
    return {name: summary(pairs) for name, pairs in times.items()}


def _acts(z: int, middle: tuple[int, int], radius: int) -> list[tuple[str, Callable[[Side], float]]]:
    return [
        ("slice_step", lambda side: side.go_to(z)),
        ("stroke", lambda side: side.stroke(middle, radius)),
        ("undo", lambda side: side.undo()),
    ]


def summary(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Medians of both sides in ms, the ratio of the medians, and the quartiles of the ratios of each turn."""
    ours, bare = zip(*pairs, strict=True)
    low, _, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    middle = statistics.median(ours), statistics.median(bare)
    figures = {"ours_ms": 1000 * middle[0], "bare_ms": 1000 * middle[1], "ratio": middle[0] / middle[1]}
    return {name: round(value, 2) for name, value in {**figures, "low": low, "high": high}.items()}
