"""The whole loop through the workbench's own buttons, on napari's viewer model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import KeymapHandler

from napari_lesionseg.review import metrics
from napari_lesionseg.volumes import Geometry, Volume, nifti
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.context import context_for, session_for
from napari_lesionseg.widgets.standalone import CompareWidget, WindowWidget
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask

Tiny = tuple["Volume", "Mask", np.ndarray]
HERE = Path(__file__).parent


def press(viewer: ViewerModel, key: str) -> bool:
    """Press a key on the canvas, where napari asks the active layer first; whether it does anything."""
    keys, active = KeymapHandler(), viewer.layers.selection.active
    keys.keymap_providers = [viewer] if active is None else [active, viewer]
    return bool(keys.press_key(key))


def test_the_loop_from_file_to_file(
    workbench: Any, qtbot: QtBot, phantom_files: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    session = workbench.session
    with qtbot.waitSignal(session.scan_changed, timeout=30000):
        workbench.open.scan_requested.emit(str(phantom_files[0]))
    workbench.press("preset_mediastinum")
    assert tuple(workbench.context.layers.image.contrast_limits) == (-160, 240)

    workbench.segment.show_models([("tiny", tiny_model, "")])
    workbench.segment.device.setCurrentText("cpu")
    workbench.segment.show_has_scan(True)
    with qtbot.waitSignal(session.prediction_changed, timeout=90000):
        workbench.press("segment")
    assert session.model_name == "tiny"
    assert workbench.segment.state.text().startswith("tiny on CPU")
    middle = float(np.median(session.probability)) / 255
    workbench.segment.threshold.setValue(round(middle, 2))
    assert session.threshold == round(middle, 2)
    assert session.mask.array.any()

    with qtbot.waitSignal(session.truth_changed, timeout=10000):
        workbench.open.truth_requested.emit(str(phantom_files[1]))
    truth = session.truth.array
    assert workbench.text("scan_dice") == f"{metrics.dice(session.mask.array, truth):.3f}"
    workbench.press("worst_slice")
    z = session.slice_index
    assert workbench.text("slice_iou") == f"{metrics.iou(session.mask.array[z], truth[z]):.3f}"

    layer = workbench.context.layers.mask
    workbench.press("tool_paint")
    assert (str(layer.mode), layer.selected_label) == ("paint", 1)
    workbench.correct.brush.setValue(5)
    painted = session.mask.array.copy()
    layer.paint((z, 20, 20), 0)
    layer.paint((z, 40, 40), 1)
    assert workbench.text("corrected_count") == "1 slice corrected, this one too"
    assert workbench.text("slice_dice") == f"{metrics.dice(session.mask.array[z], truth[z]):.3f}"
    assert workbench.text("scan_dice") == f"{metrics.dice(session.mask.array, truth):.3f}"
    corrected = session.mask.array.copy()
    assert {int(at) for at in np.unique(np.argwhere(corrected != painted)[:, 0])} == {z}

    workbench.press("revert_slice")
    assert np.array_equal(session.mask.array, painted)
    assert workbench.text("corrected_count") == "No slice is corrected yet."
    workbench.press("undo")
    assert np.array_equal(session.mask.array, corrected)

    out = tmp_path / "out" / "mask.nii.gz"
    assert session.dirty
    with qtbot.waitSignal(session.dirty_changed, timeout=60000):
        workbench.export.export_requested.emit(str(out))
    written = nifti.read_mask(out)
    assert np.array_equal(written.array, corrected)
    assert written.geometry.same_grid(session.scan.geometry)
    saved = workbench.text("export_state")
    assert re.fullmatch(
        r"Saved \d\d:\d\d:\d\d, proved equal by two readers: mask\.nii\.gz, \d+\.\d ml of lesion\.", saved
    )


def test_dice_follows_the_threshold_and_an_undo(workbench: Any, qtbot: QtBot, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    assert (workbench.text("slice_dice"), workbench.text("scan_iou")) == ("0.615", "0.444")  # 8/13 and 4/9
    layer = workbench.context.layers.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    assert workbench.text("slice_dice") == "0.571"  # 8/14
    layer.undo()
    assert workbench.text("slice_dice") == "0.615"
    workbench.segment.threshold.setValue(0.9)
    assert workbench.text("slice_dice") == "0.000"
    qtbot.waitUntil(lambda: workbench.text("scan_dice") == "0.000", timeout=2000)


def test_copying_from_a_neighbour_and_filling_holes(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    mask = workbench.session.mask.array
    workbench.session.set_slice(2)
    workbench.press("copy_below")
    assert np.array_equal(mask[2], mask[1])
    assert workbench.session.corrected_slices == {2}
    ring = np.zeros((10, 10), np.uint8)
    ring[2:7, 2:7], ring[4, 4] = 1, 0
    workbench.session.write_slices({2: ring}, "lasso")
    workbench.press("fill_holes")
    assert mask[2].sum() == 25
    workbench.session.set_slice(3)
    workbench.press("copy_above")
    assert "no neighbour above" in workbench.text("workbench_message")


def test_corrected_slices_keep_their_mask_when_the_threshold_moves(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    layer = workbench.context.layers.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    workbench.segment.threshold.setValue(0.9)
    assert workbench.session.mask.array[1].sum() == 5


def test_the_error_map_button_shows_the_layer_and_deleting_the_truth_takes_it_away(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("show_errors")
    names = [layer.name for layer in workbench.context.viewer.layers]
    assert names == ["scan", "mask", "truth", "error map"]
    workbench.session.set_truth(None)
    assert [layer.name for layer in workbench.context.viewer.layers] == ["scan", "mask"]
    assert workbench.text("scan_dice") == "–"


def test_the_numbers_of_the_window_are_on_the_canvas(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    overlay = workbench.context.viewer.canvas.overlays.text
    assert (overlay.visible, overlay.text) == (True, "W 1500\nL -600 HU\nslice 1 / 3")
    workbench.session.set_window(Window(40, 400))
    assert overlay.text.startswith("W 400\nL 40")


def test_dragging_changes_width_across_and_level_up_and_gives_the_mouse_back(workbench: Any, tiny: Tiny) -> None:
    class Event:
        type, pos = "mouse_press", (100, 100)

    workbench.show_case(tiny)
    viewer, event = workbench.context.viewer, Event()
    before = list(viewer.mouse_drag_callbacks)
    workbench.press("tool_paint")
    workbench.press("window_drag")
    assert not viewer.scene.camera.mouse_pan
    assert str(workbench.context.layers.mask.mode) == "pan_zoom"
    drag = viewer.mouse_drag_callbacks[-1](viewer, event)
    next(drag)
    event.type, event.pos = "mouse_move", (160, 90)
    next(drag)
    assert workbench.session.window == Window(-550, 1800)
    workbench.press("window_drag")
    assert viewer.scene.camera.mouse_pan
    assert viewer.mouse_drag_callbacks == before


def test_a_grey_scan_switches_the_presets_off(workbench: Any, tmp_path: Path) -> None:
    geometry = Geometry.from_spacing((2, 8, 8), (1.0, 1.0, 1.0))
    nifti.write_scan(tmp_path / "grey.nii.gz", Volume(np.full((2, 8, 8), 99, np.uint8), geometry, "grey"))
    workbench.open_scan(tmp_path / "grey.nii.gz")
    assert not workbench.window_.presets["lung"].isEnabled()
    assert workbench.session.window == Window(127.5, 255)
    assert "grey levels, not Hounsfield units" in workbench.text("scan_notes")


def test_panels_docked_on_their_own_share_the_session(qtbot: QtBot, tiny: Tiny) -> None:
    viewer = ViewerModel()
    window, compare = WindowWidget(viewer), CompareWidget(viewer)
    for widget in (window, compare):
        qtbot.addWidget(widget)
    session = session_for(viewer)
    session.open_scan(tiny[0])
    session.set_truth(tiny[1])
    window.panel.presets["bone"].click()
    assert session.window == PRESETS["bone"]
    assert compare.panel.numbers["scan_dice"].text() == "0.000"
    other = ViewerModel()
    assert session_for(other) is not session


def test_a_context_goes_with_its_viewer(qtbot: QtBot) -> None:
    import gc
    import weakref

    viewer = ViewerModel()
    session = weakref.ref(context_for(viewer).session)
    del viewer
    gc.collect()
    assert session() is None


def test_a_closed_panel_leaves_a_session_that_goes_on(qtbot: QtBot, tiny: Tiny) -> None:
    viewer = ViewerModel()
    first = Workbench(viewer)
    first.session.open_scan(tiny[0])
    first.session.set_truth(tiny[1])
    first.session.set_prediction(tiny[2], "tiny", 0.5)
    first.session.set_slice(1)
    first.deleteLater()
    qtbot.wait(20)
    session_for(viewer).set_threshold(0.9)
    session_for(viewer).set_window(PRESETS["bone"])
    second = Workbench(viewer)
    qtbot.addWidget(second)
    assert second.compare.numbers["slice_dice"].text() == "0.000"
    assert second.window_.level.value() == 400


@pytest.mark.parametrize("active", ["mask", "scan", "truth", "error map", "points", None])
def test_the_keys_for_undo_and_redo_mean_the_mask_whichever_layer_is_active(
    workbench: Any, tiny: Tiny, active: str | None
) -> None:
    workbench.show_case(tiny)
    viewer, mask = workbench.context.viewer, workbench.session.mask.array
    workbench.context.layers.set_errors_visible(True)
    viewer.add_points(np.zeros((1, 3)), name="points")
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    viewer.layers.selection.active = None if active is None else viewer.layers[active]
    assert (press(viewer, "Ctrl+Z"), mask[1, 8, 8]) == (True, 0)
    assert (press(viewer, "Ctrl+Shift+Z"), mask[1, 8, 8]) == (True, 1)
    assert press(viewer, "Ctrl+Shift+Z")
    assert workbench.text("workbench_message") == "There is nothing to redo."


def test_a_labels_layer_of_somebodys_own_keeps_its_own_undo(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer, mask = workbench.context.viewer, workbench.session.mask.array
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    own = viewer.add_labels(np.zeros((4, 10, 10), np.uint8))
    own.paint((1, 5, 5), 1)
    viewer.layers.selection.active = own
    assert press(viewer, "Ctrl+Z")
    assert (own.data.any(), mask[1, 8, 8]) == (False, 1)


def test_a_closed_panel_gives_the_keys_for_undo_back(qtbot: QtBot, tiny: Tiny) -> None:
    viewer = ViewerModel()
    first = Workbench(viewer)
    first.session.open_scan(tiny[0])
    viewer.layers.selection.active = viewer.layers["scan"]
    assert press(viewer, "Ctrl+Z")
    first.deleteLater()
    qtbot.wait(20)
    assert (press(viewer, "Ctrl+Z"), press(viewer, "Ctrl+Shift+Z")) == (False, False)


def test_sections_stay_folded(qtbot: QtBot) -> None:
    viewer, other = ViewerModel(), ViewerModel()
    first = Workbench(viewer)
    qtbot.addWidget(first)
    assert first.sections["Export"].body.isVisibleTo(first)
    first.sections["Export"].head.click()
    second = Workbench(other)
    qtbot.addWidget(second)
    assert not second.sections["Export"].body.isVisibleTo(second)
