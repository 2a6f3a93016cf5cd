"""The cheat-sheet says every key, is opened once, and can be read in both themes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from napari_lesionseg.widgets.key_sheet import NAPARIS, KeySheet, sheet
from napari_lesionseg.widgets.keys import KEYS, SHEET

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def press_f1(viewer: Any) -> None:
    viewer.keymap[next(key for key in viewer.keymap if str(key) == "F1")](viewer)


def test_f1_opens_one_sheet_that_does_not_hold_up_the_window(workbench: Any, qtbot: QtBot) -> None:
    press_f1(workbench.context.viewer)
    press_f1(workbench.context.viewer)
    (shown,) = workbench.window().findChildren(KeySheet)
    assert shown.isVisible() and not shown.isModal()
    assert QApplication.activeModalWidget() is None
    shown.close()
    qtbot.waitUntil(lambda: workbench.window().findChildren(KeySheet) == [], timeout=5000)


def test_it_says_every_key_and_what_it_does_by_panel(workbench: Any) -> None:
    workbench.press("show_keys")
    (shown,) = workbench.window().findChildren(KeySheet)
    said = [label.text() for label in shown.findChildren(QLabel)]
    assert Counter(said) >= Counter(key.text for key in KEYS.values())
    assert set(said) >= {key.sentence for key in KEYS.values()} | set(SHEET) | {"napari", "Mouse"}
    shown.close()


def test_naparis_keys_in_it_are_those_that_napari_has(workbench: Any) -> None:
    groups = dict(sheet())
    assert dict((sentence, key) for key, sentence in groups["napari"])["Paint"] == "2, P"
    assert all(key for key, _ in groups["napari"])
    assert {f"napari:{action}" for action, _ in NAPARIS} <= set(default_shortcuts)


def luminance(colour: int) -> float:
    """Relative luminance of 0xAARRGGBB, as WCAG 2 defines it."""
    parts = [((colour >> shift) & 255) / 255 for shift in (16, 8, 0)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(label: QWidget) -> float:
    """Contrast of a label's text to what is behind it: of the commonest colour and the one farthest from it."""
    image = label.grab().toImage()
    seen = Counter(image.pixel(x, y) for x in range(image.width()) for y in range(image.height()))
    behind = luminance(seen.most_common(1)[0][0])
    lights = [luminance(colour) for colour in seen]
    return max((max(behind, light) + 0.05) / (min(behind, light) + 0.05) for light in lights)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_read_in_both_themes(make_napari_viewer: Any, qtbot: QtBot, theme: str) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.theme = theme
    _, bench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_F1)
    (shown,) = bench.window().findChildren(KeySheet)
    qtbot.waitUntil(shown.isVisible, timeout=5000)
    labels = [label for label in shown.findChildren(QLabel) if label.text()]
    assert min(contrast(label) for label in labels[:6]) > 4.5  # WCAG 2, level AA.
    narrow = [one.text() for one in labels if one.sizeHint().width() > one.width() + 1]
    assert narrow == []
    shown.close()
