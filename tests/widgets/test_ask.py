"""Asking the model about a place: from its prediction, or by running it on a few slices in the child process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks

from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import load_model
from napari_lesionseg.volumes import Geometry, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase

FAKE = str(Path(__file__).with_name("fake_segmenter.py"))
Point = tuple[int, int]


class Mouse:
    """What napari tells of one button that is pressed, moved and let go."""

    button, modifiers, handled, is_dragging = 1, (), False, False

    def __init__(self, workbench: Any) -> None:
        self.viewer = workbench.context.viewer
        self.layer = workbench.context.layers.mask

    def drag(self, first: Point, last: Point) -> None:
        """From voxel to voxel (y, x) of the slice that is shown."""
        steps = (
            ("mouse_press", first, mouse_press_callbacks),
            ("mouse_move", last, mouse_move_callbacks),
            ("mouse_release", last, mouse_release_callbacks),
        )
        for self.type, at, tell in steps:
            self.position = self.layer.data_to_world((self.viewer.dims.current_step[0], *at))
            self.pos = np.array(at[::-1], float)
            tell(self.viewer, self)

    def click(self, at: Point) -> None:
        """On one voxel (y, x)."""
        self.drag(at, at)


@pytest.fixture
def scan() -> Volume:
    """Two pieces that the fake model sees: 3 × 4 × 4 voxels in slices 3 to 5, and 2 × 2 voxels in slice 4."""
    array = np.full((9, 24, 24), -1000, np.int16)
    array[3:6, 4:8, 4:8] = array[4, 15:17, 15:17] = 0
    return Volume(array, Geometry.from_spacing(array.shape, (2.0, 0.5, 0.5)))


@pytest.fixture
def asking(workbench: Any, scan: Volume) -> Callable[..., Mouse]:
    """The tool in hand, on slice 4, with the fake child."""

    def start(mode: str = "work") -> Mouse:
        workbench.context.segmenter.runner.command = (FAKE, mode)
        workbench.session.open_scan(scan)
        workbench.session.set_slice(4)
        workbench.press("ask_model")
        return Mouse(workbench)

    return start


def answered(qtbot: QtBot, workbench: Any, act: Callable[[], None]) -> None:
    with qtbot.waitSignal(workbench.context.segmenter.asked, timeout=20000):
        act()


@pytest.fixture
def same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake child's answers have no weights; they pass for the chosen model's."""
    monkeypatch.setattr("napari_lesionseg.inference.result_key.ResultKey.check_model", lambda *_: None)


@pytest.mark.usefixtures("same_model")
def test_a_box_adds_what_the_model_sees_in_it_as_one_step(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse]
) -> None:
    mouse, session = asking(), workbench.session
    answered(qtbot, workbench, lambda: mouse.drag((2, 2), (10, 10)))
    assert np.unique(np.argwhere(session.mask.array)[:, 0]).tolist() == [3, 4, 5]
    assert int(session.mask.array.sum()) == 48
    assert session.history.undoable.name == "model in box, slice 4, +48 voxels"
    assert workbench.text("workbench_message") == "Added: model in box, slice 4, +48 voxels."
    workbench.press("undo")
    assert not session.mask.array.any()
    workbench.press("redo")
    assert int(session.mask.array.sum()) == 48


@pytest.mark.usefixtures("same_model")
def test_a_click_adds_the_piece_it_hits_in_the_slices_around(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse]
) -> None:
    mouse, session = asking(), workbench.session
    workbench.segment.ask.reach.setValue(1)
    answered(qtbot, workbench, lambda: mouse.click((15, 16)))
    assert np.argwhere(session.mask.array).tolist() == [[4, 15, 15], [4, 15, 16], [4, 16, 15], [4, 16, 16]]
    assert session.history.undoable.name == "model at click, slice 4, +4 voxels"


@pytest.mark.usefixtures("same_model")
def test_nothing_seen_is_said_and_no_step(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse], sentences: list[str]
) -> None:
    mouse = asking()
    answered(qtbot, workbench, lambda: mouse.click((20, 3)))
    assert sentences == ["The model sees no lesion at the click, not even from 0.25 on; lower the number, or draw it."]
    assert workbench.session.history.undoable is None


@pytest.mark.usefixtures("same_model")
def test_an_answer_is_dropped_if_the_mask_was_changed_meanwhile(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse], sentences: list[str]
) -> None:
    mouse, session = asking(), workbench.session
    mouse.click((5, 5))
    session.write_slices({0: np.ones((24, 24), np.uint8)}, "brush")
    answered(qtbot, workbench, lambda: None)
    assert sentences == ["The model's answer was dropped, since the mask was changed meanwhile; ask again."]
    assert [step.tool for step in session.history.steps] == ["brush"]


