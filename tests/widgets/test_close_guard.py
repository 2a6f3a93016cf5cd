"""Closing a window over corrections that were not exported."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QMainWindow, QVBoxLayout, QWidget

from napari_lesionseg.volumes import read_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


CLOSE_NAPARI = """
import napari, numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from napari_lesionseg.volumes import Geometry, Volume
viewer = napari.Viewer()
_, bench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
bench.session.open_scan(Volume(np.zeros((4, 10, 10), np.int16), Geometry.from_spacing((4, 10, 10), (1.0, 1.0, 1.0))))
viewer.layers["mask"].paint((1, 5, 5), 1)
QApplication.processEvents()
window = bench.window()

def close_and(answer):
    QTimer.singleShot(300, lambda: answer(QApplication.activeModalWidget()))
    window.close()
    print(window.isVisible())

close_and(lambda box: box.reject())
close_and(lambda box: next(one for one in box.buttons() if "Discard" in one.text()).click())
"""


@pytest.fixture
def corrected(
    workbench: Any, qtbot: QtBot, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A workbench in a window like napari's, with one voxel painted that cannot be journaled."""
    window, middle, dock = QMainWindow(), QWidget(), QDockWidget()
    QVBoxLayout(middle).addWidget(QWidget())
    window.setCentralWidget(middle)
    dock.setWidget(workbench)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.show()
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    # In the way of the journal: what is in it is not lost with the window.
    (tmp_path / "a file").write_text("no folder")
    monkeypatch.setenv("LESIONSEG_DESK", str(tmp_path / "a file" / "desk"))
    workbench.session.open_scan(tiny[0])
    workbench.context.layers.mask.brush_size = 1
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    assert workbench.session.dirty
    session = workbench.session
    yield workbench
    session.mark_exported()  # Nobody answers when the window goes.
    window.close()
    window.deleteLater()


def press(text: str) -> Callable[[Any], None]:
    return lambda box: next(one for one in box.buttons() if one.text().replace("&", "") == text).click()


def test_cancel_and_escape_keep_the_window_open(corrected: Any, when_asked: Any) -> None:
    window = corrected.window()
    for answer in (press("Cancel"), lambda box: box.reject()):
        asked = when_asked(answer)
        assert not window.close()
        assert [dialog.objectName() for dialog in asked] == ["close_dialog"]
        assert window.isVisible()
    assert corrected.session.dirty


def test_discard_closes_the_window(corrected: Any, when_asked: Any) -> None:
    window = corrected.window()
    when_asked(press("Discard"))
    assert window.close()
    assert not window.isVisible()


def test_save_asks_where_and_closes_once_the_mask_is_on_the_disk(
    corrected: Any, when_asked: Any, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, path = corrected.window(), tmp_path / "saved.nii.gz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    when_asked(press("Save"))
    assert not window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=60_000)
    assert read_mask(path).array.sum() == 1


def test_a_save_that_is_called_off_or_fails_keeps_the_window_open(
    corrected: Any, when_asked: Any, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = corrected.window()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    when_asked(press("Save"))
    assert not window.close()
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "file" / "saved.nii.gz"), ""))
    when_asked(press("Save"))
    assert not window.close()
    qtbot.waitUntil(lambda: corrected.export.state.text() == "Not saved.", timeout=60_000)
    # A later export is no reason to close the window.
    corrected.export.export_requested.emit(str(tmp_path / "later.nii.gz"))
    qtbot.waitUntil(lambda: not corrected.session.dirty, timeout=60_000)
    assert window.isVisible()


def test_without_corrections_nothing_is_asked(corrected: Any) -> None:
    corrected.session.mark_exported()
    assert corrected.window().close()


def test_corrections_that_are_in_the_journal_are_not_asked_about(
    corrected: Any, qtbot: QtBot, tiny: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LESIONSEG_DESK", str(tmp_path / "desk"))
    corrected.session.open_scan(tiny[0])
    qtbot.waitUntil(lambda: corrected.context.recorder.is_open, timeout=60_000)
    corrected.context.layers.mask.paint((1, 8, 8), 1)
    assert corrected.session.dirty
    assert corrected.window().close()


def test_a_window_that_code_takes_down_is_not_asked_about(corrected: Any) -> None:
    window = corrected.window()
    window.centralWidget().layout().itemAt(0).widget().close()  # As napari's viewer.close() does first.
    assert window.close()


@pytest.mark.timeout(400)  # A window and its libraries in a process of their own, beside another lane of tests.
def test_naparis_own_window_stays_and_goes_as_one_answers(tmp_path: Path) -> None:
    desk = tmp_path / "a file" / "desk"
    desk.parent.write_text("in the way of the journal")
    done = subprocess.run(
        [sys.executable, "-c", CLOSE_NAPARI],
        **{"capture_output": True, "text": True, "timeout": 360, "check": True},
        env=os.environ | {"LESIONSEG_DESK": str(desk)},
    )
    assert done.stdout.split()[-2:] == ["True", "False"]
