"""The brush inside its gate, through a slab, and without gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.widgets.settings import Settings
from tests.widgets.canvas_hand import Hand

SHAPE = (5, 20, 40)


@pytest.fixture
def halves() -> Volume:
    """A scan whose left half (x below 20) is −500 HU and whose right half is 40 HU."""
    array = np.full(SHAPE, 40, np.int16)
    array[:, :, :20] = -500
    return Volume(array, Geometry.from_spacing(SHAPE, (2.0, 1.0, 1.0)))


@pytest.fixture
def bench(workbench: Any, halves: Volume) -> Any:
    """The workbench on slice 2 of the scan of two halves, with a brush of one voxel in hand."""
    workbench.session.open_scan(halves)
    workbench.session.set_slice(2)
    workbench.press("tool_paint")
    workbench.correct.brush.setValue(1)
    return workbench


@pytest.fixture
def hand(bench: Any) -> Hand:
    return Hand(bench)


def painted(bench: Any, z: int = 2) -> list[list[int]]:
    return np.argwhere(bench.session.mask.array[z]).tolist()


def test_two_far_positions_of_the_mouse_make_a_line_without_gaps(bench: Any, hand: Hand) -> None:
    hand.lead((10, 2), (10, 18))
    assert painted(bench) == [[10, x] for x in range(2, 19)]
    assert bench.session.history.undoable.name.startswith("HU brush")


def test_the_brush_paints_only_what_lies_in_the_range_and_freely_without_the_gate(bench: Any, hand: Hand) -> None:
    hand.lead((10, 15), (10, 35))
    assert painted(bench) == [[10, x] for x in range(15, 20)]
    bench.press("undo")
    assert painted(bench) == []
    bench.press("redo")
    assert len(painted(bench)) == 5
    bench.press("gate")
    hand.lead((10, 15), (10, 35))
    assert painted(bench) == [[10, x] for x in range(15, 36)]
    assert bench.session.history.undoable.name.startswith("brush")


def test_the_eraser_and_code_that_paints_know_no_gate(bench: Any, hand: Hand) -> None:
    bench.press("tool_pan_zoom")
    bench.context.layers.mask.paint((2, 10, 30), 1)
    assert painted(bench) == [[10, 30]]
    bench.press("tool_erase")
    hand.lead((10, 25), (10, 35))
    assert painted(bench) == []


def test_what_the_right_button_encircles_is_filled_in_the_range_only(bench: Any) -> None:
    corners = [(2, 5, 15), (2, 5, 25), (2, 9, 25), (2, 9, 15)]
    bench.context.layers.mask.paint_polygon(corners, 1)  # As napari does at the end of the circle.
    assert painted(bench) == [[y, x] for y in range(5, 10) for x in range(15, 20)]
    bench.press("undo")
    bench.press("tool_pan_zoom")
    bench.context.layers.mask.paint_polygon(corners, 1)
    assert len(painted(bench)) == 55


def test_a_stroke_outside_the_range_says_so_and_is_no_step(bench: Any, hand: Hand) -> None:
    hand.lead((10, 25), (10, 35))
    assert painted(bench) == [] and bench.session.history.undoable is None
    assert bench.text("workbench_message").startswith("Nothing here lies between -800 and -100 HU")


def test_the_dropper_learns_the_range_and_the_settings_keep_it(bench: Any, hand: Hand) -> None:
    bench.press("tool_pick_hu")
    hand.lead((10, 30))
    low, high = (bench.findChild(QWidget, name).value() for name in ("hu_low", "hu_high"))
    assert low <= 40 <= high < 100
    assert Settings.load().hu_range == (low, high)
    bench.press("tool_paint")
    hand.lead((10, 15), (10, 25))
    assert painted(bench) == [[10, x] for x in range(20, 26)]


def test_through_a_slab_the_brush_paints_the_slices_on_either_side(bench: Any, hand: Hand) -> None:
    bench.findChild(QWidget, "slab").setValue(1)
    hand.lead((10, 17), (10, 22))
    assert [len(painted(bench, z)) for z in range(5)] == [0, 3, 3, 3, 0]
    assert bench.session.corrected_slices == {1, 2, 3}
    bench.press("undo")
    assert not bench.session.mask.array.any()
    bench.press("redo")
    bench.press("tool_erase")
    bench.session.set_slice(4)
    hand.lead((10, 17), (10, 19))
    assert [len(painted(bench, z)) for z in range(5)] == [0, 3, 3, 0, 0]


def test_the_model_brush_paints_where_the_model_says_enough(bench: Any, hand: Hand) -> None:
    bench.press("tool_paint_model")
    assert "no prediction to paint by" in bench.text("workbench_message")
    assert bench.correct.tools["paint"].isChecked()
    probability = np.zeros(SHAPE, np.uint8)
    probability[2, 10, 5:10], probability[2, 10, 10:15] = 51, 102  # 0.2 and 0.4
    bench.session.set_prediction(probability, "tiny", 0.5)
    bench.press("tool_paint_model")
    bench.findChild(QWidget, "certainty").setValue(0.3)
    hand.lead((10, 2), (10, 18))
    assert painted(bench) == [[10, x] for x in range(10, 15)]
    assert bench.session.history.undoable.name.startswith("model brush")
    bench.findChild(QWidget, "certainty").setValue(0.2)
    hand.lead((10, 2), (10, 18))
    assert painted(bench) == [[10, x] for x in range(5, 15)]


def test_a_scan_in_grey_levels_has_no_range_and_the_panel_says_why(bench: Any, hand: Hand, halves: Volume) -> None:
    grey = np.where(halves.array < 0, 20, 90).astype(np.uint8)
    bench.session.open_scan(Volume(grey, halves.geometry, "grey"))
    bench.session.set_slice(2)
    bench.press("tool_paint")
    assert not bench.correct.gate.isEnabled() and not bench.correct.gate.isChecked()
    assert "grey levels" in bench.text("gate_note") and bench.findChild(QWidget, "gate_note").isVisibleTo(bench.correct)
    hand.lead((10, 15), (10, 25))
    assert painted(bench) == [[10, x] for x in range(15, 26)]
    bench.session.open_scan(halves)
    assert bench.correct.gate.isChecked() and bench.text("gate_note") == ""
