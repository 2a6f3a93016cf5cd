"""The session as layers and back, on napari's viewer model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.layers import LayerBridge

if TYPE_CHECKING:
    from napari_lesionseg.volumes import Mask

Tiny = tuple["Volume", "Mask", np.ndarray]


class Bench:
    """A viewer model, a session and the bridge between them, with a scan open."""

    def __init__(self, tiny: Tiny) -> None:
        self.viewer, self.session = ViewerModel(), Session()
        self.bridge = LayerBridge(self.viewer, self.session)
        self.session.open_scan(tiny[0])
        self.session.set_truth(tiny[1])
        self.session.set_prediction(tiny[2], "tiny", 0.5)
        self.session.set_slice(1)
        self.touched: list[tuple[int, ...] | None] = []
        self.session.mask_changed.connect(self.touched.append)


@pytest.fixture
def bench(tiny: Tiny) -> Bench:
    return Bench(tiny)


def test_scan_mask_and_truth_are_layers_in_mm_and_the_mask_shares_the_sessions_array(bench: Bench) -> None:
    assert [layer.name for layer in bench.viewer.layers] == ["scan", "mask", "truth"]
    assert all(tuple(layer.scale) == (2.0, 1.0, 1.0) for layer in bench.viewer.layers)
    assert bench.bridge.mask.data is bench.session.mask.array
    assert bench.bridge.mask.data.dtype == np.uint8
    assert bench.viewer.dims.current_step[0] == 1


def test_the_window_goes_both_ways(bench: Bench) -> None:
    bench.session.set_window(PRESETS["mediastinum"])
    assert tuple(bench.bridge.image.contrast_limits) == (-160, 240)
    bench.bridge.image.contrast_limits = (-1000, 400)
    assert bench.session.window == Window(-300, 1400)


def test_a_window_wider_than_the_scan_is_shown_in_full(bench: Bench) -> None:
    bench.session.set_window(Window(0, 20000))
    assert tuple(bench.bridge.image.contrast_limits) == (-10000, 10000)


def test_the_slice_goes_both_ways(bench: Bench) -> None:
    bench.viewer.dims.set_current_step(0, 3)
    assert bench.session.slice_index == 3
    bench.session.set_slice(2)
    assert bench.viewer.dims.current_step[0] == 2


def test_a_stroke_is_marked_with_its_slice_only(bench: Bench) -> None:
    bench.bridge.mask.brush_size = 1
    bench.bridge.mask.paint((1, 8, 8), 1)
    assert bench.session.corrected_slices == {1}
    assert set(bench.touched) == {(1,)}
    assert bench.session.mask.array[1, 8, 8] == 1


def test_a_drag_is_one_stroke_and_is_marked_when_it_ends(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    with layer.block_history():
        layer.paint((1, 8, 8), 1)
        layer.paint((1, 8, 9), 1)
        assert bench.session.corrected_slices == frozenset()
    assert bench.session.corrected_slices == {1}
    layer.undo()
    assert bench.session.mask.array[1].sum() == 4


def test_undo_and_redo_are_noticed_also_on_a_slice_that_is_not_shown(bench: Bench) -> None:
    bench.bridge.mask.brush_size = 1
    bench.bridge.mask.paint((1, 8, 8), 1)
    bench.viewer.dims.set_current_step(0, 3)
    bench.touched.clear()
    bench.bridge.mask.undo()
    assert (bench.session.corrected_slices, bench.touched) == (frozenset(), [(1,)])
    bench.bridge.mask.redo()
    assert bench.session.corrected_slices == {1}


def test_a_polygon_is_noticed(bench: Bench) -> None:
    bench.bridge.mask.paint_polygon([(1, 6, 6), (1, 6, 9), (1, 9, 9)], 1)
    assert bench.session.corrected_slices == {1}


def test_an_edit_from_code_is_one_step_that_can_be_undone(bench: Bench) -> None:
    wanted = np.zeros((10, 10), np.uint8)
    wanted[7, 7] = 1
    bench.session.write_slices({1: wanted}, "lasso")
    assert np.array_equal(bench.session.mask.array[1], wanted)
    assert bench.session.corrected_slices == {1}
    bench.bridge.mask.undo()
    assert bench.session.mask.array[1].sum() == 4
    assert bench.session.corrected_slices == frozenset()


def test_painting_all_dimensions_marks_every_slice_it_touched(bench: Bench) -> None:
    bench.bridge.mask.n_edit_dimensions = 3
    bench.bridge.mask.brush_size = 5
    bench.bridge.mask.paint((1, 8, 8), 1)
    changed = {z for z in range(4) if bench.session.mask.array[z, 8, 8]}
    assert len(changed) > 1
    assert bench.session.corrected_slices == changed


def test_undo_of_a_stroke_that_a_threshold_rewrote_gives_back_each_state(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    layer.paint((1, 8, 8), 0)  # Back to the prediction: not corrected, so the threshold rewrites this slice.
    bench.session.set_threshold(0.9)
    counts = [int(layer.data[1].sum())]
    for _ in range(4):
        layer.undo()
        counts.append(int(layer.data[1].sum()))
    assert counts == [0, 4, 5, 4, 0]  # The threshold, the eraser, the brush, the prediction.


def test_a_moved_threshold_writes_in_place(bench: Bench) -> None:
    bench.session.set_threshold(0.9)
    assert bench.bridge.mask.data is bench.session.mask.array
    assert bench.bridge.mask.data[1].sum() == 0


def test_the_error_map_follows_slice_stroke_and_undo(bench: Bench) -> None:
    bench.bridge.set_errors_visible(True)
    errors = bench.bridge.comparison.errors.data
    assert [int((errors[1] == label).sum()) for label in (1, 2, 3)] == [4, 0, 5]
    bench.bridge.mask.brush_size = 1
    bench.bridge.mask.paint((1, 8, 8), 1)
    assert errors[1, 8, 8] == 2
    bench.bridge.mask.undo()
    assert errors[1, 8, 8] == 0
    bench.session.mask.array[2, 0, 0] = 1
    bench.viewer.dims.set_current_step(0, 2)
    assert errors[2, 0, 0] == 2
    bench.bridge.set_errors_visible(False)
    assert [layer.name for layer in bench.viewer.layers] == ["scan", "mask", "truth"]


def test_the_error_map_is_whole_when_slices_of_another_axis_are_shown(bench: Bench) -> None:
    bench.bridge.set_errors_visible(True)
    bench.session.mask.array[3, 0, 0] = 1
    bench.viewer.dims.order = (1, 0, 2)
    assert bench.bridge.comparison.errors.data[3, 0, 0] == 2


def test_outline_and_fill_of_the_truth(bench: Bench) -> None:
    assert bench.bridge.comparison.truth.contour == 1
    bench.bridge.comparison.set_truth_outline(False)
    assert bench.bridge.comparison.truth.contour == 0
    bench.bridge.comparison.set_truth_visible(False)
    assert not bench.bridge.comparison.truth.visible


def test_another_scan_replaces_all_layers_and_leaves_other_peoples_layers_alone(bench: Bench, tiny: Tiny) -> None:
    bench.viewer.add_points(name="notes")
    bench.bridge.set_errors_visible(True)
    bench.session.open_scan(tiny[0])
    assert sorted(layer.name for layer in bench.viewer.layers) == ["mask", "notes", "scan"]
    bench.session.close_scan()
    assert [layer.name for layer in bench.viewer.layers] == ["notes"]


def steps(bench: Bench) -> list[tuple[str, int]]:
    return [(step.tool, step.voxels) for step in bench.session.history.steps[1:]]  # The first is the prediction.


def test_every_tool_of_napari_is_a_step_with_its_name(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    layer.paint((1, 8, 8), 0)
    layer.fill((1, 0, 0), 1)
    layer.fill((1, 0, 0), 0)
    layer.paint_polygon([(1, 6, 6), (1, 6, 9), (1, 9, 9)], 1)
    layer.data_setitem((np.array([3]), np.array([0]), np.array([0])), 1)
    polygon = int(layer.data[1].sum())
    assert steps(bench) == [
        ("brush", 1), ("eraser", -1), ("fill", 96), ("fill", -100), ("polygon", polygon), ("other tool", 1),
    ]  # fmt: skip
    assert polygon > 0


def test_a_drag_and_an_encircled_area_are_one_step_each(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size, layer.mode = 1, "paint"
    with layer.block_history():  # As napari's drag does it, its button held down.
        for x in range(5, 9):
            layer._draw(1, (1, 8, x), (1, 8, x + 1))
    layer._begin_stroke()  # As napari's right button does it.
    layer._overlays["brush_stroke"].active = True
    layer._draw(1, (1, 5, 6), (1, 5, 9))
    layer.paint_polygon([(1, 5, 6), (1, 5, 9), (1, 7, 9), (1, 7, 6)], 1)
    layer._commit_stroke()
    layer._overlays["brush_stroke"].active = False
    assert [tool for tool, _ in steps(bench)] == ["brush", "encircle"]
    layer.undo()
    layer.undo()
    assert bench.session.mask.array[1].sum() == 4


def test_an_encircled_area_that_is_given_up_leaves_nothing(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.mode = "paint"
    layer._begin_stroke()
    layer._draw(1, (1, 5, 6), (1, 5, 9))
    layer._abort_stroke()
    bench.session.settle()
    assert steps(bench) == []
    assert bench.session.mask.array[1].sum() == 4


def test_napari_keeps_no_history_of_our_mask(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    for x in range(10):
        layer.paint((1, 8, x), 1)
    layer.undo()
    layer.editable = False  # napari makes a new history.
    layer.editable = True
    layer.paint((1, 9, 9), 1)
    assert (len(layer._undo_history), len(layer._redo_history), len(layer._staged_history)) == (0, 0, 0)


def test_naparis_keys_undo_and_redo_steps_of_the_session(bench: Bench) -> None:
    layer, lines = bench.bridge.mask, []
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    bench.session.edited.connect(lambda line: lines.append(line.kind))
    keys = {str(key): press for key, press in type(layer).class_keymap.items()}
    keys["Ctrl+Z"](layer)
    keys["Ctrl+Shift+Z"](layer)
    assert lines == ["undo", "redo"]


def test_a_stroke_under_way_is_a_step_before_a_threshold_moves(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    with layer.block_history():
        layer.paint((1, 8, 8), 1)
        bench.session.set_threshold(0.9)
        layer.paint((1, 8, 9), 1)
    assert steps(bench) == [("brush", 1), ("threshold", 0), ("brush", 1)]
    assert bench.session.mask.array[1].sum() == 6  # The threshold spares a corrected slice.


def test_an_undo_under_a_stroke_takes_back_what_it_painted_so_far(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    with layer.block_history():
        layer.paint((1, 8, 8), 1)
        layer.undo()
        layer.paint((1, 8, 9), 1)
    assert bench.session.mask.array[1, 8].tolist() == [0] * 9 + [1]


def test_another_array_given_to_the_layer_becomes_an_edit_of_the_sessions_own(bench: Bench) -> None:
    own, given = bench.session.mask.array, np.zeros((4, 10, 10), np.int64)
    given[2, 5, 5] = 3
    bench.bridge.mask.data = given
    assert bench.bridge.mask.data is own
    assert (own[2, 5, 5], int(own.sum())) == (3, 3)
    assert steps(bench) == [("other tool", -3)]
    bench.bridge.mask.undo()
    assert own.sum() == 4


@pytest.mark.parametrize("given", [np.full((4, 10, 10), 256, np.int32), np.zeros((4, 5, 5), np.uint8)])
def test_an_array_that_is_no_mask_of_the_scan_is_refused(bench: Bench, given: np.ndarray) -> None:
    said: list[str] = []
    bench.session.message.connect(said.append)
    bench.bridge.mask.data = given
    assert bench.bridge.mask.data is bench.session.mask.array
    assert bench.session.mask.array.sum() == 4
    assert steps(bench) == []
    assert "no lesion mask" in said[0]


def test_a_mask_that_is_only_read_is_put_back_on_the_screen(bench: Bench) -> None:
    layer = bench.bridge.mask
    bench.session.set_editable(False)
    assert not layer.editable
    layer.paint((1, 8, 8), 1)
    layer.data = np.zeros((4, 10, 10), np.uint8)
    assert bench.session.mask.array.sum() == 4
    assert steps(bench) == []
    assert not layer.editable


def test_a_hidden_mask_can_be_written_in_the_next_scan_too(bench: Bench) -> None:
    bench.session.set_slice(2)  # That of the next scan, too: napari sees no need to slice.
    bench.bridge.mask.visible = False
    last, wider = bench.session.mask.array, Geometry.from_spacing((4, 20, 20), (2.0, 1.0, 1.0))
    kept = last.copy()
    bench.session.open_scan(Volume(np.zeros((4, 20, 20), np.int16), wider))
    for z in range(4):  # One of them is the slice on the screen.
        bench.bridge.mask.data_setitem((np.array([z, z]), np.array([1, 19]), np.array([1, 18])), 1)
        bench.bridge.mask.paint((z, 18, 19), 1)
    assert [step.slice for step in bench.session.history.steps] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert all(bench.session.mask.array[z, 1, 1] and bench.session.mask.array[z, 19, 18] for z in range(4))
    assert np.array_equal(last, kept)


@pytest.mark.parametrize("z", [0, 2, 3])
def test_a_hidden_mask_can_be_written_when_the_slice_has_changed_and_the_views_were_turned(
    bench: Bench, z: int
) -> None:
    bench.bridge.mask.visible = False
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        bench.viewer.dims.order = order
        bench.session.set_slice(z)
        bench.bridge.mask.data_setitem((np.array([z, 0]), np.array([9, 9]), np.array([9, order[0]])), 1)
    bench.bridge.mask.visible = True
    assert bench.session.mask.array[z, 9, 9] == 1
    assert np.array_equal(
        bench.bridge.mask._slice.image.raw, bench.session.mask.array[:, :, bench.viewer.dims.current_step[2]].T
    )


def test_what_napari_wrote_before_it_failed_is_a_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(bench.bridge.mask, "_partial_labels_refresh", fail)
    with pytest.raises(IndexError):
        bench.bridge.mask.paint((1, 8, 8), 1)
    assert [tool for tool, _ in steps(bench)] == ["brush"]


def test_nothing_to_undo_is_said(bench: Bench) -> None:
    said: list[str] = []
    bench.session.message.connect(said.append)
    bench.bridge.mask.redo()
    bench.bridge.mask.undo()
    bench.bridge.mask.undo()
    assert said == ["There is nothing to redo.", "There is nothing to undo."]
