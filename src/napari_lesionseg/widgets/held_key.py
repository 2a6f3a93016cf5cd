"""A key that does something for as long as it is held, and is not lost when the focus goes elsewhere meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QWidget

LEFT = (QEvent.Type.ApplicationDeactivate, QEvent.Type.WindowDeactivate)


class HeldKey(QObject):
    """Waits for the release of a key that somebody else saw pressed.

    While it is held all events of the program are looked at: its release goes to whoever has the focus by then,
    and to nobody if another program has it.

    Parameters
    ----------
    owner
        Lives as long as this.
    key
        The key.
    hold
        Called with True when it is pressed, and with False when it is let go or the window is left.
    """

    def __init__(self, owner: QWidget, key: Qt.Key, hold: Callable[[bool], object]) -> None:
        super().__init__(owner)
        self._key, self._hold, self._held = key, hold, False

    def press(self) -> None:
        """Take note that the key is down; it may repeat itself."""
        application = QApplication.instance()
        if not self._held and application is not None:
            self._held = True
            application.installEventFilter(self)
            self._hold(True)

    def release(self) -> None:
        """Let go."""
        application = QApplication.instance()
        if self._held and application is not None:
            self._held = False
            application.removeEventFilter(self)
            self._hold(False)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Notice the release; every event goes its way."""
        if event is not None and (event.type() in LEFT or self._is_release(event)):
            self.release()
        return False

    def _is_release(self, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyRelease or not isinstance(event, QKeyEvent):
            return False
        return bool(event.key() == self._key and not event.isAutoRepeat())