def test_another_scan_ends_the_question(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse], scan: Volume
) -> None:
    mouse, worker = asking("hang"), workbench.context.segmenter
    with qtbot.waitSignal(worker.progressed, timeout=20000):
        mouse.click((5, 5))
    with qtbot.waitSignal(worker.cancelled, timeout=2000):
        workbench.session.open_scan(Volume(scan.array.copy(), scan.geometry))
    assert not worker.running
    assert not workbench.session.mask.array.any()


def test_a_question_can_be_cancelled_and_a_second_one_has_to_wait(
    qtbot: QtBot, workbench: Any, asking: Callable[..., Mouse], sentences: list[str]
) -> None:
    mouse, worker = asking("hang"), workbench.context.segmenter
    with qtbot.waitSignal(worker.progressed, timeout=20000):
        mouse.click((5, 5))
    mouse.click((15, 15))
    assert sentences == ["The model is still at work; wait for it or cancel it, then ask again."]
    with qtbot.waitSignal(worker.cancelled, timeout=2000):
        workbench.press("segment_cancel")
    assert workbench.session.history.undoable is None


def test_a_prediction_of_the_whole_scan_answers_at_once(workbench: Any, asking: Callable[..., Mouse]) -> None:
    mouse, session = asking(), workbench.session
    probability = np.zeros((9, 24, 24), np.uint8)
    probability[3:6, 10:14, 10:14] = 90  # 0.35
    session.set_prediction(probability, workbench.segment.model.currentText(), 0.5)
    mouse.click((11, 11))
    assert not workbench.context.segmenter.running
    assert int(session.mask.array.sum()) == 48
    assert session.history.undoable.name == "model at click, slice 4, +48 voxels"


def test_a_higher_number_finds_less(workbench: Any, asking: Callable[..., Mouse], sentences: list[str]) -> None:
    mouse, session = asking(), workbench.session
    probability = np.zeros((9, 24, 24), np.uint8)
    probability[4, 10:14, 10:14] = 90
    session.set_prediction(probability, workbench.segment.model.currentText(), 0.5)
    workbench.segment.ask.threshold.setValue(0.4)
    mouse.click((11, 11))
    assert "not even from 0.40 on" in sentences[0]


def test_the_mouse_is_napari_s_again_once_the_tool_is_off(workbench: Any, asking: Callable[..., Mouse]) -> None:
    mouse, viewer = asking(), workbench.context.viewer
    assert not viewer.scene.camera.mouse_pan
    workbench.press("ask_model")
    assert viewer.scene.camera.mouse_pan
    mouse.click((5, 5))
    assert not workbench.context.segmenter.running


def test_a_brush_puts_the_tool_down(workbench: Any, asking: Callable[..., Mouse]) -> None:
    asking()
    workbench.press("tool_paint")
    assert not workbench.segment.ask.ask.isChecked()


def test_a_mask_that_may_not_be_changed_is_not_asked_about(workbench: Any, asking: Callable[..., Mouse]) -> None:
    asking()
    workbench.session.set_editable(False)
    assert not workbench.segment.ask.ask.isEnabled()
    assert not workbench.segment.ask.ask.isChecked()


def test_the_real_child_answers_as_the_whole_prediction_does(
    qtbot: QtBot, workbench: Any, phantom_case: PhantomCase, tiny_model: Path
) -> None:
    whole = predict(phantom_case.scan, load_model(tiny_model), device="cpu").probability
    workbench.segment.show_models([("tiny", tiny_model, "")], "tiny")
    workbench.session.open_scan(phantom_case.scan)
    workbench.session.set_slice(8)
    workbench.segment.ask.reach.setValue(2)
    threshold = float(np.quantile(whole[6:11, 20:41, 20:41], 0.7)) / 255
    workbench.segment.ask.threshold.setValue(round(threshold, 2))
    workbench.press("ask_model")
    with qtbot.waitSignal(workbench.context.segmenter.asked, timeout=90000):
        Mouse(workbench).drag((20, 20), (40, 40))
    expected = np.zeros(whole.shape, np.uint8)
    cut = int(np.ceil(round(threshold, 2) * 255))
    expected[6:11, 20:41, 20:41] = whole[6:11, 20:41, 20:41] >= cut
    assert expected.any()
    assert np.array_equal(workbench.session.mask.array, expected)
