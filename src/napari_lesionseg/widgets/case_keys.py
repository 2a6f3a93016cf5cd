"""The keys that go from case to case, wherever the focus is; while a study is open they come before napari's own."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QMainWindow, QPushButton, QWidget

from napari_lesionseg.widgets.keys import SHEET

_MODIFIERS = {
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Alt": Qt.KeyboardModifier.AltModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
}


class CaseKeys(QObject):
    """Presses the buttons of a panel for as long as it exists.

    Two of the keys belong to napari's command palette and to its player, which stay in its menu.

    Parameters
    ----------
    panel
        Has the buttons.
    wanted
        Whether a study is open; without one, all keys are napari's.
    """

    def __init__(self, panel: QWidget, wanted: Callable[[], bool]) -> None:
        super().__init__(panel)
        self._panel, self._wanted = panel, wanted
        self._names = {_of_qt(key.text): name for name, key in SHEET["Cases"].items()}
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)
            atexit.register(_let_go, weakref.ref(self))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take the keys of this window; everything else goes its way."""
        if event is None or event.type() not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        if not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget):
            return False
        name = self._names.get((Qt.Key(event.key()), event.modifiers()))
        if name is None or not self._wanted() or _window(watched) is not _window(self._panel):
            return False
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            button = self._panel.findChild(QPushButton, name)
            if button is not None:
                button.click()
        event.accept()
        return True


def _of_qt(text: str) -> tuple[Any, Any]:
    """A key with two modifiers as Qt tells of it."""
    one, other, letter = text.split("-")
    return getattr(Qt.Key, f"Key_{letter}"), _MODIFIERS[one] | _MODIFIERS[other]


def _window(widget: QWidget) -> QWidget | None:
    """The main window a widget belongs to; the window itself where there is none."""
    found: QWidget | None = widget
    while found is not None and not isinstance(found, QMainWindow):
        found = found.parentWidget()
    return found or widget.window()


def _let_go(keys: weakref.ref[CaseKeys]) -> None:
    """Take the filter away before Python ends: Qt sends events to its filters even after that."""
    filter_, application = keys(), QApplication.instance()
    if filter_ is not None and application is not None:
        with suppress(RuntimeError):  # Its panel, and it with that, has been deleted before.
            application.removeEventFilter(filter_)
