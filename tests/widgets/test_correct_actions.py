"""One-click edits of the correct panel: what each makes of a mask that can be counted, undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets import edit_runner

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

SHAPE = (7, 30, 30)
SQUARE = (slice(10, 20), slice(10, 20))  # 100 voxels of 1 × 1 mm.


@pytest.fixture
def bench(workbench: Any) -> Any:
    """The workbench on slice 3 of a lung of −850 HU with a lesion of −400 HU in slices 1 to 5, its mask empty."""
    array = np.full(SHAPE, -850, np.int16)
    array[1:6, 10:20, 10:20] = -400
    workbench.session.open_scan(Volume(array, Geometry.from_spacing(SHAPE, (1.0, 1.0, 1.0))))
    workbench.session.set_slice(3)
    return workbench


def draw(bench: Any, *slices: int, **more: tuple[slice, slice]) -> None:
    """Draw the square in these slices, and more places in slice 3."""
    labels = np.zeros(SHAPE[1:], np.uint8)
    labels[SQUARE] = 1
    drawn = {z: labels.copy() for z in slices}
    for place in more.values():
        drawn[3][place] = 1 - drawn[3][place]
    bench.session.write_slices(drawn, "lasso")


def voxels(bench: Any) -> list[int]:
    return [int(np.count_nonzero(labels)) for labels in bench.session.mask.array]


def check(bench: Any, button: str, after: list[int], name: str) -> None:
    """Press a button: the slices hold so many voxels then, undo gives the old mask back, and redo the new one."""
    before = bench.session.mask.array.copy()
    bench.press(button)
    assert voxels(bench) == after
    made = bench.session.mask.array.copy()
    assert bench.session.history.undoable.name.startswith(name)
    bench.press("undo")
    assert np.array_equal(bench.session.mask.array, before)
    bench.press("redo")
    assert np.array_equal(bench.session.mask.array, made)


def put(bench: Any, name: str, value: float) -> None:
    bench.findChild(QWidget, name).setValue(value)


def test_what_is_missing_between_painted_slices_is_drawn(bench: Any) -> None:
    draw(bench, 1, 5)
    check(bench, "interpolate", [0, 100, 100, 100, 100, 100, 0], "interpolate")


def test_a_lesion_is_copied_on_as_far_as_the_picture_shows_it(bench: Any) -> None:
    draw(bench, 3)
    put(bench, "copy_slices", 2)
    check(bench, "copy_up", [0, 0, 0, 100, 100, 100, 0], "copy to the slices above")
    put(bench, "copy_slices", 3)
    bench.press("copy_down")
    assert voxels(bench) == [0, 100, 100, 100, 100, 100, 0]
    assert bench.text("workbench_message") != ""  # It says why slice 0 was left out.


def test_copies_that_take_long_are_made_beside_the_window(
    bench: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_runner, "BESIDE", 3 * SHAPE[1] * SHAPE[2])  # Of one slice alone nothing takes long.
    draw(bench, 3)
    put(bench, "copy_slices", 2)
    bench.press("copy_up")
    assert bench.text("workbench_message") == "Copy to the slices above is at work …"
    qtbot.waitUntil(lambda: voxels(bench) == [0, 0, 0, 100, 100, 100, 0], timeout=20000)
    put(bench, "copy_slices", 1)
    bench.press("copy_down")
    assert voxels(bench) == [0, 0, 100, 100, 100, 100, 0]


def test_a_neighbour_is_copied_into_all_slices_of_the_slab(bench: Any) -> None:
    draw(bench, 1)
    put(bench, "slab", 1)
    check(bench, "copy_below", [0, 100, 100, 100, 100, 0, 0], "copy from below")


def test_holes_are_filled_in_the_slab(bench: Any) -> None:
    draw(bench, 3, hole=(slice(14, 16), slice(14, 16)))
    assert voxels(bench)[3] == 96
    check(bench, "fill_holes", [0, 0, 0, 100, 0, 0, 0], "fill holes")
    bench.press("fill_holes")
    assert bench.text("workbench_message").startswith("There is no hole to fill")


def test_small_pieces_are_removed_and_the_largest_is_kept(bench: Any) -> None:
    draw(bench, 3, small=(slice(2, 4), slice(2, 4)), middle=(slice(24, 28), slice(2, 7)))
    assert voxels(bench)[3] == 124
    put(bench, "small_ml", 0.01)  # 10 voxels.
    check(bench, "remove_small", [0, 0, 0, 120, 0, 0, 0], "remove small islands")
    check(bench, "keep_largest", [0, 0, 0, 100, 0, 0, 0], "keep the largest island")


def test_growing_and_shrinking_count_millimetres(bench: Any) -> None:
    draw(bench, 3)
    put(bench, "shape_mm", 1.0)
    check(bench, "grow_mm", [0, 0, 0, 140, 0, 0, 0], "grow")  # A rim of 4 × 10 voxels, without the corners.
    bench.press("undo")
    check(bench, "shrink_mm", [0, 0, 0, 64, 0, 0, 0], "shrink")


def test_smoothing_takes_a_spike_off_and_keeps_the_volume(bench: Any) -> None:
    draw(bench, 3, spike=(slice(14, 15), slice(20, 28)))
    put(bench, "shape_mm", 2.0)
    bench.press("smooth")
    assert voxels(bench)[3] == pytest.approx(108, abs=3)
    assert not bench.session.mask.array[3, 14, 24:].any()
    bench.press("undo")
    assert voxels(bench)[3] == 108 and bench.session.mask.array[3, 14, 27]


@pytest.mark.parametrize(("how", "count"), [("Add", 150), ("Take away", 50), ("Keep only", 50)])
@pytest.mark.parametrize("other", ["truth", "prediction", "lungs"])
def test_the_mask_is_combined_with_another(bench: Any, how: str, count: int, other: str) -> None:
    second = np.zeros(SHAPE, np.uint8)
    second[3, 10:20, 15:25] = 1  # 50 voxels of it within the square.
    mask, session = Mask(second, bench.session.scan.geometry), bench.session
    give = {"truth": session.set_truth, "lungs": session.set_lungs}
    if other == "prediction":
        session.set_prediction(second * 255, "tiny", 0.5)
        session.load_mask(Mask.empty(session.scan.geometry))
    else:
        give[other](mask)
    draw(bench, 3)
    bench.findChild(QWidget, "combine_how").setCurrentText(how)
    bench.findChild(QWidget, "combine_with").setCurrentText(other)
    verb = {"Add": "union", "Take away": "subtract", "Keep only": "intersect"}[how]
    check(bench, "combine", [0, 0, 0, count, 0, 0, 0], f"{verb} with {other}")


def test_what_is_not_there_to_combine_with_is_named(bench: Any) -> None:
    draw(bench, 3)
    for other, word in (("truth", "no truth"), ("prediction", "no prediction"), ("lungs", "lungs of this scan")):
        bench.findChild(QWidget, "combine_with").setCurrentText(other)
        bench.press("combine")
        assert word in bench.text("workbench_message")
    assert voxels(bench)[3] == 100


def test_a_slab_is_reverted_to_the_prediction(bench: Any) -> None:
    predicted = np.zeros(SHAPE, np.uint8)
    predicted[2:5, 10:20, 10:20] = 255
    bench.session.set_prediction(predicted, "tiny", 0.5)
    draw(bench, 1, 2, 3, 4, more=(slice(0, 5), slice(0, 5)))
    put(bench, "slab", 2)
    check(bench, "revert_slice", [0, 0, 100, 100, 100, 0, 0], "revert slice")


def test_nothing_is_written_while_a_case_is_open_for_reading_only(bench: Any) -> None:
    draw(bench, 3)
    bench.session.set_editable(False)
    bench.correct.action_requested.emit("grow_mm", 1.0)
    assert voxels(bench)[3] == 100 and "reading only" in bench.text("workbench_message")
