"""The window: keys, drags, the fit to the lungs; the wheel; and what the canvas tells of the patient and of mm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks
from napari.utils.interactions import mouse_wheel_callbacks as turn_callbacks
from napari.utils.key_bindings import KeymapHandler

from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.canvas_layers import CanvasLayers
from napari_lesionseg.widgets.layers import LayerBridge
from napari_lesionseg.widgets.settings import Settings
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

Tiny = tuple["Volume", "Mask", np.ndarray]


def press(viewer: Any, key: str) -> bool:
    keys, active = KeymapHandler(), viewer.layers.selection.active
    keys.keymap_providers = [viewer] if active is None else [active, viewer]
    return bool(keys.press_key(key))


def event(kind: str, at: tuple[int, int] = (0, 0), held: tuple[str, ...] = (), **more: Any) -> SimpleNamespace:
    """What napari tells a callback; the mouse is at voxel (1, 5, 5) of the tiny scan."""
    told = {"type": kind, "pos": at, "modifiers": held, "button": 1, "is_dragging": kind == "mouse_move"}
    told |= {"position": (2.0, 5.0, 5.0), "view_direction": None, "dims_displayed": [1, 2], "dims_point": [1, 0, 0]}
    return SimpleNamespace(**told, handled=False, **more)


class Wrapped:
    """The event that a drag began with, which napari lets tell of the events after it."""

    def __init__(self, first: SimpleNamespace) -> None:
        self.__dict__["__wrapped__"] = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value


def drag(viewer: Any, to: tuple[int, int], held: tuple[str, ...] = ()) -> None:
    """Press at (0, 0), move and let go, as napari's canvas tells viewer and active layer of it."""
    owners = [one for one in (viewer, viewer.layers.selection.active) if one is not None]
    first = Wrapped(event("mouse_press", held=held))
    for owner in owners:
        mouse_press_callbacks(owner, first)
    for callbacks, told in (
        (mouse_move_callbacks, event("mouse_move", to, held)),
        (mouse_release_callbacks, event("mouse_release", to, held)),
    ):
        for owner in owners:
            callbacks(owner, told)


def turn(viewer: Any, notches: float, held: tuple[str, ...] = ()) -> SimpleNamespace:
    told = event("mouse_wheel", held=held, delta=(0.0, notches), native=SimpleNamespace(inverted=lambda: False))
    turn_callbacks(viewer, told)
    return told


# ---- presets and fit


@pytest.mark.parametrize(
    ("key", "name"), [("F2", "lung"), ("F3", "wide lung"), ("F4", "mediastinum"), ("F5", "bone"), ("F6", "vessels")]
)
def test_a_function_key_chooses_a_window(workbench: Any, tiny: Tiny, key: str, name: str) -> None:
    workbench.show_case(tiny)
    workbench.session.set_window(Window(1, 2))
    assert press(workbench.context.viewer, key)
    assert workbench.session.window == PRESETS[name]


def test_f7_fits_the_window_to_the_lungs_and_to_the_body_before_they_are_known(workbench: Any) -> None:
    geometry = Geometry.from_spacing((4, 20, 20), (2.0, 1.0, 1.0))
    array = np.full((4, 20, 20), -1000, np.int16)
    array[:, 2:18, 2:18] = np.linspace(0, 100, 256).reshape(16, 16)
    array[:, 6:12, 6:12] = -850
    lungs = Mask.empty(geometry)
    lungs.array[:, 6:12, 6:12] = 1
    assert not workbench.window_.auto.isEnabled()
    workbench.session.open_scan(Volume(array, geometry))
    press(workbench.context.viewer, "F7")
    assert workbench.session.window.high > 90
    workbench.session.set_lungs(lungs)
    press(workbench.context.viewer, "F7")
    assert workbench.session.window == Window(-850, 2)


# ---- drags


