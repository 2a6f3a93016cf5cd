"""The table of keys: no two are the same, none is napari's, each is in a tool tip and given back at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from app_model.types import KeyBinding
from napari import layers
from napari.components import ViewerModel
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtWidgets import QAbstractButton

from napari_lesionseg.widgets.keys import KEYS, SHEET
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

TAKEN_OVER = {"undo", "redo", "previous_case", "previous_unfinished"}
"""Undo and redo of the mask; napari's player and its palette while a study is open, which stay in its menu."""


def naparis_keys() -> set[str]:
    """Every key of napari: of its viewer, of all its layers and their modes, and of its menus."""
    from napari._app_model import get_app_model
    from napari._qt._qapp_model.qactions import init_qactions

    init_qactions()
    owners = [ViewerModel, *(one for one in vars(layers).values() if hasattr(one, "class_keymap"))]
    bound = [key for owner in owners for key in owner.class_keymap if key is not ...]
    shortcuts = [coerce_keybinding(key) for keys in default_shortcuts.values() for key in keys]
    menus = [one.keybinding for one in get_app_model().keybindings]
    return {str(key) for key in (*bound, *shortcuts, *menus)}


def test_no_key_is_one_of_naparis_but_those_taken_over_on_purpose(qtbot: QtBot) -> None:
    taken = naparis_keys()
    assert {"Ctrl+Z", "Shift+L", "Shift+A", "P", "Ctrl+Shift+P", "Ctrl+Alt+P", "Alt+S", "F12"} - taken == {"F12"}
    clashes = {name for name, key in KEYS.items() if str(coerce_keybinding(key.text)) in taken}
    assert clashes == TAKEN_OVER


def test_no_two_of_our_keys_are_the_same() -> None:
    assert sum(map(len, SHEET.values())) == len(KEYS)
    used = Counter(str(coerce_keybinding(key.text)) for key in KEYS.values())
    assert [key for key, times in used.items() if times > 1] == []


WITHOUT_A_BUTTON = {"slice_up", "slice_down", "slices_up", "slices_down"}


def test_the_tool_tip_of_a_button_ends_with_its_key_and_names_no_other(workbench: Any) -> None:
    told = {one.objectName(): one.toolTip() for one in workbench.findChildren(QAbstractButton)}
    assert set(KEYS) - set(told) == WITHOUT_A_BUTTON
    every = {f"({key.text})" for key in KEYS.values()}
    wrong = [
        (name, told[name])
        for name in set(KEYS) - WITHOUT_A_BUTTON
        if not told[name].endswith(f"({KEYS[name].text})")
        or [key for key in every if key in told[name]] != [f"({KEYS[name].text})"]
    ]
    assert wrong == []


def test_every_key_does_something_in_the_viewer(workbench: Any) -> None:
    keymap = workbench.context.viewer.keymap
    elsewhere = set(SHEET["Cases"])  # They work wherever the focus is.
    missing = {name for name, key in KEYS.items() if coerce_keybinding(key.text) not in keymap}
    assert missing == elsewhere


def test_a_key_presses_its_button(workbench: Any) -> None:
    viewer = workbench.context.viewer
    viewer.keymap[KeyBinding.from_str("F4")](viewer)
    assert (workbench.session.window.level, workbench.session.window.width) == (40, 400)


def test_all_keys_are_given_back_when_the_dock_is_closed(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    own = viewer.keymap
    viewer.bind_key("F2", print)
    before = dict(own)
    bench = Workbench(viewer)
    assert viewer.keymap[KeyBinding.from_str("F2")] is not print
    assert len(viewer.keymap) > 20
    bench.deleteLater()
    qtbot.waitUntil(lambda: dict(viewer.keymap) == before, timeout=5000)


def test_a_key_that_somebody_else_took_meanwhile_stays_theirs(qtbot: QtBot) -> None:
    viewer = ViewerModel()
    bench = Workbench(viewer)
    viewer.bind_key("F3", print, overwrite=True)
    bench.deleteLater()
    qtbot.waitUntil(lambda: len(viewer.keymap) == 1, timeout=5000)
    assert viewer.keymap == {KeyBinding.from_str("F3"): print}
