"""Files dropped on the canvas of a real window with the workbench docked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QWidget

from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Volume, nifti
from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from pytestqt.qtbot import QtBot


def drop(on: QWidget, paths: list[Path], modifiers: Any = Qt.KeyboardModifier.NoModifier) -> QDropEvent:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    button, copy = Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    QApplication.sendEvent(on, QDragEnterEvent(QPoint(5, 5), copy, mime, button, modifiers))
    event = QDropEvent(QPointF(5, 5), copy, mime, button, modifiers)
    QApplication.sendEvent(on, event)
    return event


def targets(window: Any) -> list[QWidget]:
    inside = window.centralWidget().findChildren(QWidget)
    return [one for one in inside if one.acceptDrops() and not isinstance(one, QLineEdit)]


def test_a_folder_dropped_on_the_canvas_is_opened_without_a_choice_of_plugins(
    make_napari_viewer: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    series = make_series(tmp_path / "series")
    window = workbench.window()
    assert len(targets(window)) >= 1
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=60_000):
        event = drop(targets(window)[-1], [series.folder])
    assert event.isAccepted()
    assert workbench.session.scan.source == series.folder
    assert [layer.name for layer in viewer.layers] == ["series", "mask"]
    assert tuple(viewer.layers[0].contrast_limits) == (-1350, 150)


def test_other_files_and_stacks_are_left_to_napari(
    make_napari_viewer: Any, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    left: list[list[str]] = []
    qt_viewer = targets(workbench.window())[0]
    monkeypatch.setattr(type(qt_viewer), "_qt_open", lambda _self, names, **_: left.append(names))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "scan.nii").write_bytes(b"")
    drop(qt_viewer, [tmp_path / "notes.txt"])
    drop(qt_viewer, [tmp_path / "scan.nii", tmp_path / "notes.txt"])
    drop(qt_viewer, [tmp_path / "scan.nii"], Qt.KeyboardModifier.AltModifier)
    assert len(left) == 3
    assert not workbench.context.reader.running


def test_a_study_dropped_on_the_canvas_is_opened_with_its_cases(
    make_napari_viewer: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    study = Study.create(tmp_path / "study")
    geometry = Geometry.from_spacing((4, 8, 8), (2.0, 1.0, 1.0))
    nifti.write_scan(tmp_path / "scan.nii.gz", Volume(np.full((4, 8, 8), -800, np.int16), geometry))
    study.add_case("c1", "p1", tmp_path / "scan.nii.gz")
    event = drop(targets(workbench.window())[-1], [study.folder])
    assert event.isAccepted()
    qtbot.waitUntil(lambda: [row.id for row in workbench.cases.model.rows] == ["c1"], timeout=60_000)
    assert workbench.context.study.folder == study.folder
    assert len(viewer.layers) == 0, "a study is a list of cases, none of which is open yet"
    workbench.context.close()
