"""The keys that go from case to case, wherever the focus is; while a study is open they come before napari's own."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from contextlib import suppress

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QMainWindow, QPushButton, QWidget

_CTRL, _ALT, _SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
KEYS = {
    (Qt.Key.Key_N, _CTRL | _ALT): "next_case",
    (Qt.Key.Key_P, _CTRL | _ALT): "previous_case",
    (Qt.Key.Key_N, _CTRL | _SHIFT): "next_unfinished",
    (Qt.Key.Key_P, _CTRL | _SHIFT): "previous_unfinished",
}
"""Key and modifiers, and the object name of the button they press."""


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
        name = KEYS.get((Qt.Key(event.key()), event.modifiers()))
        if name is None or not self._wanted() or _window(watched) is not _window(self._panel):
            return False
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            button = self._panel.findChild(QPushButton, name)
            if button is not None:
                button.click()
        event.accept()
        return True


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
