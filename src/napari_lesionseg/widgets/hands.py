"""What a scripted user does with a window: press a button or a key, draw with the mouse, wait, and take a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QEventLoop, QPoint, QPointF, QSize, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QDialog, QLineEdit, QMessageBox, QWidget

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.widgets.workbench import Workbench

MOVE_MS = 8  # napari leaves out mouse moves that follow each other faster.
QUESTION_SECONDS = 10
PRESS_SECONDS = 20
_KEYS: Any = QTest  # Its type stubs take every method for one of an object.
Point = tuple[float, float]  # y, x in mm on the slice that is shown.


class Hands:
    """A user of one window; complaints of the workbench end what waits.

    Parameters
    ----------
    pictures
        The folder pictures go to; None: none are taken.
    """

    def __init__(self, viewer: napari.Viewer, workbench: Workbench, pictures: Path | None) -> None:
        self.viewer, self.workbench, self.pictures = viewer, workbench, pictures
        self.pen = Pen(viewer)
        self.problems: list[str] = []
        workbench.context.problem.connect(self.problems.append)
        self._last = "the beginning"
        self._seen: tuple[QWidget | None, int] = (None, 0)  # A dialog, and for how many seconds it has been open.
        self._watch = QTimer(workbench)
        self._watch.timeout.connect(self._look_for_questions)
        self._watch.start(1000)

    def press(self, name: str) -> None:
        """Click the button of that object name, in the workbench or in the dialog that is open, once it can be."""
        found = _button(QApplication.activeModalWidget(), name) or _button(self.workbench, name)
        if found is None:
            raise failure(f"There is no button {name}.")
        self._last = f"looking for the button {name}"
        self.wait(found.isEnabled, PRESS_SECONDS)
        self._last = f"the button {name}"
        found.click()

    def write(self, name: str, text: str) -> None:
        """Type into the line of that object name, in place of what it says, and press Enter."""
        line = self.workbench.findChild(QLineEdit, name)
        if line is None:
            raise failure(f"There is no line {name} to write in.")
        line.setFocus()
        line.selectAll()
        _KEYS.keyClicks(line, text)
        _KEYS.keyClick(line, Qt.Key.Key_Return)

    def wait(self, until: Callable[[], bool], seconds: float) -> None:
        """Let the window go on until something holds."""
        for _ in range(int(seconds * 50)):
            require(not self.problems, " ".join(self.problems))
            if until():
                return
            pause(20)
        raise failure(f"After {self._last}, the window took longer than {seconds:.0f} s.")

    def when_asked(self, answer: Callable[[QDialog], None]) -> None:
        """Answer the next dialog, which is going to be opened by a press."""

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, QDialog) and dialog.isVisible():
                answer(dialog)
            else:
                QTimer.singleShot(20, look)

        QTimer.singleShot(20, look)

    def _look_for_questions(self) -> None:
        """Close a dialog that nobody expects: it would be waited for without an end."""
        dialog = QApplication.activeModalWidget()
        self._seen = (dialog, self._seen[1] + 1 if dialog is self._seen[0] else 0)
        if isinstance(dialog, QDialog) and self._seen[1] >= QUESTION_SECONDS:
            text = dialog.text() if isinstance(dialog, QMessageBox) else dialog.windowTitle()
            self.problems.append(f"Nobody answered a question: {text}")
            dialog.reject()

    def draw(self, points: Sequence[Point]) -> None:
        """Press the left button at the first point, move through all of them, and let it go at the last."""
        for _ in self.pen.steps(points):
            pause(MOVE_MS)

    def key(self, keys: Any, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key while the picture has the focus."""
        canvas: QWidget = self.viewer.window._qt_viewer.canvas.native
        _KEYS.keyClick(canvas, keys, modifiers)

    def picture(self, name: str, of: QWidget | None = None) -> None:
        """Save a picture of the whole window, or of one widget, as ``name``.png."""
        if self.pictures is None:
            return
        pause(400)
        for widget in QApplication.allWidgets():
            if type(widget).__name__ == "NapariQtNotification":  # napari's own news would hide the scan.
                widget.close()
        pause(100)
        path = str(self.pictures / f"{name}.png")
        if of is None:
            self.viewer.screenshot(path, canvas_only=False, flash=False)
        else:
            of.grab().save(path)


class Pen:
    """The mouse on the canvas of one viewer."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer

    def steps(self, points: Sequence[Point]) -> Iterator[None]:
        """Press the left button at the first point, move through all of them, and let it go; a yield after each."""
        canvas: QWidget = self._viewer.window._qt_viewer.canvas.native
        where = [self._on_canvas(canvas.size(), point) for point in points]
        _mouse(canvas, QMouseEvent.Type.MouseMove, where[0], Qt.MouseButton.NoButton)
        _mouse(canvas, QMouseEvent.Type.MouseButtonPress, where[0], Qt.MouseButton.LeftButton)
        yield
        for place in where[1:]:
            _mouse(canvas, QMouseEvent.Type.MouseMove, place, Qt.MouseButton.LeftButton)
            yield
        _mouse(canvas, QMouseEvent.Type.MouseButtonRelease, where[-1], Qt.MouseButton.LeftButton)
        yield

    def _on_canvas(self, size: QSize, point: Point) -> QPointF:
        camera = self._viewer.scene.camera
        y, x = (size.height() / 2, size.width() / 2)
        return QPointF(
            x + camera.zoom * (point[1] - camera.center[-1]), y + camera.zoom * (point[0] - camera.center[-2])
        )


def pause(milliseconds: int) -> None:
    """Let the window go on for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def failure(sentence: str) -> LesionsegError:
    """Make the error that ends a demo."""
    return LesionsegError(f"The demo failed: {sentence}")


def require(holds: bool, otherwise: str) -> None:
    """Stop the demo with one sentence unless ``holds``."""
    if not holds:
        raise failure(otherwise)


def _button(owner: QWidget | None, name: str) -> QAbstractButton | None:
    return None if owner is None else owner.findChild(QAbstractButton, name)


def _mouse(canvas: QWidget, kind: Any, place: QPointF, held: Any) -> None:
    button = Qt.MouseButton.NoButton if kind == QMouseEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    after = Qt.MouseButton.NoButton if kind == QMouseEvent.Type.MouseButtonRelease else held
    whole = QPointF(canvas.mapToGlobal(QPoint(round(place.x()), round(place.y()))))
    event = QMouseEvent(kind, place, whole, button, after, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)
