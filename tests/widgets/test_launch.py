"""``lesionseg open`` with a study: a window with its cases, or one sentence and no window."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lesionseg.cli.main import app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Volume, nifti

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = Study.create(tmp_path / "study")
    geometry = Geometry.from_spacing((4, 8, 8), (2.0, 1.0, 1.0))
    for number in (1, 2):
        scan = tmp_path / f"scan-{number}.nii.gz"
        nifti.write_scan(scan, Volume(np.full((4, 8, 8), -800 + number, np.int16), geometry))
        study.add_case(f"c{number}", f"p{number}", scan)
    return study


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every viewer that is made; making one while none may be is seen in it."""
    made: list[Any] = []
    begin = napari.Viewer.__init__

    def begin_and_note(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(napari.Viewer, "__init__", begin_and_note)
    return made


OPEN = """
import json, sys
import napari
from qtpy.QtCore import QEventLoop, QTimer
from napari_lesionseg.cli.main import app
from napari_lesionseg.widgets.workbench import Workbench

def until(done):
    for _ in range(3000):
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if done():
            return
    sys.exit("it took too long")

def look_and_close():
    viewer = napari.current_viewer()
    (bench,) = viewer.window._qt_window.findChildren(Workbench)
    until(lambda: len(bench.cases.model.rows) == 2)
    bench.cases.steps["next_unfinished"].click()
    until(lambda: bench.context.opening.now is not None)
    told = {"cases": [row.id for row in bench.cases.model.rows], "open": bench.context.opening.now.id}
    print(json.dumps({**told, "corner": int(bench.session.scan.array[0, 0, 0])}))
    bench.context.close()
    viewer.close()

napari.run = look_and_close
app(["open", sys.argv[1]], standalone_mode=False)
"""


def test_a_study_is_opened_in_a_window_with_its_cases(study: Study) -> None:
    command = [sys.executable, "-c", OPEN, str(study.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told == {"cases": ["c1", "c2"], "open": "c1", "corner": -799}


@pytest.mark.parametrize("option", ["--truth", "--mask"])
def test_a_study_has_its_own_masks(study: Study, windows: list[Any], option: str) -> None:
    with pytest.raises(LesionsegError, match="A study has its own truths and masks"):
        CliRunner().invoke(app, ["open", str(study.folder), option, "mask.nii.gz"], catch_exceptions=False)
    assert windows == []


def test_what_is_wrong_with_a_study_is_told_before_there_is_a_window(tmp_path: Path, windows: list[Any]) -> None:
    (tmp_path / "study.db").write_bytes(b"not a database")
    with pytest.raises(LesionsegError, match="is not a study database"):
        CliRunner().invoke(app, ["open", str(tmp_path)], catch_exceptions=False)
    assert windows == []
