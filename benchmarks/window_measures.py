"""What is measured in napari's window: steps, strokes, a prediction that is shown, and docking."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication
from review_speed import large_case, open_window
from side_by_side import Side, bare_side, by_turns, clock

DOCK = """
import json, sys, time
from pathlib import Path
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
QApplication.processEvents()
began = time.perf_counter()
if sys.argv[1] == "ours":
    from napari_lesionseg.widgets.workbench import Workbench
    viewer.window.add_dock_widget(Workbench(viewer), name="Lesion workbench", area="right")
QApplication.processEvents()
print(json.dumps([time.perf_counter() - began, "torch" in sys.modules]))
viewer.close()
"""


def window(shape: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    """Ratios to bare napari of a step, a stroke and an undo; and of showing a prediction to assigning ``data``."""
    scan, truth, probability = large_case(shape)
    viewer, workbench = open_window((scan, truth, probability))
    bare = bare_side(scan, workbench.session.mask, truth, viewer)
    ours = Side(viewer, workbench.context.layers.mask, scan.geometry.spacing)
    z = int(truth.array.sum(axis=(1, 2)).argmax())
    middle = tuple(int(place) for place in np.argwhere(truth.array[z]).mean(axis=0))
    turns = by_turns(ours, bare, rounds, middle, range(max(0, z - 10), min(shape[0], z + 10)))
    shown, assigned = [], []
    for number in range(6):
        moved = np.roll(probability, number, 2)
        masks = (moved >= 128).astype(np.uint8)
        began = clock()
        workbench.session.set_prediction(moved, "moved", 0.5)
        ours.drawn()
        shown.append(clock() - began)
        began = clock()
        bare.mask.data = masks
        bare.drawn()
        assigned.append(clock() - began)
    bare.viewer.close()
    workbench.context.close()
    viewer.close()
    QApplication.processEvents()
    return {"turns": turns, "shown": statistics.median(shown[1:]), "assigned": statistics.median(assigned[1:])}


def docking(rounds: int) -> dict[str, Any]:
    """Seconds that docking the workbench adds to a window of napari's, and whether torch was imported for it."""
    took: dict[str, list[float]] = {"ours": [], "bare": []}
    torch = False
    for _ in range(rounds):
        for which, times in took.items():
            done = subprocess.run(
                [sys.executable, "-c", DOCK, which], capture_output=True, text=True, check=True, cwd=Path.cwd()
            )
            seconds, imported = json.loads(done.stdout.splitlines()[-1])
            times.append(seconds)
            torch |= imported and which == "ours"
    return {"extra": statistics.median(took["ours"]) - statistics.median(took["bare"]), "torch": torch}
