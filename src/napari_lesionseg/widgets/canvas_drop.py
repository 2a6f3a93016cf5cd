"""Files and folders dropped on the canvas while the workbench is docked."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QLineEdit, QMainWindow, QWidget


class CanvasDrop(QObject):
    """Takes drops that are scans or masks before napari asks which plugin should read them.

    Other files, several scans as a stack (Shift) and a chosen plugin (Alt) are left to napari.
    """

    dropped = Signal(list)
    """Paths."""

    def watch(self, window: QMainWindow) -> None:
        """Listen to drops on what lies in the middle of ``window``."""
        middle = window.centralWidget()
        for widget in [] if middle is None else middle.findChildren(QWidget):
            if widget.acceptDrops() and not isinstance(widget, QLineEdit):
                widget.installEventFilter(self)  # Asked twice for the same widget, Qt installs it once.

    def eventFilter(self, watched: QObject | None, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Take a drop of ours; everything else goes its way."""
        if event is None or event.type() != QEvent.Type.Drop:
            return False
        paths = _paths(event)
        if not paths:
            return False
        event.acceptProposedAction()
        self.dropped.emit(paths)
        return True


def _paths(event: Any) -> list[str]:
    """The dropped files if all of them are ours, else none."""
    from napari_lesionseg.volumes.read import is_scan_path
    from napari_lesionseg.widgets.presenters.open import is_study

    modifiers = event.modifiers() if hasattr(event, "modifiers") else event.keyboardModifiers()  # Qt 6, Qt 5
    urls = event.mimeData().urls()
    if modifiers & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
        return []
    paths = [url.toLocalFile().rstrip("/") for url in urls if url.isLocalFile()]
    ours = all(is_study(path) or is_scan_path(path) for path in paths)
    return paths if len(paths) == len(urls) and ours else []
