"""The strips under napari's slice slider, in a real window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume

Tiny = tuple["Volume", "Mask", np.ndarray]


def test_they_lie_below_the_slider_as_wide_as_it_is_and_a_click_goes_to_the_slice(
    make_napari_viewer: Any, qtbot: QtBot, tiny: Tiny
) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    strips = workbench.strips
    qtbot.waitUntil(workbench.isVisible, timeout=5000)
    assert not strips.isVisible()
    workbench.session.open_scan(tiny[0])
    qtbot.waitUntil(strips.looks.isVisible, timeout=5000)
    assert not strips.scores.isVisible()  # There is nothing to compare with.
    workbench.session.set_truth(tiny[1])
    qtbot.waitUntil(strips.scores.isVisible, timeout=5000)
    slider = strips._dims.slider_widgets[0].slider

    def left(widget: QWidget) -> int:
        return widget.mapToGlobal(QPoint(0, 0)).x()

    qtbot.waitUntil(lambda: left(strips.looks) == left(slider), timeout=5000)
    assert strips.looks.width() == slider.width()
    np.testing.assert_array_equal(strips.scores.values, [np.nan, 0, np.nan, np.nan])
    place = QPoint(strips.looks.width() * 7 // 8, 5)  # Of four slices.
    qtbot.mouseClick(strips.looks, Qt.MouseButton.LeftButton, pos=place)
    assert workbench.session.slice_index == 3 and viewer.dims.current_step[0] == 3
    workbench.session.close_scan()
    assert not strips.isVisible()


def test_they_show_the_measure_that_is_chosen(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.compare.measure.setCurrentText("Missed (ml)")
    np.testing.assert_allclose(workbench.strips.scores.values, [np.nan, 0.01, np.nan, np.nan])


def test_they_go_with_the_workbench(make_napari_viewer: Any, qtbot: QtBot) -> None:
    viewer = make_napari_viewer(show=True)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    window = viewer.window._qt_window
    qtbot.waitUntil(lambda: len(window.findChildren(QWidget, "slider_strips")) == 1, timeout=5000)
    workbench.deleteLater()
    qtbot.waitUntil(lambda: not window.findChildren(QWidget, "slider_strips"), timeout=5000)