@pytest.mark.parametrize("tool", ["tool_paint", "tool_erase", "tool_fill", "tool_pan_zoom"])
def test_a_drag_with_ctrl_changes_the_window_with_any_tool_in_hand_and_nothing_else(
    workbench: Any, tiny: Tiny, tool: str
) -> None:
    workbench.show_case(tiny)
    viewer, before = workbench.context.viewer, workbench.session.mask.array.copy()
    workbench.press(tool)
    workbench.session.set_window(Window(-600, 1500))
    undone = workbench.correct.undo.toolTip()
    callbacks = list(viewer.mouse_drag_callbacks), list(workbench.context.layers.mask.mouse_drag_callbacks)
    drag(viewer, (30, 20), ("Control",))
    assert workbench.session.window == Window(-700, 1650)
    assert (workbench.session.mask.array == before).all()
    assert (list(viewer.mouse_drag_callbacks), list(workbench.context.layers.mask.mouse_drag_callbacks)) == callbacks
    assert workbench.correct.undo.toolTip() == undone


def test_a_drag_without_ctrl_erases_and_leaves_the_window(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("tool_erase")
    window, before = workbench.session.window, workbench.session.mask.array.sum()
    drag(workbench.context.viewer, (30, 20))
    assert workbench.session.window == window
    assert workbench.session.mask.array.sum() < before


def test_the_drag_tool_can_be_inverted_which_is_remembered(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.press("window_drag")
    workbench.session.set_window(Window(-600, 1500))
    drag(workbench.context.viewer, (30, 20))
    assert workbench.session.window == Window(-700, 1650)
    workbench.press("drag_inverted")
    workbench.session.set_window(Window(-600, 1500))
    drag(workbench.context.viewer, (30, 20))
    assert workbench.session.window == Window(-500, 1350)
    assert Settings.load().drag_inverted


# ---- wheel and keys


def test_the_wheel_goes_through_the_slices_and_stops_at_the_ends(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    assert turn(viewer, 1).handled
    assert workbench.session.slice_index == 2
    for _ in range(5):
        turn(viewer, -1)
    assert workbench.session.slice_index == 0
    turn(viewer, 0.5)
    assert workbench.session.slice_index == 0
    turn(viewer, 0.5)
    assert workbench.session.slice_index == 1


@pytest.mark.parametrize("held", ["Control", "Shift"])
def test_the_wheel_zooms_with_ctrl_or_shift_about_the_mouse(workbench: Any, tiny: Tiny, held: str) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    zoom, centre = viewer.scene.camera.zoom, np.array(viewer.scene.camera.center[-2:])
    turn(viewer, 1, (held,))
    assert viewer.scene.camera.zoom == pytest.approx(zoom * 1.2)
    now = np.array(viewer.scene.camera.center[-2:])
    assert (5 - now) * 1.2 == pytest.approx(5 - centre)  # What is under the mouse stays there.
    assert workbench.session.slice_index == 1


def test_the_wheel_is_naparis_again_when_it_is_switched_off_or_the_dock_closed(qtbot: QtBot, tiny: Tiny) -> None:
    viewer = ViewerModel()
    before = list(viewer.mouse_wheel_callbacks)
    bench = Workbench(viewer)
    bench.session.open_scan(tiny[0])
    bench.session.set_slice(1)
    assert list(viewer.mouse_wheel_callbacks) != before
    bench.window_.options["wheel_slices"].click()
    assert list(viewer.mouse_wheel_callbacks) == before
    assert not turn(viewer, 1).handled and bench.session.slice_index == 1
    assert not Settings.load().wheel_slices
    bench.window_.options["wheel_slices"].click()
    bench.deleteLater()
    qtbot.waitUntil(lambda: list(viewer.mouse_wheel_callbacks) == before, timeout=5000)
    assert [one for one in viewer.canvas.overlays if one.startswith("lesionseg")] == []
    assert list(viewer.mouse_drag_callbacks) == list(ViewerModel().mouse_drag_callbacks)


def test_in_3d_the_wheel_zooms_as_ever(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.context.viewer.dims.ndisplay = 3
    assert not turn(workbench.context.viewer, 1).handled


def test_keys_go_one_slice_or_five(workbench: Any) -> None:
    geometry = Geometry.from_spacing((12, 8, 8), (2.5, 1.0, 1.0))
    workbench.session.open_scan(Volume(np.zeros((12, 8, 8), np.int16), geometry))
    workbench.session.set_slice(4)
    went = []
    for key in ("PageUp", "PageUp", "PageDown", "Down", "Up", "PageDown", "PageDown"):
        assert press(workbench.context.viewer, key)
        went.append(workbench.session.slice_index)
    assert went == [9, 11, 6, 5, 6, 1, 0]


def test_keys_and_wheel_go_through_the_plane_that_is_shown(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_current_step(1, 3)
    press(viewer, "PageUp")
    turn(viewer, -1)
    assert viewer.dims.current_step[1] == 7
    assert workbench.session.slice_index == 1


# ---- sides and scale


def letters(viewer: Any) -> str:
    """What is seen left, right, at the top and at the bottom."""
    overlays = viewer.canvas.overlays
    shown = [overlays[f"lesionseg_{side}"] for side in ("left", "right", "top", "bottom")]
    return " ".join(one.text if one.visible else "-" for one in shown)


@pytest.mark.parametrize(
    ("order", "seen"), [((0, 1, 2), "R L A P"), ((1, 0, 2), "R L I S"), ((2, 0, 1), "A P I S"), ((0, 2, 1), "A P R L")]
)
def test_the_letters_tell_the_sides_of_the_plane_that_is_shown(
    workbench: Any, tiny: Tiny, order: tuple[int, ...], seen: str
) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.dims.order = order
    assert letters(viewer) == seen


def test_the_letters_follow_rolled_axes_a_flipped_camera_and_a_turned_scan(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.dims.roll()
    assert viewer.dims.order == (2, 0, 1) and letters(viewer) == "A P I S"
    viewer.scene.camera.orientation2d = ("up", "right")
    assert letters(viewer) == "A P S I"
    viewer.scene.camera.orientation2d = ("down", "right")
    viewer.dims.order = (0, 1, 2)
    turned = np.eye(4)
    turned[1:3, 1:3] = [[0, -1], [1, 0]]
    workbench.context.layers.image.affine = turned
    assert letters(viewer) == "A P L R"


def test_a_scan_stored_towards_right_and_front_is_shown_as_all_are(workbench: Any) -> None:
    geometry = Geometry((8, 9, 4), np.diag([1.0, 1.0, 2.0, 1.0]))
    array = np.zeros((4, 9, 8), np.int16)
    workbench.session.open_scan(Volume(array, geometry))
    assert letters(workbench.context.viewer) == "R L A P"


def test_the_letters_go_in_3d_and_when_nobody_wants_them_which_is_remembered(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    viewer = workbench.context.viewer
    viewer.dims.ndisplay = 3
    assert letters(viewer) == "- - - -"
    viewer.dims.ndisplay = 2
    assert letters(viewer) == "R L A P"
    workbench.press("side_marks")
    assert letters(viewer) == "- - - -"
    assert not Settings.load().side_marks
    workbench.press("side_marks")
    workbench.session.close_scan()
    assert letters(viewer) == "- - - -"


def test_the_scale_bar_counts_millimetres(workbench: Any, tiny: Tiny) -> None:
    workbench.show_case(tiny)
    workbench.context.layers.set_errors_visible(True)
    viewer = workbench.context.viewer
    assert viewer.canvas.overlays.scale_bar.visible
    assert [str(unit) for unit in viewer.layers.units] == ["millimeter"] * 3
    workbench.press("scale_bar")
    assert not viewer.canvas.overlays.scale_bar.visible
    assert not Settings.load().scale_bar


def test_the_scale_bar_is_left_as_it_was_found() -> None:
    for found in (True, False):
        viewer = ViewerModel()
        viewer.canvas.overlays.scale_bar.visible = found
        layers = CanvasLayers(LayerBridge(viewer, Session()))
        layers.set_scale_bar(not found)
        layers.close()
        assert viewer.canvas.overlays.scale_bar.visible == found
