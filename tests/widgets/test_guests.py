"""Other plugins: nnInteractive where it is installed, and layers of others that are taken into the mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest
from qtpy.QtWidgets import QWidget

from napari_lesionseg.widgets.guest_layers import NNINTERACTIVE, installed_widget
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume

Tiny = tuple["Volume", "Mask", np.ndarray]


class FakeWidget(QWidget):
    """Adds a layer as nnInteractive does: with the metadata of the scan."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        image = napari_viewer.layers.selection.active
        drawn = np.zeros(image.data.shape, np.uint8)
        drawn[1, 3:6, 3] = drawn[2, 0, 0] = 7
        napari_viewer.add_labels(drawn, name="guest", scale=image.scale, metadata=image.metadata)


@pytest.fixture
def plugin() -> Iterator[None]:
    """A plugin of nnInteractive's name."""
    command = f"{NNINTERACTIVE}.widget"
    contributions = {
        "commands": [{"id": command, "title": "nnInteractive", "python_name": f"{__name__}:FakeWidget"}],
        "widgets": [{"command": command, "display_name": "nnInteractive"}],
    }
    manager = PluginManager.instance()
    with manager.events.blocked():  # Windows of earlier tests still listen.
        manager.register(PluginManifest(name=NNINTERACTIVE, contributions=contributions))
    yield
    with manager.events.blocked():
        manager.unregister(NNINTERACTIVE)


def test_a_plugin_that_is_not_installed_has_no_widget() -> None:
    assert installed_widget(NNINTERACTIVE) is None


def test_its_button_is_only_there_where_it_is_installed(workbench: Any) -> None:
    assert workbench.segment.ask.nninteractive.isHidden()
    assert not workbench.segment.ask.take.isHidden()


def test_what_nninteractive_draws_is_taken_into_the_mask_as_one_step(
    make_napari_viewer: Any, qtbot: QtBot, plugin: None, tiny: Tiny
) -> None:
    viewer = make_napari_viewer()
    workbench = Workbench(viewer)
    viewer.window.add_dock_widget(workbench)
    session = workbench.session
    session.open_scan(tiny[0])
    session.set_prediction(tiny[2], "tiny", 0.5)
    before = session.mask.array.copy()
    ask = workbench.segment.ask
    assert not ask.nninteractive.isHidden()
    ask.nninteractive.click()
    assert "guest" in viewer.layers
    qtbot.wait(50)  # The guard answers a moment later.
    assert session.scan is tiny[0]
    assert np.array_equal(session.mask.array, before)
    ask.take.click()
    qtbot.waitUntil(lambda: session.history.undoable.tool == "take layer", timeout=5000)
    assert np.argwhere(session.mask.array != before).tolist() == [[1, 4, 3], [1, 5, 3], [2, 0, 0]]
    assert session.mask.array.max() == 1
    assert session.history.undoable.name == "take layer, slice 2, +3 voxels"
    workbench.correct.undo.click()
    assert np.array_equal(session.mask.array, before)
    workbench.correct.redo.click()
    assert int(session.mask.array.sum()) == 7
    workbench.context.close()


def taken(workbench: Any, tiny: Tiny) -> Any:
    workbench.show_case(tiny)
    return workbench.context.viewer


def test_without_a_layer_to_take_it_says_which_one_it_wants(workbench: Any, tiny: Tiny, sentences: list[str]) -> None:
    viewer = taken(workbench, tiny)
    viewer.add_labels(np.zeros((4, 10, 10), np.uint8))  # Of other spacing.
    viewer.add_labels(np.zeros((2, 10, 10), np.uint8), scale=(2, 1, 1))
    workbench.press("take_layer")
    assert sentences == ["Select a labels layer that lies on the scan's own voxels, beside the mask; then take it."]


def test_of_several_layers_the_selected_one_is_taken(qtbot: QtBot, workbench: Any, tiny: Tiny) -> None:
    viewer = taken(workbench, tiny)
    for place in (0, 9):
        drawn = np.zeros((4, 10, 10), np.uint8)
        drawn[3, place, place] = 1
        viewer.add_labels(drawn, scale=(2, 1, 1), name=str(place))
    viewer.layers.selection.active = viewer.layers["0"]
    workbench.press("take_layer")
    qtbot.waitUntil(lambda: workbench.session.history.undoable.tool == "take layer", timeout=5000)
    assert np.argwhere(workbench.session.mask.array[3]).tolist() == [[0, 0]]


def test_a_layer_with_nothing_new_is_no_step(qtbot: QtBot, workbench: Any, tiny: Tiny, sentences: list[str]) -> None:
    viewer = taken(workbench, tiny)
    viewer.add_labels((tiny[2] > 0).astype(np.uint8), scale=(2, 1, 1))
    workbench.press("take_layer")
    qtbot.waitUntil(lambda: bool(sentences), timeout=5000)
    assert sentences == ["The layer has nothing that the mask does not have."]
    assert workbench.session.history.undoable.tool == "prediction"
