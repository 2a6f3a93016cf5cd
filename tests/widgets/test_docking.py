"""Docking in a real window: what is imported for it, and that nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QAbstractSpinBox, QLineEdit, QPushButton, QScrollArea, QWidget

from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume

Tiny = tuple["Volume", "Mask", np.ndarray]

DOCK = """
import json, sys
import napari
viewer = napari.Viewer(show=False)
before = set(sys.modules)
dock, bench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
print(json.dumps({"widget": type(bench).__name__, "modules": sorted(set(sys.modules) - before)}))
viewer.close()
"""
HEAVY = {
    *("torch", "monai", "matplotlib", "cv2", "sqlalchemy", "SimpleITK", "skimage", "openvino", "scipy.spatial"),
    *("nibabel", "pydicom", "highdicom"),
}


def test_docking_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", DOCK], capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["widget"] == "Workbench"
    assert HEAVY & set(told["modules"]) == set()


OPEN_AND_EXPORT = """
import json, sys
from pathlib import Path
import napari
from qtpy.QtCore import QEventLoop, QTimer
viewer = napari.Viewer(show=False)
dock, bench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
folder, out = sys.argv[1:]

def until(done):
    for _ in range(3000):
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if done():
            return
    sys.exit("it took too long")

from napari_lesionseg.volumes.read import is_scan_path
assert is_scan_path(folder)
bench.open.scan_requested.emit(folder)
until(lambda: bench.session.scan is not None)
bench.export.format.setCurrentIndex(bench.export.format.findData("dicom-seg"))
bench.export.export_requested.emit(out)
until(lambda: not bench.context.exporter.running)
print(json.dumps({"saved": Path(out).is_file(), "modules": sorted(sys.modules)}))
bench.context.close()
viewer.close()
"""


def test_a_series_is_opened_and_exported_without_a_heavy_library_in_the_window(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN_AND_EXPORT, str(make_series(tmp_path / "series").folder)]
    done = subprocess.run(
        [*command, str(tmp_path / "out.dcm")], capture_output=True, text=True, timeout=170, check=True
    )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["saved"]
    assert {"torch", "matplotlib", "cv2", "SimpleITK", "pydicom", "highdicom", "nibabel"} & set(
        told["modules"]
    ) == set()


def test_the_workbench_in_a_window_behind_naparis_proxy(
    make_napari_viewer_proxy: Any, tiny: Tiny, qtbot: QtBot
) -> None:
    from napari_lesionseg.widgets.workbench import Workbench

    viewer = make_napari_viewer_proxy()
    workbench = Workbench(viewer)
    viewer.window.add_dock_widget(workbench, name="workbench")
    scan, truth, probability = tiny
    workbench.session.open_scan(scan)
    workbench.session.set_truth(truth)
    workbench.session.set_prediction(probability, "tiny", 0.5)
    viewer.dims.set_current_step(0, 1)
    assert workbench.session.slice_index == 1
    viewer.layers["mask"].paint((1, 8, 8), 1)
    assert workbench.session.corrected_slices == {1}
    viewer.layers["mask"].undo()
    assert workbench.session.corrected_slices == frozenset()
    workbench.compare.errors.click()
    assert viewer.layers["error map"].data[1].max() == 3
    workbench.session.close_scan()
    assert len(viewer.layers) == 0


def test_the_correct_panel_is_not_clipped_in_a_font_of_one_and_a_half(make_napari_viewer: Any, qtbot: QtBot) -> None:
    from napari.settings import get_settings

    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    viewer.window.resize(1280, 800)
    for title, section in workbench.sections.items():
        section.set_open(title == "Correct")
    workbench.correct.show_editable(True)
    workbench.correct.show_tool("paint")
    font, undo = get_settings().appearance, workbench.correct.undo
    qtbot.waitUntil(undo.isVisible, timeout=5000)
    size, height = font.font_size, undo.fontMetrics().height()
    font.font_size = round(1.5 * size)
    try:
        qtbot.waitUntil(lambda: undo.fontMetrics().height() >= 1.3 * height, timeout=5000)
        qtbot.wait(300)  # Until all is laid out anew.
        buttons = [button for button in workbench.correct.findChildren(QPushButton) if button.isVisible()]
        assert len(buttons) > 25
        cut = [one.objectName() for one in buttons if one.fontMetrics().horizontalAdvance(one.text()) > one.width()]
        spins = [box for box in workbench.correct.findChildren(QAbstractSpinBox) if box.isVisible()]
        cut += [
            box.objectName() for box in spins if box.fontMetrics().horizontalAdvance(box.text()) > _line(box).width()
        ]
        inner = workbench.findChild(QScrollArea).viewport()
        beyond = [one.objectName() for one in buttons if one.mapTo(inner, one.rect().topRight()).x() > inner.width()]
        assert (cut, beyond) == ([], [])
    finally:
        font.font_size = size


def _line(box: QAbstractSpinBox) -> QLineEdit:
    return box.findChild(QLineEdit)


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 800)])
def test_no_control_is_clipped_in_naparis_own_style(
    make_napari_viewer: Any, qtbot: QtBot, size: tuple[int, int]
) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    viewer.window.resize(*size)
    for section in workbench.sections.values():
        section.set_open(True)
    workbench.window_.width_.setValue(10000)
    workbench.retrain.epochs.setValue(200)
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    inner, area = workbench.findChild(QScrollArea).widget(), workbench.findChild(QScrollArea)
    qtbot.waitUntil(lambda: inner.minimumSizeHint().width() <= area.viewport().width(), timeout=5000)
    controls = [child for child in inner.findChildren(QWidget) if child.objectName() and child.isVisible()]
    beyond = [one.objectName() for one in controls if one.mapTo(inner, one.rect().topRight()).x() > inner.width()]
    squeezed = [
        box.objectName()
        for box in inner.findChildren(QAbstractSpinBox)
        if box.fontMetrics().horizontalAdvance(box.text()) > box.findChild(QLineEdit).width()
    ]
    cut = [
        button.objectName()
        for button in inner.findChildren(QPushButton)
        if button.fontMetrics().horizontalAdvance(button.text()) > button.width()
    ]
    assert (beyond, squeezed, cut) == ([], [], [])
    assert len(controls) > 30, [one.objectName() for one in controls]
