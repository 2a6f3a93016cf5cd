"""How long a switch to a case that was read ahead takes, from the key press to the new scan on the screen.

``python scripts/headless.py python benchmarks/case_switch.py [FOLDER]``: three generated cases of 300 × 512 × 512
voxels with mask and truth. Both clocks are printed: wall time, and the processor time of the window's own thread.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPE = (300, 512, 512)


def make_study(folder: Path) -> None:
    from napari_lesionseg.study import Study
    from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

    study = Study.create(folder)
    geometry = Geometry.from_spacing(SHAPE, (1.0, 0.7, 0.7))
    slope = np.linspace(-1000, 300, SHAPE[2], dtype=np.int16)
    for number in range(3):
        voxels = np.broadcast_to(slope, SHAPE) + np.random.default_rng(number).integers(-40, 40, SHAPE[1:], np.int16)
        path = folder / f"scan-{number}.nii.gz"
        nifti.write_scan(path, Volume(voxels, geometry))
        mask = Mask.empty(geometry)
        mask.array[100:160, 200:260, 200 + number : 260] = 1
        study.add_case(f"case-{number}", f"p{number}", path)
        study.add_revision(f"case-{number}", "prediction", mask, model="tiny")
        study.add_revision(f"case-{number}", "truth", mask)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="lesionseg-switch-"))
    os.environ["LESIONSEG_HOME"], os.environ["LESIONSEG_DESK"] = str(folder / "home"), str(folder / "desk")
    if not (folder / "study").exists():
        make_study(folder / "study")
    from qtpy.QtWidgets import QApplication

    from napari_lesionseg.widgets.launch import make_window

    viewer, bench = make_window()
    application, opening = QApplication.instance(), bench.context.opening
    bench.open_study(folder / "study")

    def until(holds: object) -> None:
        end = time.monotonic() + 300
        while not holds():  # type: ignore[operator]
            application.processEvents()
            time.sleep(0.001)
            if time.monotonic() > end:
                raise SystemExit("it took too long")

    until(lambda: len(bench.cases.model.rows) == 3)
    bench.cases.steps["next_unfinished"].click()
    until(lambda: opening.now is not None)
    bench.context.layers.mask.paint((120, 100, 100), 1)
    shown: list[float] = []
    opening.opened.connect(lambda _: shown.append(time.perf_counter()))
    for _ in range(6):
        wanted = (int(opening.now.id[-1]) + 1) % 3
        until(lambda wanted=wanted: opening.ahead.take(f"case-{wanted}") is not None)
        settle = time.monotonic() + 3
        until(lambda settle=settle: time.monotonic() > settle)
        shown.clear()
        began, worked = time.perf_counter(), time.thread_time()
        bench.cases.steps["next_unfinished"].click()
        until(lambda wanted=wanted: opening.now is not None and opening.now.id == f"case-{wanted}")
        viewer.window._qt_viewer.canvas._scene_canvas.update()
        application.processEvents()
        done, busy = time.perf_counter(), time.thread_time() - worked
        figures = {
            "wall_ms": round(1000 * (done - began)),
            "until_shown_ms": round(1000 * (shown[0] - began)),
            "drawn_ms": round(1000 * (done - shown[0])),
            "window_cpu_ms": round(1000 * busy),
            "load": round(os.getloadavg()[0], 1),
        }
        print(json.dumps(figures), flush=True)
    bench.context.close()
    viewer.close()


if __name__ == "__main__":
    main()
