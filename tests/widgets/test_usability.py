"""Every panel at 1280 × 800, with letters half as large again, in both themes, and without a mouse."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyleOptionButton,
    QTableView,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QTableView)
SMALLEST_CANVAS = 320  # Pixels.


@pytest.fixture(params=["dark", "light"])
def large(request: pytest.FixtureRequest, make_napari_viewer: Any, qtbot: QtBot) -> Iterator[Any]:
    """The workbench in a window of 1280 × 800 at 150 % font, with all of its panels open, also those of a study."""
    appearance = get_settings().appearance
    before = appearance.font_size
    appearance.font_size = round(before * 1.5)
    viewer = make_napari_viewer(show=True)
    viewer.theme = request.param
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    viewer.window.resize(1280, 800)
    for section in workbench.sections.values():
        section.setVisible(True)
        section.set_open(True)
    inner, area = workbench.findChild(QScrollArea).widget(), workbench.findChild(QScrollArea)
    qtbot.waitUntil(lambda: 0 < inner.minimumSizeHint().width() <= area.viewport().width(), timeout=10_000)
    yield workbench
    appearance.font_size = before


def named(workbench: QWidget) -> list[QWidget]:
    """All controls of ours."""
    found = [one for kind in CONTROLS for one in workbench.findChildren(kind)]
    return [one for one in found if one.objectName() and not one.objectName().startswith("qt_")]


def room(button: QAbstractButton) -> int:
    """Pixels there are for a button's text within its frame."""
    option = QStyleOptionButton()
    if isinstance(button, QPushButton):
        button.initStyleOption(option)
        return int(button.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, button).width())
    if isinstance(button, QCheckBox):
        button.initStyleOption(option)
        return int(button.style().subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, button).width())
    return button.width()


def clipped(workbench: QWidget) -> list[tuple[str, int, int]]:
    """Buttons with more pixels of text than room for it."""
    buttons = [one for one in workbench.findChildren(QAbstractButton) if one.isVisible() and one.text()]
    assert len(buttons) > 60
    wide = [(one.objectName(), one.fontMetrics().horizontalAdvance(one.text()), room(one)) for one in buttons]
    return [one for one in wide if one[1] > one[2] + 1]


def test_no_text_is_clipped_and_the_canvas_keeps_its_room(large: Any, qtbot: QtBot) -> None:
    assert large.correct.undo.fontMetrics().height() > 1.4 * QFontMetrics(QApplication.font()).height()
    with contextlib.suppress(qtbot.TimeoutError):  # The style comes with the next turns of the event loop.
        qtbot.waitUntil(lambda: not clipped(large), timeout=3000)
    assert clipped(large) == []
    window = large.window()
    assert (window.width(), window.height()) == (1280, 800)
    assert window._qt_viewer.canvas.native.width() >= SMALLEST_CANVAS


def test_every_control_has_a_tool_tip_and_is_reached_by_the_tab_key(large: Any) -> None:
    controls = named(large)
    assert len(controls) > 80
    assert [one.objectName() for one in controls if not one.toolTip()] == []
    parts = {one: [one, *one.findChildren(QWidget)] for one in controls}
    tab = Qt.FocusPolicy.TabFocus
    assert [
        one.objectName() for one, all_ in parts.items() if not any((part.focusPolicy() & tab) == tab for part in all_)
    ] == []


def test_the_tab_key_goes_down_a_panel_as_one_reads_it(large: Any) -> None:
    controls, wrong = set(named(large)), []
    for title, section in large.sections.items():
        order, at = [], section.head
        while (at := at.nextInFocusChain()) is not section.head:
            if at in controls and section.body.isAncestorOf(at) and at.isVisible():
                order.append(at)
        tops = [one.mapTo(section.body, one.rect().center()).y() for one in order]
        wrong += [
            (title, order[i].objectName(), order[i + 1].objectName())
            for i in range(len(order) - 1)
            if tops[i + 1] < tops[i] - 12
        ]
    assert wrong == []
