"""A dock beside the canvas with the views in it: above each other, or beside each other where it is wide."""

from __future__ import annotations

from contextlib import suppress

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QCloseEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import QBoxLayout, QDockWidget, QMainWindow, QWidget

WIDTH = 300  # Pixels.
SETTLED_MS = 50  # By then the docks have their places, without which Qt takes no width.


class ViewsDock(QDockWidget):
    """Holds views; where there is no main window it is a window of its own."""

    closed = Signal()
    """A person closed it."""

    def __init__(self, name: str, title: str, views: tuple[QWidget, ...], beside: QWidget) -> None:
        main = beside.window()
        super().__init__(title, main)
        self.setObjectName(name)
        self._placed = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._take_width)
        self.inner = _Inner(views)
        self.setWidget(self.inner)
        if isinstance(main, QMainWindow):
            self._dock(main, beside)
        else:
            self.setFloating(True)

    def _dock(self, main: QMainWindow, beside: QWidget) -> None:
        """Take a place between the canvas and the dock that ``beside`` is in."""
        main.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
        dock: QWidget | None = beside
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        if dock is not None and main.dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea:
            main.splitDockWidget(self, dock, Qt.Orientation.Horizontal)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take its width once it has a place; a hand may change it then."""
        super().showEvent(event)
        if not self._placed:
            self._placed = True
            self._settle.start(SETTLED_MS)

    def _take_width(self) -> None:
        main = self.parentWidget()
        if isinstance(main, QMainWindow):
            main.resizeDocks([self], [WIDTH], Qt.Orientation.Horizontal)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell that it was closed."""
        super().closeEvent(event)
        self.closed.emit()

    def let_go(self) -> None:
        """Take the dock and its views away, also from memory."""
        with suppress(RuntimeError):  # A window that is closed may have taken it along.
            main = self.parentWidget()
            if isinstance(main, QMainWindow):
                main.removeDockWidget(self)
            self.hide()
            self.deleteLater()


class _Inner(QWidget):
    def __init__(self, views: tuple[QWidget, ...]) -> None:
        super().__init__()
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        for view in views:
            self._layout.addWidget(view)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Put the views beside each other where there is more width than height."""
        wide = self.width() > self.height()
        self._layout.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        super().resizeEvent(event)
