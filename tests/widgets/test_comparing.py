"""Comparing mask and truth: the curtain, the bars of every slice, the walk along the worst, and hiding all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from app_model.types import KeyBinding
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QToolTip

from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets.presenters import compare

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Tiny = tuple["Volume", "Mask", np.ndarray]
NONE = Qt.KeyboardModifier.NoModifier


def layers_of(workbench: Any) -> dict[str, Any]:
    return {layer.name: layer for layer in workbench.context.viewer.layers}


def test_left_of_the_curtain_is_the_mask_and_right_of_it_the_truth(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)  # The mask has columns 2 and 3, the truth 2, 3 and 4, of 10.
    workbench.press("curtain")
    workbench.compare.curtain_place.setValue(30)
    shown = layers_of(workbench)["curtain"].data[1]
    assert [int((shown == label).sum()) for label in (1, 2, 3)] == [2, 3, 10]  # Column 2; column 4; the line.
    assert (shown[2:4, 2] == 1).all() and (shown[2:5, 4] == 2).all() and (shown[:, 3] == 3).all()
    workbench.compare.curtain_place.setValue(0)
    assert [int((shown == label).sum()) for label in (1, 2)] == [0, 9]
    workbench.compare.curtain_place.setValue(100)
    assert [int((shown == label).sum()) for label in (1, 2)] == [4, 0]


def test_behind_the_curtain_mask_and_truth_are_not_seen_and_come_back_as_they_were(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    before = layers_of(workbench)
    before["mask"].opacity = 0.3
    workbench.press("curtain")
    assert (before["mask"].opacity, before["truth"].opacity) == (0, 0)
    workbench.press("curtain")
    assert "curtain" not in layers_of(workbench)
    assert (before["mask"].opacity, before["truth"].opacity) == (0.3, 0.9)


def test_the_curtain_is_written_for_each_slice_that_is_looked_at_and_follows_a_stroke(
    workbench: Any, tiny: Tiny
) -> None:
    workbench.show_case(tiny)
    workbench.press("curtain")
    curtain, mask = layers_of(workbench)["curtain"], layers_of(workbench)["mask"]
    assert [bool(one.any()) for one in curtain.data] == [False, True, False, False]
    workbench.session.set_slice(2)
    assert int((curtain.data[2] == 3).sum()) == 10
    mask.brush_size = 1
    mask.paint((2, 7, 1), 1)
    assert curtain.data[2, 7, 1] == 1
    mask.paint((2, 7, 8), 1)
    assert curtain.data[2, 7, 8] == 0  # There the truth is shown.
    mask.undo()
    mask.undo()
    assert curtain.data[2, 7, 1] == 0


def test_a_stroke_under_the_curtain_is_seen_while_it_is_drawn(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("curtain")
    curtain, mask = layers_of(workbench)["curtain"], layers_of(workbench)["mask"]
    mask.brush_size = 1
    with mask.block_history():
        mask.paint((1, 7, 1), 1)
        assert curtain.data[1, 7, 1] == 1


class Drag:
    """A mouse that drags on the canvas, in mm."""

    type = "mouse_press"

    def __init__(self, x: float) -> None:
        self.position = (2.0, 5.0, x)

    def to(self, x: float) -> None:
        self.type, self.position = "mouse_move", (2.0, 5.0, x)


def test_the_line_is_dragged_and_nothing_is_painted_meanwhile(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.scene.camera.zoom = 40
    workbench.press("tool_paint")
    mask = viewer.layers.selection.active
    workbench.press("curtain")
    steps, event = viewer.mouse_drag_callbacks[-1], Drag(4.6)  # The line is at 4.5 mm: between columns 4 and 5.
    dragging = steps(viewer, event)
    next(dragging)
    assert str(viewer.layers.selection.active.mode) == "pan_zoom" and not viewer.scene.camera.mouse_pan
    event.to(6.5)
    next(dragging)
    event.type = "mouse_release"
    assert next(dragging, "the end") == "the end"
    assert workbench.compare.curtain_place.value() == 70
    assert viewer.layers.selection.active is mask and str(mask.mode) == "paint"
    assert workbench.session.mask.array.sum() == 4


def test_a_press_away_from_the_line_is_left_to_the_brush(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.scene.camera.zoom = 40
    workbench.press("curtain")
    assert next(viewer.mouse_drag_callbacks[-1](viewer, Drag(5.5)), "not taken") == "not taken"


def test_the_error_map_and_the_curtain_take_turns(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("show_errors")
    workbench.press("curtain")
    assert "error map" not in layers_of(workbench) and not workbench.compare.errors.isChecked()
    workbench.press("show_errors")
    assert "curtain" not in layers_of(workbench) and not workbench.compare.curtain.isChecked()
    assert layers_of(workbench)["mask"].opacity == 0.12


def test_the_curtain_goes_with_the_truth_and_comes_back_with_the_next(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("curtain")
    workbench.session.set_truth(None)
    assert "curtain" not in layers_of(workbench) and layers_of(workbench)["mask"].opacity == 0.5
    workbench.session.set_truth(tiny[1])
    assert "curtain" in layers_of(workbench) and workbench.compare.curtain.isChecked()
    workbench.context.viewer.layers.remove("curtain")
    workbench.context.guard.settle()
    assert not workbench.compare.curtain.isChecked()


def test_the_curtain_follows_to_another_scan(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("curtain")
    geometry = Geometry.from_spacing((4, 10, 10), (2.0, 1.0, 1.0))
    truth = Mask.empty(geometry)
    truth.array[2, 5, 9] = 1
    workbench.session.open_scan(Volume(np.zeros((4, 10, 10), np.int16), geometry), truth)
    shown = layers_of(workbench)["curtain"].data
    assert [int((shown == label).sum()) for label in (1, 2, 3)] == [0, 1, 10]
    assert layers_of(workbench)["mask"].opacity == 0


# ---- the walk along the worst slices, and the bars


@pytest.fixture
def four(workbench: Any) -> Any:
    """A workbench on four slices of 10 × 10 voxels of 1 ml: missed 1, all right, missed 4, false 2 beside a hit."""
    geometry = Geometry.from_spacing((4, 10, 10), (10.0, 10.0, 10.0))
    truth, mask = Mask.empty(geometry), Mask.empty(geometry)
    for z, (hit, wrong, missed) in enumerate([(3, 0, 1), (2, 0, 0), (0, 0, 4), (2, 2, 0)]):
        truth.array[z, 0, :hit], truth.array[z, 1, :missed] = 1, 1
        mask.array[z, 0, :hit], mask.array[z, 2, :wrong] = 1, 1
    workbench.session.open_scan(Volume(np.zeros((4, 10, 10), np.int16), geometry), truth)
    workbench.session.load_mask(mask)
    workbench.session.set_slice(1)  # All slices are counted by then.
    workbench.compare.strip.resize(200, 40)
    return workbench


def test_the_worst_slice_comes_first_then_the_next_worst_and_at_the_end_the_worst_again(four: Any) -> None:
    been = []
    for _ in range(4):
        four.press("worst_slice")
        been.append(four.session.slice_index)
    assert been == [2, 3, 0, 2]  # Dice 0, 0.667, 0.857.


def test_the_walk_goes_on_after_the_worst_slice_was_corrected_and_begins_anew_with_another_mask(four: Any) -> None:
    four.press("worst_slice")
    four.session.write_slices({2: four.session.truth.array[2]}, "lasso")
    four.press("worst_slice")
    assert four.session.slice_index == 3
    four.session.load_mask(Mask.empty(four.session.mask.geometry))
    four.press("worst_slice")
    four.press("worst_slice")
    assert four.session.slice_index == 2  # Of four slices with a Dice of 0, 0 and 2 miss most.


def test_no_error_no_walk(four: Any) -> None:
    said: list[str] = []
    four.session.message.connect(said.append)
    four.session.load_mask(four.session.truth)
    four.press("worst_slice")
    assert said[-1] == "Mask and truth agree in every voxel."


@pytest.mark.parametrize(
    ("measure", "bars"),
    [
        ("Dice", [6 / 7, 1, 0, 2 / 3]),
        ("IoU", [0.75, 1, 0, 0.5]),
        ("Missed (ml)", [1, np.nan, 4, np.nan]),
        ("False positive (ml)", [np.nan, np.nan, np.nan, 2]),
    ],
)
def test_the_bars_show_the_chosen_measure_of_every_slice(four: Any, measure: str, bars: list[float]) -> None:
    four.compare.measure.setCurrentText(measure)
    np.testing.assert_allclose(four.compare.strip.values, bars)


def test_hovering_over_a_bar_tells_its_numbers_and_a_click_goes_there(
    four: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip, shown = four.compare.strip, []
    monkeypatch.setattr(QToolTip, "showText", lambda _place, text, *_: shown.append(text))
    place = QPointF(175, 20)
    kind = QEvent.Type.MouseMove
    strip.mouseMoveEvent(QMouseEvent(kind, place, place, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, NONE))
    assert shown[-1] == "Slice 3: Dice 0.667, IoU 0.500, missed 0.00 ml, false 2.00 ml"
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(125, 20))
    assert four.session.slice_index == 2


def test_after_a_stroke_only_its_slice_is_counted_and_the_bar_moves(four: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    whole: list[int] = []
    truth = four.session.truth.array

    def count(mask: np.ndarray, other: np.ndarray) -> Any:
        counted.extend(z for z in range(4) if np.shares_memory(other, truth[z]))
        return one_slice(mask, other)

    one_slice = compare.one_slice_score
    monkeypatch.setattr(compare, "one_slice_score", count)
    monkeypatch.setattr(compare, "slice_scores", lambda *_: whole.append(1))
    four.session.set_slice(2)
    layer = layers_of(four)["mask"]
    layer.brush_size = 1
    layer.paint((2, 1, 0), 1)
    assert (counted, whole) == ([2], [])
    assert four.compare.strip.values[2] == 0.4
    layer.undo()
    assert (counted, whole) == ([2, 2], [])
    assert four.compare.strip.values[2] == 0


# ---- hiding


def press_h(workbench: Any) -> None:
    viewer = workbench.context.viewer
    viewer.keymap[KeyBinding.from_str("H")](viewer)


def release_h(widget: Any, repeats: bool = False) -> None:
    event = QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_H, NONE, "h", repeats)
    QApplication.sendEvent(widget, event)


def seen(workbench: Any) -> set[str]:
    return {name for name, layer in layers_of(workbench).items() if layer.visible}


def test_h_hides_what_lies_over_the_scan_and_letting_go_shows_it_as_before(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("show_errors")
    workbench.context.viewer.add_points(np.zeros((1, 3)), name="points")
    workbench.press("show_truth")  # Hidden before, and so after.
    press_h(workbench)
    press_h(workbench)  # The key repeats itself.
    assert seen(workbench) == {"scan"}
    release_h(workbench, repeats=True)
    assert seen(workbench) == {"scan"}
    release_h(workbench)
    assert seen(workbench) == {"scan", "mask", "error map", "points"}
    assert workbench.compare.errors.isChecked() and not workbench.compare.truth.isChecked()


def test_h_is_let_go_wherever_the_focus_is_by_then(workbench: Any, tiny: Tiny, qtbot: QtBot) -> None:
    workbench.show_case(tiny)
    elsewhere = QLineEdit()
    qtbot.addWidget(elsewhere)
    press_h(workbench)
    release_h(elsewhere)
    assert seen(workbench) == {"scan", "mask", "truth"}


@pytest.mark.parametrize("left", [QEvent.Type.ApplicationDeactivate, QEvent.Type.WindowDeactivate])
def test_leaving_the_window_lets_go_of_h(workbench: Any, tiny: Tiny, left: QEvent.Type) -> None:
    workbench.show_case(tiny)
    press_h(workbench)
    QApplication.sendEvent(workbench, QEvent(left))
    assert seen(workbench) == {"scan", "mask", "truth"}


def test_another_scan_is_seen_with_its_mask_though_h_is_held(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    press_h(workbench)
    workbench.show_case(tiny)
    assert seen(workbench) == {"scan", "mask", "truth"}
    release_h(workbench)


def test_the_button_hides_as_long_as_it_is_held_down(workbench: Any, tiny: Tiny, qtbot: QtBot) -> None:
    workbench.show_case(tiny)
    button = workbench.compare.hide_
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    assert seen(workbench) == {"scan"}
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert seen(workbench) == {"scan", "mask", "truth"}


def test_a_hidden_mask_can_be_painted_on_and_shows_it_afterwards(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    press_h(workbench)
    mask = layers_of(workbench)["mask"]
    mask.brush_size = 1
    mask.paint((1, 8, 8), 1)
    release_h(workbench)
    assert mask._slice.image.raw[8, 8] == 1 and workbench.session.corrected_slices == {1}
