"""Who has the mouse on the canvas."""

from __future__ import annotations

from typing import Any

import pytest
from napari.utils.key_bindings import KeymapHandler


def drag(_viewer: Any, _event: Any) -> None:
    """A tool's drag."""


def press(viewer: Any, key: str) -> None:
    keys, active = KeymapHandler(), viewer.layers.selection.active
    keys.keymap_providers = [viewer] if active is None else [active, viewer]
    keys.press_key(key)


def test_one_tool_at_a_time_has_the_mouse_and_the_other_hears_that_it_lost_it(workbench: Any, tiny: Any) -> None:
    workbench.show_case(tiny)
    viewer, mouse, lost = workbench.context.viewer, workbench.context.mouse, []
    before = list(viewer.mouse_drag_callbacks)
    workbench.press("window_drag")
    mouse.take(drag, lambda: lost.append("drag"))
    assert not workbench.window_.drag.isChecked()
    assert viewer.mouse_drag_callbacks == [*before, drag]
    workbench.press("window_drag")
    assert lost == ["drag"]
    workbench.press("tool_paint")
    assert not workbench.window_.drag.isChecked() and str(workbench.context.layers.mask.mode) == "paint"
    assert viewer.mouse_drag_callbacks == before


@pytest.mark.parametrize(("key", "active"), [("Escape", "mask"), ("Escape", "image"), ("Z", "mask")])
def test_a_key_gives_the_mouse_back_and_is_naparis_own_again(workbench: Any, tiny: Any, key: str, active: str) -> None:
    workbench.show_case(tiny)
    viewer, layers, lost = workbench.context.viewer, workbench.context.layers, []
    keys = dict(viewer.keymap), dict(layers.mask.keymap)
    workbench.context.mouse.take(drag, lambda: lost.append("drag"))
    viewer.layers.selection.active = getattr(layers, active)
    press(viewer, key)
    assert lost == ["drag"] and viewer.scene.camera.mouse_pan
    assert (dict(viewer.keymap), dict(layers.mask.keymap)) == keys
