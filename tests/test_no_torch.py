"""Opening, reviewing, correcting and exporting where torch cannot be imported, neither here nor in a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.volumes import nifti

if TYPE_CHECKING:
    from pathlib import Path

    from napari_lesionseg.volumes.phantom import PhantomCase

# A package of this name that comes first on the path of the process and of all its children.
NO_TORCH = """
import os
with open(os.environ["TORCH_ASKED"], "a") as file:
    file.write("asked\\n")
raise ImportError("there is no torch here")
"""
REVIEW = """
import json, sys
from pathlib import Path
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QAbstractButton
from napari_lesionseg.widgets.launch import make_window

def wait(until):
    for _ in range(3000):
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if until():
            return
    sys.exit("it took too long; the last complaint: " + " ".join(problems))

def press(name):
    found = bench.findChild(QAbstractButton, name)
    assert found is not None and found.isEnabled(), name
    found.click()

scan, truth, out = sys.argv[1:]
viewer, bench = make_window(show=False)
problems, session = [], bench.session
bench.context.problem.connect(problems.append)
bench.open.scan_requested.emit(scan)
wait(lambda: session.scan is not None)
bench.open.truth_requested.emit(truth)
wait(lambda: session.truth is not None)
press("preset_mediastinum")
press("show_errors")
press("worst_slice")
press("tool_paint")
press("gate")
z = session.slice_index
layer = bench.context.layers.mask
layer.paint((z, 20, 20), 1)
layer.paint((z, 40, 40), 1)
twice = int(session.mask.array.sum())
press("undo")
once = int(session.mask.array.sum())
press("redo")
layer.brush_size = 1
for y, x in ((9, 9), (9, 10), (9, 11), (10, 9), (10, 11), (11, 9), (11, 10), (11, 11)):  # A ring.
    layer.paint((z, y, x), 1)
ring = int(session.mask.array.sum())
press("fill_holes")
filled = int(session.mask.array.sum()) - ring
session.set_slice(z + 1)
press("copy_below")
copied = int(session.mask.array[z + 1].sum()) - int(session.mask.array[z].sum())
while int(session.mask.array.sum()) != twice:
    press("undo")
bench.export.export_requested.emit(out)
wait(lambda: Path(out).is_file() and not bench.context.exporter.running)
told = {
    "twice": twice,
    "once": once,
    "filled": filled,
    "copied": copied,
    "now": int(session.mask.array.sum()),
    "corrected": sorted(session.corrected_slices) == [z],
    "problems": problems,
    "modules": sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "monai", "safetensors")),
}
bench.context.close()
viewer.close()
print(json.dumps(told))
"""


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """The environment of a computer without torch; whoever asks for it leaves a word in the file ``TORCH_ASKED``."""
    (tmp_path / "path" / "torch").mkdir(parents=True)
    (tmp_path / "path" / "torch" / "__init__.py").write_text(NO_TORCH)
    here = os.pathsep.join(filter(None, (str(tmp_path / "path"), os.environ.get("PYTHONPATH"))))
    home = str(tmp_path / "home")
    return os.environ | {"PYTHONPATH": here, "TORCH_ASKED": str(tmp_path / "asked"), "LESIONSEG_HOME": home}


@pytest.fixture
def phantom_files(phantom_case: PhantomCase, tmp_path: Path) -> tuple[Path, Path]:
    scan, truth = tmp_path / "phantom.nii.gz", tmp_path / "phantom_truth.nii.gz"
    nifti.write_scan(scan, phantom_case.scan)
    nifti.write_mask(truth, phantom_case.truth)
    return scan, truth


def run(program: str, environment: dict[str, str], *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def test_there_is_no_torch_in_these_tests(without_torch: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, text=True, env=without_torch)
    assert done.returncode == 1
    assert "there is no torch here" in done.stderr
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_scan_is_opened_reviewed_corrected_and_exported(
    without_torch: dict[str, str], phantom_files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out" / "mask.nii.gz"
    out.parent.mkdir()
    told = run(REVIEW, without_torch, *map(str, phantom_files), str(out))
    assert told["problems"] == []
    assert told["modules"] == []
    assert told["corrected"]
    assert (told["filled"], told["copied"]) == (1, 0)
    assert told["twice"] == told["now"] == 2 * int(told["once"])
    assert np.count_nonzero(nifti.read_mask(out).array) == told["now"]
    assert not (tmp_path / "asked").exists()


STUDY = """
import json, sys
from pathlib import Path
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QAbstractButton
from napari_lesionseg.widgets.launch import make_window

def wait(until):
    for _ in range(3000):
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if until():
            return
    sys.exit("it took too long; the last complaint: " + " ".join(problems))

def press(name):
    found = bench.findChild(QAbstractButton, name)
    assert found is not None, name
    wait(found.isEnabled)
    found.click()

viewer, bench = make_window(show=False)
problems, session = [], bench.session
bench.context.problem.connect(problems.append)
bench.open.study_requested.emit(sys.argv[1])
wait(lambda: bool(bench.cases.model.rows))
press("next_unfinished")
wait(lambda: bench.context.opening.now is not None and bench.context.recorder.draft is not None)
press("tool_paint")
press("gate")
bench.context.layers.mask.paint((5, 20, 20), 1)
bench.context.layers.mask.paint((5, 40, 40), 1)
press("undo")
press("accept_case")
wait(lambda: bench.cases.model.rows[0].state == "approved" or bench.cases.anyway.isVisibleTo(bench.cases))
if bench.cases.model.rows[0].state != "approved":
    press("approve_anyway")
wait(lambda: bench.cases.model.rows[0].state == "approved")
told = {
    "problems": problems,
    "modules": sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "monai", "safetensors")),
    "lesion": int(session.mask.array.sum()),
}
bench.context.close()
viewer.close()
print(json.dumps(told))
"""


def test_a_case_of_a_study_is_opened_corrected_and_approved(
    without_torch: dict[str, str], phantom_files: tuple[Path, Path], tmp_path: Path
) -> None:
    study = Study.create(tmp_path / "study")
    study.add_case("c1", "p1", phantom_files[0])
    told = run(STUDY, without_torch, str(study.folder))
    assert told["problems"] == []
    assert told["modules"] == []
    kept = study.latest("c1", "correction")
    assert kept is not None
    assert int(nifti.read_mask(kept.path).array.sum()) == told["lesion"] > 0
    assert study.case("c1").state == "approved"
    assert not (tmp_path / "asked").exists()
