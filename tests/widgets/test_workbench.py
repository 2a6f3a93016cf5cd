"""The whole loop through the workbench's own buttons, on napari's viewer model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import metrics
from napari_lesionseg.volumes import Geometry, Volume, nifti
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.context import context_for, session_for
from napari_lesionseg.widgets.shortcuts import SHORTCUTS
from napari_lesionseg.widgets.standalone import CompareWidget, WindowWidget
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask

Tiny = tuple["Volume", "Mask", np.ndarray]
HERE = Path(__file__).parent
LEFT = Qt.MouseButton.LeftButton


def press(workbench: Workbench, name: str) -> None:
    """Click the button of that object name, wherever it is."""
    workbench.findChild(QWidget, name).click()


def text(workbench: Workbench, name: str) -> str:
    return workbench.findChild(QWidget, name).text()


def show(workbench: Workbench, tiny: Tiny) -> None:
    """Open the tiny scan with its truth and prediction, on the slice with the lesion."""
    scan, truth, probability = tiny
    workbench.session.open_scan(scan)
    workbench.session.set_truth(truth)
    workbench.session.set_prediction(probability, "tiny", 0.5)
    workbench.session.set_slice(1)


def test_the_loop_from_file_to_file(
    workbench: Workbench, qtbot: QtBot, phantom_files: tuple[Path, Path], tiny_model: Path, tmp_path: Path
) -> None:
    session = workbench.session
    with qtbot.waitSignal(session.scan_changed, timeout=10000):
        workbench.open.scan_requested.emit(str(phantom_files[0]))
    press(workbench, "preset_mediastinum")
    assert tuple(workbench.context.layers.image.contrast_limits) == (-160, 240)

    workbench.segment.show_models([("tiny", tiny_model, "")])
    workbench.segment.device.setCurrentText("cpu")
    workbench.segment.show_has_scan(True)
    with qtbot.waitSignal(session.prediction_changed, timeout=90000):
        press(workbench, "segment")
    assert session.model_name == "tiny"
    assert workbench.segment.state.text().startswith("tiny on CPU")
    middle = float(np.median(session.probability)) / 255
    workbench.segment.threshold.setValue(round(middle, 2))
    assert session.threshold == round(middle, 2)
    assert session.mask.array.any()

    with qtbot.waitSignal(session.truth_changed, timeout=10000):
        workbench.open.truth_requested.emit(str(phantom_files[1]))
    truth = session.truth.array
    assert text(workbench, "scan_dice") == f"{metrics.dice(session.mask.array, truth):.3f}"
    press(workbench, "worst_slice")
    z = session.slice_index
    assert text(workbench, "slice_iou") == f"{metrics.iou(session.mask.array[z], truth[z]):.3f}"

    layer = workbench.context.layers.mask
    press(workbench, "tool_paint")
    assert (str(layer.mode), layer.selected_label) == ("paint", 1)
    workbench.correct.brush.setValue(5)
    painted = session.mask.array.copy()
    layer.paint((z, 20, 20), 0)
    layer.paint((z, 40, 40), 1)
    assert text(workbench, "corrected_count") == "1 slice corrected, this one too"
    assert text(workbench, "slice_dice") == f"{metrics.dice(session.mask.array[z], truth[z]):.3f}"
    assert text(workbench, "scan_dice") == f"{metrics.dice(session.mask.array, truth):.3f}"
    corrected = session.mask.array.copy()
    assert {int(at) for at in np.unique(np.argwhere(corrected != painted)[:, 0])} == {z}

    press(workbench, "revert_slice")
    assert np.array_equal(session.mask.array, painted)
    assert text(workbench, "corrected_count") == "No slice is corrected yet."
    press(workbench, "undo")
    assert np.array_equal(session.mask.array, corrected)

    out = tmp_path / "out" / "mask.nii.gz"
    assert session.dirty
    with qtbot.waitSignal(session.dirty_changed, timeout=10000):
        workbench.export.export_requested.emit(str(out))
    written = nifti.read_mask(out)
    assert np.array_equal(written.array, corrected)
    assert written.geometry.same_grid(session.scan.geometry)
    assert text(workbench, "export_state").startswith("Saved mask.nii.gz: ")


def test_dice_follows_the_threshold_and_an_undo(workbench: Workbench, qtbot: QtBot, tiny: Tiny) -> None:
    show(workbench, tiny)
    assert (text(workbench, "slice_dice"), text(workbench, "scan_iou")) == ("0.615", "0.444")  # 8/13 and 4/9
    layer = workbench.context.layers.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    assert text(workbench, "slice_dice") == "0.571"  # 8/14
    layer.undo()
    assert text(workbench, "slice_dice") == "0.615"
    workbench.segment.threshold.setValue(0.9)
    assert text(workbench, "slice_dice") == "0.000"
    qtbot.waitUntil(lambda: text(workbench, "scan_dice") == "0.000", timeout=2000)


def test_copying_from_a_neighbour_and_filling_holes(workbench: Workbench, tiny: Tiny) -> None:
    show(workbench, tiny)
    mask = workbench.session.mask.array
    workbench.session.set_slice(2)
    press(workbench, "copy_below")
    assert np.array_equal(mask[2], mask[1])
    assert workbench.session.corrected_slices == {2}
    ring = np.zeros((10, 10), np.uint8)
    ring[2:7, 2:7], ring[4, 4] = 1, 0
    workbench.context.layers.write_slice(2, ring)
    press(workbench, "fill_holes")
    assert mask[2].sum() == 25
    workbench.session.set_slice(3)
    press(workbench, "copy_above")
    assert "no neighbour above" in text(workbench, "workbench_message")


def test_corrected_slices_keep_their_mask_when_the_threshold_moves(workbench: Workbench, tiny: Tiny) -> None:
    show(workbench, tiny)
    layer = workbench.context.layers.mask
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    workbench.segment.threshold.setValue(0.9)
    assert workbench.session.mask.array[1].sum() == 5


def test_the_error_map_button_shows_the_layer_and_deleting_the_truth_takes_it_away(
    workbench: Workbench, tiny: Tiny
) -> None:
    show(workbench, tiny)
    press(workbench, "show_errors")
    names = [layer.name for layer in workbench.context.viewer.layers]
    assert names == ["scan", "mask", "truth", "error map"]
    workbench.session.set_truth(None)
    assert [layer.name for layer in workbench.context.viewer.layers] == ["scan", "mask"]
    assert text(workbench, "scan_dice") == "–"


def test_the_numbers_of_the_window_are_on_the_canvas(workbench: Workbench, tiny: Tiny) -> None:
    show(workbench, tiny)
    overlay = workbench.context.viewer.canvas.overlays.text
    assert (overlay.visible, overlay.text) == (True, "W 1500  L -600 HU    slice 2 / 4")
    workbench.session.set_window(Window(40, 400))
    assert overlay.text.startswith("W 400  L 40")


def test_dragging_changes_width_across_and_level_up_and_gives_the_mouse_back(workbench: Workbench, tiny: Tiny) -> None:
    class Event:
        type, pos = "mouse_press", (100, 100)

    show(workbench, tiny)
    viewer, event = workbench.context.viewer, Event()
    before = list(viewer.mouse_drag_callbacks)
    press(workbench, "tool_paint")
    press(workbench, "window_drag")
    assert not viewer.scene.camera.mouse_pan
    assert str(workbench.context.layers.mask.mode) == "pan_zoom"
    drag = viewer.mouse_drag_callbacks[-1](viewer, event)
    next(drag)
    event.type, event.pos = "mouse_move", (160, 90)
    next(drag)
    assert workbench.session.window == Window(-550, 1800)
    press(workbench, "window_drag")
    assert viewer.scene.camera.mouse_pan
    assert viewer.mouse_drag_callbacks == before


def test_a_grey_scan_switches_the_presets_off(workbench: Workbench, tmp_path: Path) -> None:
    geometry = Geometry.from_spacing((2, 8, 8), (1.0, 1.0, 1.0))
    nifti.write_scan(tmp_path / "grey.nii.gz", Volume(np.full((2, 8, 8), 99, np.uint8), geometry, "grey"))
    workbench.open_scan(tmp_path / "grey.nii.gz")
    assert not workbench.window_.presets["lung"].isEnabled()
    assert workbench.session.window == Window(127.5, 255)
    assert "grey levels, not Hounsfield units" in text(workbench, "workbench_message")


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
    show(first, tiny)
    first.deleteLater()
    qtbot.wait(20)
    session_for(viewer).set_threshold(0.9)
    session_for(viewer).set_window(PRESETS["bone"])
    second = Workbench(viewer)
    qtbot.addWidget(second)
    assert text(second, "slice_dice") == "0.000"
    assert second.window_.level.value() == 400


def test_no_shortcut_is_one_of_naparis_own(workbench: Workbench) -> None:
    from app_model.types import KeyBinding
    from napari.utils.shortcuts import default_shortcuts

    taken = {binding for bindings in default_shortcuts.values() for binding in bindings}
    labels = {KeyBinding.from_str(key.replace("Shift-", "Shift+")) for key in SHORTCUTS}
    clashes = labels & taken
    assert clashes <= {KeyBinding.from_str("Shift+L")}  # Of shapes layers only, which the workbench has none of.


def test_keys_press_buttons(workbench: Workbench, tiny: Tiny) -> None:
    from app_model.types import KeyBinding

    show(workbench, tiny)
    viewer = workbench.context.viewer
    viewer.keymap[KeyBinding.from_str("Shift+E")](viewer)
    assert workbench.compare.errors.isChecked()


def test_sections_stay_folded(qtbot: QtBot) -> None:
    viewer, other = ViewerModel(), ViewerModel()
    first = Workbench(viewer)
    qtbot.addWidget(first)
    assert first.sections["Export"].body.isVisibleTo(first)
    press(first, "section_export")
    second = Workbench(other)
    qtbot.addWidget(second)
    assert not second.sections["Export"].body.isVisibleTo(second)


# ---- layers that come and go in napari's own list


def settle(workbench: Workbench) -> None:
    workbench.context.guard.settle()


def test_a_scan_dropped_on_the_canvas_is_opened(workbench: Workbench, phantom_files: tuple[Path, Path]) -> None:
    from napari_lesionseg.widgets.napari_io import read

    viewer = workbench.context.viewer
    (data,) = read(str(phantom_files[0]))
    layer = viewer.add_image(data[0], **data[1])
    settle(workbench)
    assert workbench.context.layers.image is layer
    assert workbench.session.scan.source == phantom_files[0]
    assert [layer.name for layer in viewer.layers] == ["phantom", "mask"]


def test_the_sample_opens_with_its_truth(workbench: Workbench, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_lesionseg.widgets import layer_styles as styles

    scan, truth, _ = tiny
    viewer = workbench.context.viewer
    style = styles.truth_style(truth)
    style["metadata"][styles.METADATA_KEY]["role"] = "truth"
    viewer.add_image(scan.array, **styles.image_style(scan, styles.first_window(scan)))
    viewer.add_labels(truth.array, **style)
    settle(workbench)
    assert workbench.session.truth is truth
    assert [layer.name for layer in viewer.layers] == ["scan", "mask", "truth"]


def test_a_deleted_mask_layer_comes_back_with_its_voxels(workbench: Workbench, tiny: Tiny) -> None:
    show(workbench, tiny)
    viewer = workbench.context.viewer
    viewer.layers.remove(workbench.context.layers.mask)
    settle(workbench)
    assert workbench.context.layers.mask in viewer.layers
    assert "belongs to the open scan" in text(workbench, "workbench_message")
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    assert workbench.session.corrected_slices == {1}


def test_deleting_the_scans_layer_closes_the_scan_unless_corrections_would_be_lost(
    workbench: Workbench, tiny: Tiny
) -> None:
    show(workbench, tiny)
    viewer = workbench.context.viewer
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    viewer.layers.remove(workbench.context.layers.image)
    settle(workbench)
    assert workbench.session.scan is tiny[0]
    assert viewer.layers[0].name == "scan"
    workbench.session.mark_exported()
    viewer.layers.remove(workbench.context.layers.image)
    settle(workbench)
    assert workbench.session.scan is None
    assert len(viewer.layers) == 0


# ---- bad input: one sentence, and the window stays usable


@pytest.fixture
def sentences(workbench: Workbench) -> list[str]:
    said: list[str] = []
    workbench.context.problem.connect(said.append)
    return said


@pytest.mark.parametrize("name", ["missing.nii.gz", "text.nii.gz", "short.nii.gz", "four.nii.gz", "nan.nii.gz"])
def test_a_bad_scan_is_one_sentence_and_the_open_scan_stays(
    workbench: Workbench, qtbot: QtBot, tiny: Tiny, sentences: list[str], tmp_path: Path, name: str
) -> None:
    import nibabel as nib

    show(workbench, tiny)
    path = tmp_path / name
    good = nib.Nifti1Image(np.zeros((8, 8, 4), np.int16), np.eye(4)).to_bytes()
    bad: dict[str, Callable[[], Any]] = {
        "missing.nii.gz": lambda: None,
        "text.nii.gz": lambda: path.write_text("hello"),
        "short.nii.gz": lambda: (
            nib.save(nib.Nifti1Image.from_bytes(good), path) or path.write_bytes(path.read_bytes()[:-20])
        ),
        "four.nii.gz": lambda: nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4)), path),
        "nan.nii.gz": lambda: nib.save(nib.Nifti1Image(np.full((4, 4, 4), np.nan, np.float32), np.eye(4)), path),
    }
    bad[name]()
    with qtbot.waitSignal(workbench.open.scan_requested, timeout=5000):
        workbench.open.scan_requested.emit(str(path))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=5000)
    assert str(path) in sentences[0]
    assert text(workbench, "workbench_message") == sentences[0]
    assert workbench.session.scan is tiny[0]
    with pytest.raises(LesionsegError):
        workbench.open_scan(path)


def test_a_truth_of_another_grid_is_refused(
    workbench: Workbench, qtbot: QtBot, tiny: Tiny, sentences: list[str], phantom_files: tuple[Path, Path]
) -> None:
    show(workbench, tiny)
    workbench.open.truth_requested.emit(str(phantom_files[1]))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=5000)
    assert "lies on another grid" in sentences[0]
    assert workbench.session.truth is tiny[1]


def test_a_full_disk_on_export_is_one_sentence_and_the_corrections_stay_unsaved(
    workbench: Workbench,
    qtbot: QtBot,
    tiny: Tiny,
    sentences: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import errno
    import os

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    show(workbench, tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    monkeypatch.setattr(os, "fsync", full)
    workbench.export.export_requested.emit(str(tmp_path / "mask.nii.gz"))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=5000)
    monkeypatch.undo()
    assert "No space left on device" in sentences[0]
    assert workbench.session.dirty
    assert list(tmp_path.glob("*mask*")) == []
    assert workbench.export.export.isEnabled()


def test_an_input_is_never_overwritten(
    workbench: Workbench, sentences: list[str], phantom_files: tuple[Path, Path]
) -> None:
    before = [path.read_bytes() for path in phantom_files]
    workbench.open_scan(phantom_files[0])
    workbench.load_truth(phantom_files[1])
    for path in phantom_files:
        workbench.export.export_requested.emit(str(path))
    assert len(sentences) == 2
    assert "never overwritten" in sentences[0]
    assert [path.read_bytes() for path in phantom_files] == before


def test_a_result_for_a_scan_that_was_closed_meanwhile_is_discarded(
    workbench: Workbench, qtbot: QtBot, tiny: Tiny
) -> None:
    show(workbench, tiny)
    worker = workbench.context.segmenter
    worker.command = (str(HERE / "fake_segmenter.py"), "work")
    workbench.session.open_scan(tiny[0])
    workbench.segment.segment_requested.emit("model", "auto")
    assert worker.running
    workbench.session.open_scan(Volume(tiny[0].array, tiny[0].geometry))
    assert not worker.running
    qtbot.wait(300)
    assert workbench.session.probability is None


def test_corrections_are_not_discarded_without_asking(
    workbench: Workbench, tiny: Tiny, phantom_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    show(workbench, tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    workbench.open.scan_requested.emit(str(phantom_files[0]))
    assert workbench.session.scan is tiny[0]


# ---- retraining


def test_retraining_keeps_the_correction_follows_the_trainer_and_offers_the_model(
    workbench: Workbench, qtbot: QtBot, tiny: Tiny, tiny_model: Path, tmp_path: Path
) -> None:
    from napari_lesionseg.study.store import Study

    show(workbench, tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    trainer = workbench.context.trainer
    trainer.command = (str(HERE / "fake_trainer.py"), "work", str(tiny_model))
    with qtbot.waitSignal(trainer.finished, timeout=30000):
        press(workbench, "retrain")
    assert Study.open(tmp_path / "home" / "study").latest("scan", "correction").corrected_slices == (1,)
    assert text(workbench, "retrain_state") == "Finished: completed."
    presenter = workbench._presenters[-1]
    assert presenter._curves.points == {
        "loss": [(0.5, 0.9)],
        "training Dice": [(1, 0.3), (2, 0.4)],
        "validation Dice": [(2, 0.5)],
    }
    press(workbench, "load_model")
    names = [workbench.segment.model.itemText(index) for index in range(workbench.segment.model.count())]
    assert "tiny" in names
    assert workbench.segment.model.currentText() == "tiny"


def test_retraining_without_a_correction_is_refused(
    workbench: Workbench, qtbot: QtBot, tiny: Tiny, tiny_model: Path, sentences: list[str]
) -> None:
    show(workbench, tiny)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    press(workbench, "retrain")
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=20000)
    assert sentences[0].startswith("No slice is corrected yet")
    assert workbench.retrain.train.isEnabled()


def test_a_training_can_be_stopped(workbench: Workbench, qtbot: QtBot, tiny: Tiny, tiny_model: Path) -> None:
    show(workbench, tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    trainer = workbench.context.trainer
    trainer.command = (str(HERE / "fake_trainer.py"), "hang", str(tiny_model))
    with qtbot.waitSignal(trainer.reported, timeout=30000):
        press(workbench, "retrain")
    press(workbench, "retrain_stop")
    assert text(workbench, "retrain_state") == "Stopped."
    assert not trainer.running
