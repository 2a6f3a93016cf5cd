"""The session as layers and back, on napari's viewer model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.layers import LayerBridge

if TYPE_CHECKING:
    from napari_lesionseg.volumes import Mask, Volume

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
    bench.bridge.write_slice(1, wanted)
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


def test_undo_does_not_replay_an_old_stroke_into_a_rewritten_slice(bench: Bench) -> None:
    layer = bench.bridge.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    layer.paint((1, 8, 8), 0)  # Back to the prediction: not corrected, so the threshold rewrites this slice.
    bench.session.set_threshold(0.9)
    layer.undo()
    assert bench.session.mask.array[1].sum() == 0


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


def test_writing_without_a_scan_is_refused(tiny: Tiny) -> None:
    viewer = ViewerModel()
    bridge = LayerBridge(viewer, Session())
    with pytest.raises(LesionsegError, match="No scan is open"):
        bridge.write_slice(0, np.zeros((2, 2), np.uint8))
