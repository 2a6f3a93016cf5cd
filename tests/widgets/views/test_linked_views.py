"""Linked views through their public widgets: what a click, a wheel, an edit and a window do to them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lesionseg.review.align import Shift
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.settings import Settings
from napari_lesionseg.widgets.views.slice_view import SliceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

SHAPE, SPACING = (6, 20, 10), (4.0, 1.0, 2.0)
AIR = (59, 59, 59)  # -1000 HU through the lung window: 350 of 1500 HU above black.


@pytest.fixture
def linked(workbench: Any, qtbot: QtBot) -> Any:
    """The workbench with a scan of 24 × 20 × 20 mm open, and its linked views."""
    geometry = Geometry.from_spacing(SHAPE, SPACING)
    scan = Volume(np.full(SHAPE, -1000, np.int16), geometry)
    scan.array[4, 15, 1] = 1000
    workbench.session.open_scan(scan)
    workbench.press("linked_views")
    dock = dock_of(workbench)
    dock.resize(240, 480)
    qtbot.waitExposed(dock)
    return workbench


def dock_of(workbench: Any) -> ViewsDock:
    found = [dock for dock in workbench.findChildren(ViewsDock) if dock.isVisible()]
    assert len(found) == 1
    return found[0]


def view(workbench: Any, plane: str) -> SliceView:
    return dock_of(workbench).findChild(SliceView, f"{plane}_view")


def linked_canvas_click(viewer: Any) -> Any:
    """What the linked views do with a press on the canvas."""
    return viewer.mouse_drag_callbacks[-1]


def click(one: SliceView, row: int, column: int) -> None:
    QTest.mouseClick(one, Qt.MouseButton.LeftButton, pos=one.point_of(row, column).toPoint())


def turn(one: SliceView, notches: int) -> None:
    middle = QPointF(one.rect().center())
    plain, none = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
    angle = QPoint(0, notches * 120)
    phase = Qt.ScrollPhase.NoScrollPhase
    where = QPointF(one.mapToGlobal(middle.toPoint()))
    QApplication.sendEvent(one, QWheelEvent(middle, where, QPoint(), angle, none, plain, phase, False))


def colour_at(one: SliceView, row: int, column: int) -> tuple[int, int, int]:
    """What is painted in the middle of a pixel, beside the cross-hair."""
    point = one.point_of(row, column).toPoint()
    red, green, blue, _ = one.grab().toImage().pixelColor(point).getRgb()
    return red, green, blue


def test_pixels_are_as_wide_and_high_as_they_are_in_mm(linked: Any) -> None:
    for plane, (high, wide) in {"coronal": (24, 20), "sagittal": (24, 20)}.items():
        frame = view(linked, plane).frame()
        assert frame.height() / frame.width() == pytest.approx(high / wide)


def test_a_click_in_the_coronal_view_moves_slice_and_cross_hair_everywhere(linked: Any) -> None:
    click(view(linked, "coronal"), row=1, column=7)
    assert linked.context.cross_hair.place == (4, 10, 7)
    assert linked.session.slice_index == 4
    assert linked.context.viewer.dims.point[0] == 16.0
    assert view(linked, "coronal").cross == (1, 7)
    assert view(linked, "sagittal").cross == (1, 10)
    assert view(linked, "sagittal").picture.index == 7


def test_a_drag_in_the_sagittal_view_takes_the_cross_hair_along(linked: Any) -> None:
    one = view(linked, "sagittal")
    QTest.mousePress(one, Qt.MouseButton.LeftButton, pos=one.point_of(5, 3).toPoint())
    assert linked.context.cross_hair.place == (0, 3, 5)
    drag = SimpleNamespace(buttons=lambda: Qt.MouseButton.LeftButton, pos=lambda: one.point_of(0, 18).toPoint())
    one.mouseMoveEvent(drag)
    assert linked.context.cross_hair.place == (5, 18, 5)
    assert view(linked, "coronal").picture.index == 18


def test_the_wheel_scrolls_the_view_it_is_turned_in(linked: Any) -> None:
    turn(view(linked, "coronal"), 2)
    turn(view(linked, "sagittal"), -1)
    assert linked.context.cross_hair.place == (3, 12, 4)
    turn(view(linked, "coronal"), 99)
    assert linked.context.cross_hair.place == (3, 19, 4)


def test_arrow_keys_move_the_cross_hair_of_the_view_that_has_the_focus(linked: Any) -> None:
    QTest.keyClick(view(linked, "coronal"), Qt.Key.Key_Up)
    QTest.keyClick(view(linked, "coronal"), Qt.Key.Key_Left)
    assert linked.context.cross_hair.place == (4, 10, 4)


def test_superior_and_the_patients_right_are_where_the_letters_say(linked: Any) -> None:
    linked.context.cross_hair.move_to((0, 15, 9))
    one = view(linked, "coronal")
    grey = one.picture.grey
    assert np.argwhere(grey == 255).tolist() == [[1, 1]]  # z 4 of 6 is the second row; x 1 is on the left.
    assert one.picture.letters == ("R", "L", "S", "I")


def test_a_click_on_the_axial_canvas_moves_the_other_views(linked: Any) -> None:
    callback = linked.context.viewer.mouse_drag_callbacks[-1]
    event = SimpleNamespace(type="mouse_press", button=1, modifiers=[], pos=(50, 50), position=(12.0, 3.0, 16.0))
    for _ in callback(linked.context.viewer, event):
        event.type = "mouse_release"
    assert linked.context.cross_hair.place == (3, 3, 8)
    overlay = linked.context.viewer.scene.overlays["lesionseg_cross_hair"]
    assert (overlay.visible, overlay.place) == (True, (3.0, 16.0))


def test_a_drag_on_the_canvas_pans_and_a_brush_paints_without_moving_it(linked: Any) -> None:
    viewer = linked.context.viewer
    event = SimpleNamespace(type="mouse_press", button=1, modifiers=[], pos=(50, 50), position=(12.0, 3.0, 16.0))
    for _ in viewer.mouse_drag_callbacks[-1](viewer, event):
        event.type, event.pos = ("mouse_move", (80, 50)) if event.type == "mouse_press" else ("mouse_release", (80, 50))
    assert linked.context.cross_hair.place == (3, 10, 5)
    linked.context.layers.mask.mode = "paint"
    event = SimpleNamespace(type="mouse_press", button=1, modifiers=[], pos=(50, 50), position=(12.0, 3.0, 16.0))
    assert list(viewer.mouse_drag_callbacks[-1](viewer, event)) == []
    assert linked.context.cross_hair.place == (3, 10, 5)


def test_the_cross_hair_tool_follows_a_drag_on_the_canvas_and_gives_the_mouse_back(linked: Any) -> None:
    viewer = linked.context.viewer
    before = list(viewer.mouse_drag_callbacks)
    linked.press("cross_hair_tool")
    event = SimpleNamespace(type="mouse_press", button=1, modifiers=[], pos=(0, 0), position=(12.0, 3.0, 16.0))
    dragged = viewer.mouse_drag_callbacks[-1](viewer, event)
    next(dragged)
    event.type, event.position = "mouse_move", (12.0, 19.0, 2.0)
    next(dragged)
    assert linked.context.cross_hair.place == (3, 19, 1)
    linked.press("cross_hair_tool")
    assert viewer.mouse_drag_callbacks == before
    assert viewer.scene.camera.mouse_pan


def test_a_stroke_is_seen_in_the_coronal_view_that_cuts_it(linked: Any) -> None:
    linked.context.cross_hair.move_to((0, 3, 9))
    one = view(linked, "coronal")
    one.grab()
    linked.session.set_slice(3)
    linked.context.layers.mask.paint((3, 3, 4), 1)
    linked.session.set_slice(0)  # The cross-hair is elsewhere.
    blue = colour_at(one, 2, 4)
    assert blue == tuple(round((over + under) / 2) for over, under in zip((0x3F, 0xA7, 0xFF), AIR, strict=True))
    linked.session.undo()
    assert colour_at(one, 2, 4) == AIR
    linked.session.redo()
    assert colour_at(one, 2, 4) == blue


def test_an_edit_of_one_slice_reads_one_row_anew(linked: Any) -> None:
    one = view(linked, "coronal")
    one.grab()
    before = dict(one.picture.made)
    linked.session.write_slices({2: np.ones(SHAPE[1:], np.uint8)}, "brush")
    one.grab()
    after = one.picture.made
    assert {name: after[name] - before[name] for name in after} == {"grey": 0, "labels": 0, "rows": 1, "outline": 0}
    assert (one.picture.labels[3] == 1).all()


def test_a_step_in_the_axial_view_draws_lines_and_no_picture(linked: Any) -> None:
    views = [view(linked, plane) for plane in ("coronal", "sagittal")]
    for one in views:
        one.grab()
    before = [(one.composed, dict(one.picture.made)) for one in views]
    for z in range(6):
        linked.session.set_slice(z)
        for one in views:
            one.grab()
            assert one.cross[0] == 5 - z
    assert [(one.composed, dict(one.picture.made)) for one in views] == before


def test_ten_changes_before_the_window_has_time_are_drawn_once(linked: Any, qtbot: QtBot) -> None:
    one = view(linked, "coronal")
    qtbot.wait(50)
    before, made = one.composed, dict(one.picture.made)
    for width in range(100, 1100, 100):
        linked.session.set_window(Window(0, width))
    qtbot.waitUntil(lambda: one.composed > before, timeout=5000)
    qtbot.wait(50)
    assert (one.composed - before, one.picture.made["grey"] - made["grey"]) == (1, 1)


def test_the_window_and_the_threshold_reach_the_views(linked: Any) -> None:
    probability = np.full(SHAPE, 102, np.uint8)  # 0.4
    linked.session.set_prediction(probability, "tiny", 0.5)
    one = view(linked, "sagittal")
    assert not one.picture.labels.any()
    linked.session.set_threshold(0.3)
    assert one.picture.labels.all()
    linked.session.set_window(Window(-1000, 100))
    assert set(np.unique(one.picture.grey)) == {127}
    linked.session.set_window(PRESETS["bone"])
    assert set(np.unique(one.picture.grey)) == {0}


def test_the_truth_is_outlined_and_h_hides_all_overlays(linked: Any) -> None:
    truth = Mask.empty(linked.session.scan.geometry)
    truth.array[1:5, 8:13, 2:8] = 1
    linked.session.set_truth(truth)
    one = view(linked, "coronal")
    assert int(one.picture.outline.sum()) == 4 * 6 - 2 * 4
    assert colour_at(one, 1, 2) != AIR
    linked.context.layers.overlays.set_hidden(True)
    assert colour_at(one, 1, 2) == AIR
    linked.context.layers.overlays.set_hidden(False)
    assert colour_at(one, 1, 2) != AIR
    linked.press("show_truth")
    assert colour_at(one, 1, 2) == AIR


def test_closing_the_dock_lets_go_of_canvas_and_session(linked: Any, qtbot: QtBot) -> None:
    viewer, session = linked.context.viewer, linked.session
    callbacks = [one for one in viewer.mouse_drag_callbacks if one != linked_canvas_click(viewer)]
    signals = (session.mask_changed, session.window_changed, session.slice_changed, linked.context.cross_hair.moved)
    dock = dock_of(linked)
    with qtbot.waitSignal(dock.destroyed):
        QTimer.singleShot(0, dock.close)  # As a hand does it: while the window waits for events.
    assert not linked.views.linked.isChecked()
    closed = [len(signal) for signal in signals]
    assert "lesionseg_cross_hair" not in viewer.scene.overlays
    assert viewer.mouse_drag_callbacks == callbacks
    linked.press("linked_views")
    assert [len(signal) for signal in signals] == [count + 1 for count in closed]


def test_the_views_are_off_at_first_and_remembered(workbench: Any, tiny: Any, qtbot: QtBot) -> None:
    from napari.components import ViewerModel

    from napari_lesionseg.widgets.workbench import Workbench

    workbench.show_case(tiny)
    qtbot.wait(20)
    assert workbench.findChildren(ViewsDock) == []
    workbench.press("linked_views")
    assert Settings.load().linked_views
    second = Workbench(ViewerModel())
    qtbot.addWidget(second)
    second.session.open_scan(Volume(tiny[0].array + 1, tiny[0].geometry))  # The first one works on its own.
    qtbot.waitUntil(lambda: len(second.findChildren(ViewsDock)) == 1, timeout=5000)
    second.context.close()


def test_another_scan_of_another_shape_is_shown_in_the_middle_and_none_leaves_them_empty(
    linked: Any, tiny: Any
) -> None:
    linked.session.open_scan(tiny[0])
    assert view(linked, "coronal").picture.section.size == (4, 10)
    assert linked.context.cross_hair.place == (2, 5, 5)
    linked.session.close_scan()
    assert view(linked, "coronal").picture is None
    view(linked, "coronal").grab()
    click(view(linked, "coronal"), 0, 0)


def test_in_a_real_window_they_are_docked_drawn_over_and_let_go_of(
    make_napari_viewer: Any, tiny: Any, qtbot: QtBot
) -> None:
    viewer = make_napari_viewer()
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    workbench.session.open_scan(tiny[0])
    workbench.views.linked.click()
    docks = viewer.window._qt_window.findChildren(ViewsDock)
    assert len(docks) == 1
    assert viewer.window._qt_window.dockWidgetArea(docks[0]) == Qt.DockWidgetArea.RightDockWidgetArea
    canvas = viewer.window._qt_viewer.canvas
    assert viewer.scene.overlays["lesionseg_cross_hair"] in canvas._viewer_overlay_to_visual
    workbench.context.cross_hair.move_to((1, 2, 3))
    canvas.screenshot()
    workbench.views.linked.click()
    qtbot.waitUntil(lambda: viewer.window._qt_window.findChildren(ViewsDock) == [], timeout=5000)
    assert len(canvas._viewer_overlay_to_visual) == 0 or all(
        type(overlay).__name__ != "CrossHairOverlay" for overlay in canvas._viewer_overlay_to_visual
    )
    workbench.context.close()


def test_a_window_is_closed_while_its_views_are_open(make_napari_viewer: Any, tiny: Any) -> None:
    viewer = make_napari_viewer()
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    workbench.session.open_scan(tiny[0])
    workbench.views.linked.click()
    workbench.views.space.click()
    workbench.context.prior.open(tiny[0], Shift())
    assert len(viewer.window._qt_window.findChildren(ViewsDock)) == 3
    workbench.context.close()
    viewer.close()
    assert workbench.context.settings.linked_views
