"""Tools the mouse is led with on the canvas: what each makes of a scan that can be counted, undo and redo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.utils.key_bindings import KeymapHandler
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.widgets.hands import Hands, pause
from napari_lesionseg.widgets.presenters.correct import CorrectPresenter
from napari_lesionseg.widgets.workbench import Workbench
from tests.widgets.canvas_hand import Hand

SHAPE = (5, 40, 60)
LESION = (slice(1, 4), slice(10, 20), slice(10, 22))  # 3 slices of 10 × 12 voxels.


@pytest.fixture
def scan() -> Volume:
    """Lung of −850 HU with a block of −500 HU in slices 1 to 3, and a rib of 300 HU beside it."""
    array = np.full(SHAPE, -850, np.int16)
    array[LESION] = -500
    array[:, 10:20, 40:50] = 300
    return Volume(array, Geometry.from_spacing(SHAPE, (2.0, 1.0, 1.0)))


@pytest.fixture
def bench(workbench: Any, scan: Volume) -> Any:
    workbench.session.open_scan(scan)
    workbench.session.set_slice(2)
    return workbench


@pytest.fixture
def hand(bench: Any) -> Hand:
    return Hand(bench)


def voxels(bench: Any) -> list[int]:
    """Lesion voxels of each slice."""
    return [int(np.count_nonzero(labels)) for labels in bench.session.mask.array]


def presenter_of(bench: Any) -> CorrectPresenter:
    return next(one for one in bench._presenters if isinstance(one, CorrectPresenter))


def check_undo(bench: Any, before: list[int], after: list[int], name: str) -> None:
    assert bench.session.history.undoable.name.startswith(name)
    bench.press("undo")
    assert voxels(bench) == before
    bench.press("redo")
    assert voxels(bench) == after


def slab(bench: Any, reach: int) -> None:
    bench.findChild(QWidget, "slab").setValue(reach)


def predict(bench: Any, probability: float, box: tuple[slice, slice, slice] = LESION) -> None:
    predicted = np.zeros(SHAPE, np.uint8)
    predicted[box] = round(probability * 255)
    bench.session.set_prediction(predicted, "tiny", 0.5)


@pytest.mark.parametrize(("reach", "per_slice"), [(0, [0, 0, 120, 0, 0]), (1, [0, 120, 120, 120, 0])])
def test_a_lasso_adds_what_it_encloses_and_the_range_lets_through(
    bench: Any, hand: Hand, reach: int, per_slice: list[int]
) -> None:
    slab(bench, reach)
    bench.press("tool_lasso_add")
    hand.lead((5, 5), (5, 30), (30, 30), (30, 5))
    assert voxels(bench) == per_slice  # The lung of −850 HU stays outside.
    check_undo(bench, [0] * 5, per_slice, "lasso add")


def test_a_lasso_without_the_gate_adds_all_and_the_other_removes_it(bench: Any, hand: Hand) -> None:
    bench.press("gate")
    bench.press("tool_lasso_add")
    hand.lead((4.6, 4.6), (4.6, 14.4), (9.4, 14.4), (9.4, 4.6))
    assert voxels(bench) == [0, 0, 50, 0, 0]
    bench.press("tool_lasso_remove")
    hand.lead((4.6, 4.6), (4.6, 8.4), (9.4, 8.4), (9.4, 4.6))
    assert voxels(bench) == [0, 0, 30, 0, 0]
    check_undo(bench, [0, 0, 50, 0, 0], [0, 0, 30, 0, 0], "lasso remove")


@pytest.mark.parametrize(("reach", "per_slice"), [(0, [0, 0, 120, 0, 0]), (2, [0, 120, 120, 120, 0])])
def test_a_region_grows_from_a_clicked_seed_inside_the_range(
    bench: Any, hand: Hand, reach: int, per_slice: list[int]
) -> None:
    slab(bench, reach)
    bench.press("tool_grow")
    hand.lead((15, 15))
    assert voxels(bench) == per_slice
    check_undo(bench, [0] * 5, per_slice, "grow from seeds")


def test_a_seed_outside_the_range_is_refused_in_a_sentence(bench: Any, hand: Hand) -> None:
    bench.press("tool_grow")
    hand.lead((15, 45))
    assert voxels(bench) == [0] * 5 and bench.session.history.undoable is None
    assert bench.text("workbench_message").startswith("No seed in slice 2 lies between -800 and -100 HU")


def test_a_box_takes_what_is_denser_than_the_lung_within_the_range(bench: Any, hand: Hand) -> None:
    bench.press("tool_box")
    hand.lead((4, 4), (20, 20), (26, 30))
    assert voxels(bench)[2] == pytest.approx(120, abs=4) and sum(voxels(bench)) == voxels(bench)[2]
    check_undo(bench, [0] * 5, voxels(bench), "threshold in a box")


def test_level_tracing_takes_what_the_clicked_edge_encloses(bench: Any, hand: Hand) -> None:
    bench.press("tool_trace")
    hand.lead((10, 15))
    traced = voxels(bench)
    assert traced[2] == pytest.approx(120, abs=24) and sum(traced) == traced[2]
    check_undo(bench, [0] * 5, traced, "level trace")


def test_a_missed_lesion_is_accepted_whole_with_one_click(bench: Any, hand: Hand) -> None:
    predict(bench, 0.4)
    bench.press("tool_accept")
    bench.findChild(QWidget, "certainty").setValue(0.3)
    hand.lead((15, 15))
    assert voxels(bench) == [0, 120, 120, 120, 0]
    check_undo(bench, [0] * 5, [0, 120, 120, 120, 0], "accept lesion")
    hand.lead((30, 30))
    assert "The model says 0 % here" in bench.text("workbench_message")


def test_a_lesion_is_reset_to_the_prediction_in_all_its_slices(bench: Any, hand: Hand) -> None:
    predict(bench, 0.8)
    more = bench.session.mask.array.copy()
    more[1:4, 20:24, 10:22], more[2, 30, 30] = 1, 1
    bench.session.write_slices(dict(enumerate(more)), "lasso")
    bench.press("tool_reset_lesion")
    hand.lead((22, 15))
    assert voxels(bench) == [0, 120, 121, 120, 0]
    check_undo(bench, [0, 168, 169, 168, 0], [0, 120, 121, 120, 0], "reset lesion")


def test_an_island_is_kept_or_removed_with_a_click(bench: Any, hand: Hand) -> None:
    islands = np.zeros(SHAPE[1:], np.uint8)
    islands[2:4, 2:4], islands[30:33, 30:33] = 1, 1
    bench.session.write_slices({2: islands}, "lasso")
    bench.press("tool_keep_island")
    hand.lead((31, 31))
    assert voxels(bench) == [0, 0, 9, 0, 0]
    check_undo(bench, [0, 0, 13, 0, 0], [0, 0, 9, 0, 0], "keep island")
    bench.press("undo")
    bench.press("tool_drop_island")
    hand.lead((31, 31))
    assert voxels(bench) == [0, 0, 4, 0, 0]


def test_the_outline_is_shown_while_it_is_drawn_and_goes_with_the_stroke(bench: Any, hand: Hand) -> None:
    bench.press("tool_lasso_add")
    marks = presenter_of(bench).regions.canvas.marks
    hand.press((5, 5))
    hand.move((5, 30))
    hand.move((30, 30))
    assert marks.points == [(5, 5), (5, 30), (30, 30)]
    hand.let_go((30, 30))
    assert marks.points == []


def test_escape_in_the_middle_of_an_outline_does_nothing_and_moves_again(bench: Any, hand: Hand) -> None:
    bench.press("tool_lasso_add")
    hand.press((5, 5))
    hand.move((5, 30))
    keys, context = KeymapHandler(), bench.context
    keys.keymap_providers = [context.viewer.layers.selection.active, context.viewer]
    keys.press_key("Escape")
    hand.move((30, 30))
    hand.let_go((30, 30))
    assert voxels(bench) == [0] * 5
    assert bench.correct.tools["pan_zoom"].isChecked() and context.viewer.scene.camera.mouse_pan


def test_naparis_own_tools_take_the_mouse_back(bench: Any, hand: Hand) -> None:
    bench.press("tool_lasso_add")
    assert bench.correct.tools["lasso_add"].isChecked()
    bench.context.layers.mask.mode = "paint"
    assert bench.correct.tools["paint"].isChecked()
    bench.correct.brush.setValue(1)
    hand.lead((15, 15))
    assert voxels(bench) == [0, 0, 1, 0, 0]


def test_only_the_options_of_the_tool_in_hand_are_shown(bench: Any) -> None:
    def shown() -> set[str]:
        names = ("brush_size", "hu_low", "certainty")
        return {name for name in names if bench.findChild(QWidget, name).isVisibleTo(bench.correct)}

    expected = {"paint": {"brush_size", "hu_low"}, "erase": {"brush_size"}, "grow": {"hu_low"}, "pan_zoom": set()}
    for tool, options in expected.items():
        bench.press(f"tool_{tool}")
        assert shown() == options, tool


def test_a_case_for_reading_only_refuses_every_tool(bench: Any) -> None:
    bench.session.set_editable(False)
    assert not any(tool.isEnabled() for tool in bench.correct.tools.values())


def test_a_result_is_dropped_if_the_mask_was_changed_meanwhile(
    bench: Any, hand: Hand, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from napari_lesionseg.widgets import edit_runner

    monkeypatch.setattr(edit_runner, "BESIDE", 1)
    runner, go_on = presenter_of(bench).runner, Event()
    everything = dict.fromkeys(range(5), np.ones(SHAPE[1:], np.uint8))

    def slow(_given: Any) -> Any:
        go_on.wait(20)
        return everything

    runner.run(slow, "slow tool")
    assert bench.text("workbench_message") == "Slow tool is at work …"
    runner.run(slow, "slow tool")
    assert "still at work" in bench.text("workbench_message")
    bench.context.layers.mask.paint((2, 15, 15), 1)
    changed = voxels(bench)
    go_on.set()
    qtbot.waitUntil(lambda: "was dropped" in bench.text("workbench_message"), timeout=20000)
    assert voxels(bench) == changed
    runner.run(slow, "slow tool")
    qtbot.waitUntil(lambda: voxels(bench) == [2400] * 5, timeout=20000)
    check_undo(bench, changed, [2400] * 5, "slow tool")


def test_a_real_mouse_draws_a_lasso_and_escape_on_a_real_canvas_puts_it_down(
    make_napari_viewer: Any, scan: Volume
) -> None:
    viewer = make_napari_viewer(show=True)
    bench = Workbench(viewer)
    viewer.window.add_dock_widget(bench)
    bench.session.open_scan(scan)
    bench.session.set_slice(2)
    hands = Hands(viewer, bench, None)
    pause(500)  # Until the window has its size.
    hands.press("tool_lasso_add")
    hands.draw([(5, 5), (5, 30), (30, 30), (30, 5)])  # Voxels are of 1 mm.
    assert voxels(bench) == [0, 0, 120, 0, 0]
    hands.key(Qt.Key.Key_Escape)
    assert bench.correct.tools["pan_zoom"].isChecked()
    bench.correct.undo.click()
    assert voxels(bench) == [0] * 5
    bench.context.close()
