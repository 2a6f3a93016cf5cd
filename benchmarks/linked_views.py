"""Time a step of the axial slice without further views, with ours, and with two more canvases of napari's.

``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python benchmarks/linked_views.py [--json]``; all in one
run on a generated scan of 300 × 512 × 512 voxels. Medians of 40 steps, in processor time of this process, drawing
included, since other programs would count on the clock; the steps without views are timed before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
from qtpy.QtWidgets import QApplication

from napari_lesionseg.volumes import Geometry, Volume

SHAPE, SPACING, STEPS = (300, 512, 512), (1.0, 0.7, 0.7), 40


def settle(times: int = 3) -> None:
    """Let the window draw."""
    for _ in range(times):
        QApplication.processEvents()


def median_ms(act: Callable[[int], object]) -> float:
    """Median of what one call and its drawing take, in ms."""
    seconds = []
    for number in range(STEPS):
        began = time.process_time()
        act(number)
        settle()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds) * 1000


def memory_mib() -> float:
    """What this process has in memory."""
    return float(psutil.Process().memory_info().rss) / 2**20


def opened(make: Callable[[], object]) -> tuple[float, float]:
    """How long it takes until something is drawn, in ms, and what it adds to memory, in MiB."""
    before, began = memory_mib(), time.process_time()
    make()
    settle(20)
    return (time.process_time() - began) * 1000, memory_mib() - before


def plain_views(scan: Volume, mask: Any, follow: Any) -> list[Any]:
    """A coronal and a sagittal canvas of napari's, each with image and mask, that follow the slice."""
    from napari.components import ViewerModel
    from napari.qt import QtViewer

    made: list[Any] = []
    for order in ((1, 0, 2), (2, 0, 1)):
        model = ViewerModel()
        model.add_image(scan.array, scale=SPACING, contrast_limits=(-1350, 150))
        model.add_labels(mask.array, scale=SPACING)
        model.dims.order = order
        follow.connect(lambda z, dims=model.dims: dims.set_point(0, z * SPACING[0]))
        shown = QtViewer(model)
        shown.resize(400, 450)
        shown.show()
        made.append(shown)
    return made


def measure() -> dict[str, float]:
    """Open one window, and time all three."""
    from napari_lesionseg.widgets.launch import make_window

    viewer, bench = make_window()
    noise = np.random.default_rng(0).integers(-1000, 200, (16, *SHAPE[1:])).astype(np.int16)
    scan = Volume(np.concatenate([noise] * 19)[: SHAPE[0]], Geometry.from_spacing(SHAPE, SPACING))
    bench.session.open_scan(scan)
    settle(50)

    def step() -> float:
        return median_ms(lambda number: bench.session.set_slice(100 + number))

    step()  # The first steps are slower.
    bare = [step()]
    ours_ms, ours_mib = opened(bench.views.linked.click)
    ours = step()
    bench.views.linked.click()
    settle(20)
    bare.append(step())
    kept: list[Any] = []
    make = lambda: kept.extend(plain_views(scan, bench.session.mask, bench.session.slice_changed))  # noqa: E731
    plain_ms, plain_mib = opened(make)
    plain = step()
    for one in kept:
        one.close()
    bench.context.close()
    viewer.close()
    off = statistics.mean(bare)
    return {
        "step_ms": off,
        "ours_ratio": ours / off,
        "ours_open_ms": ours_ms,
        "ours_mib": ours_mib,
        "plain_ratio": plain / off,
        "plain_open_ms": plain_ms,
        "plain_mib": plain_mib,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Linked views against further canvases of napari's.")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"LESIONSEG_HOME": f"{scratch}/home", "LESIONSEG_DESK": f"{scratch}/desk"}
        figures = {name: round(value, 2) for name, value in measure().items()}
    print(json.dumps(figures) if wanted.json else "\n".join(f"{name:14} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
