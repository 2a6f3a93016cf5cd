"""Draw docs/images/series-chooser.png: what the window asks when a folder holds several DICOM series.

The series are generated phantoms. Run from the project's root:
``HEADLESS=1 .venv/bin/python scripts/headless.py .venv/bin/python docs/make_series_picture.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # The writer of DICOM series belongs to the tests.

from napari_lesionseg.volumes.phantom import make_case  # noqa: E402
from tests.volumes.dicom.make_series import make_series  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom import Dataset

TARGET = ROOT / "docs" / "images" / "series-chooser.png"
SHAPE = (40, 192, 192)


def named(description: str, kernel: str, **more: Any) -> Callable[[Dataset, int], None]:
    """Describe a series."""

    def edit(header: Dataset, _number: int) -> None:
        header.SeriesDescription, header.ConvolutionKernel = description, kernel
        for name, value in more.items():
            setattr(header, name, value)

    return edit


def write_study(folder: Path) -> None:
    """Write a thin lung series, a thick soft one, a tilted one and a scout."""
    hu = make_case(11, SHAPE).scan.array.astype(np.int16)

    def tilt(header: Dataset, number: int) -> None:
        named("Abdomen 3.0 B30f", "B30f")(header, number)
        header.ImagePositionPatient = [-50, -60 + 0.8 * number, -70 + 3 * number]

    scout = named("Topogram 0.6 T20s", "T20s", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    make_series(folder / "1", hu, spacing=(1.25, 1.7, 1.7), edit=named("Thorax 1.25 B70f", "B70f"), seed=1)
    make_series(folder / "2", hu[::4], spacing=(5.0, 1.7, 1.7), edit=named("Thorax 5.0 B30f", "B30f"), seed=2)
    make_series(folder / "3", hu[::2], spacing=(3.0, 1.7, 1.7), edit=tilt, seed=3)
    make_series(folder / "4", hu[:1], edit=scout, seed=4)


def wait(until: Callable[[], bool]) -> None:
    """Let the window go on until something holds, for a minute at most."""
    for _ in range(600):
        loop = QEventLoop()
        QTimer.singleShot(100, loop.quit)
        loop.exec()
        if until():
            return
    sys.exit("error: the chooser did not appear.")


def main() -> None:
    """Open the study, and draw the chooser."""
    from napari_lesionseg.widgets.launch import make_window

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LESIONSEG_HOME"] = str(Path(scratch) / "home")
        write_study(Path(scratch) / "study")
        viewer, workbench = make_window()

        def draw() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                QTimer.singleShot(100, draw)
                return
            dialog.grab().save(str(TARGET))
            dialog.accept()

        QTimer.singleShot(1500, draw)
        workbench.open.scan_requested.emit(str(Path(scratch) / "study"))
        wait(lambda: workbench.session.scan is not None)
        workbench.context.close()
        viewer.close()


if __name__ == "__main__":
    main()
