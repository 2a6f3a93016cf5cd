"""A window is not closed over corrections that were never exported, unless its user says so."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_lesionseg.review.session import Session

Button = QMessageBox.StandardButton
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class CloseGuard(QObject):
    """Asks before a window with unexported corrections closes: save them, discard them, or stay.

    A viewer that code closes (``viewer.close()``) is not asked about: napari takes its canvas away first.

    Parameters
    ----------
    session
        Knows whether there are such corrections.
    save
        Starts the export, and calls what it is given once the mask is saved.
    is_kept
        Says whether every correction is in the journal: then nobody is asked.
    parent
        As long as this exists, its window is guarded.
    """

    def __init__(
        self,
        session: Session,
        save: Callable[[Callable[[], None]], None],
        is_kept: Callable[[], bool],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._save, self._is_kept = session, save, is_kept
        self._watched: weakref.ref[QMainWindow] | None = None  # A guard must not keep a closed window.

    def watch(self, window: QMainWindow) -> None:
        """Guard ``window``."""
        self._watched = weakref.ref(window)
        window.installEventFilter(self)

    @property
    def _window(self) -> QMainWindow | None:
        return None if self._watched is None else self._watched()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Stop the window's closing if corrections would be lost by it."""
        if event is None or event.type() != QEvent.Type.Close or watched is not self._window:
            return False
        if not self._session.dirty or self._closed_by_code() or self._is_kept() or self._may_close():
            return False
        event.ignore()
        return True

    def _closed_by_code(self) -> bool:
        middle = None if self._window is None else self._window.centralWidget()
        inside = [] if middle is None else middle.findChildren(QWidget, "", _DIRECT)
        return bool(inside) and all(widget.isHidden() for widget in inside)

    def _may_close(self) -> bool:
        box = QMessageBox(self._window)
        box.setObjectName("close_dialog")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle("Save corrections?")
        box.setText("Corrections of the open scan are neither saved nor exported.")
        save = box.addButton(Button.Save)
        discard = box.addButton(Button.Discard)
        box.addButton(Button.Cancel)
        box.setDefaultButton(save)
        box.exec()
        clicked = box.clickedButton()
        box.deleteLater()
        if clicked is save:
            self._save(self._close)
        return clicked is discard

    def _close(self) -> None:
        if self._window is not None:
            self._window.close()
