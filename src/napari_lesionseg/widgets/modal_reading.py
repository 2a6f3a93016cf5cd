"""Reading for napari's own menus, which wait for the layers: the window stays alive under a small dialog."""

from __future__ import annotations

from qtpy.QtCore import QObject, QThread
from qtpy.QtWidgets import QApplication, QDialog, QVBoxLayout, QWidget

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.parts import button, note
from napari_lesionseg.widgets.questions import answer
from napari_lesionseg.widgets.read_worker import Question, ReadWorker, Wanted


class ReadingDialog(QDialog):
    """Reads one file while it is shown, asking what the file leaves open; Cancel and Escape stop it.

    Parameters
    ----------
    wanted
        What to read.
    like
        The open scan, which a DICOM mask is matched to.
    """

    def __init__(self, wanted: Wanted, like: Volume | None, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Reading")
        self.setObjectName("reading_dialog")
        self.result_: Volume | Mask | None = None
        self.problem = ""
        self._wanted, self._like = wanted, like
        self._worker = ReadWorker()
        self._worker.setParent(self)
        self._worker.progressed.connect(self._on_progress)
        self._worker.done.connect(self._on_done)
        self._worker.asked.connect(self._on_asked)
        self._worker.failed.connect(self._on_failed)
        cancel = button("reading_cancel", "Cancel", "Stop reading; nothing is opened")
        cancel.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        self._text = note("reading_text", f"Reading {wanted.path.name}…")
        layout.addWidget(self._text)
        layout.addWidget(cancel)

    def read(self) -> Volume | Mask:
        """Read it.

        Raises
        ------
        Cancelled
            If the user did not wait or did not answer.
        LesionsegError
            If it cannot be read.
        """
        self._worker.read(self._wanted, self._like)
        self.exec()
        self._worker.close()
        self.deleteLater()
        if self.problem:
            raise LesionsegError(self.problem)
        if self.result_ is None:
            raise Cancelled
        return self.result_

    def _on_progress(self, done: int, total: int) -> None:
        self._text.setText(f"Reading {self._wanted.path.name}: slice {done} of {total}")

    def _on_done(self, volume: Volume | Mask) -> None:
        self.result_ = volume
        self.accept()

    def _on_asked(self, question: Question) -> None:
        answered = answer(question, self._wanted, self)
        if answered is None:
            self.reject()
            return
        self._wanted = answered
        self._worker.read(answered, self._like)

    def _on_failed(self, sentence: str) -> None:
        self.problem = sentence
        self.reject()


def read_modally(wanted: Wanted, like: Volume | None) -> Volume | Mask:
    """Read ``wanted`` in a child under a dialog; at once where there is no window.

    Raises
    ------
    Cancelled
        If the user did not wait or did not answer.
    LesionsegError
        If it cannot be read.
    """
    if not _in_window_thread():
        from napari_lesionseg.widgets.read_child import read_as

        return read_as(wanted.kind, wanted.path, like, series=wanted.series, geometry=wanted.geometry, only=wanted.only)
    return ReadingDialog(wanted, like, QApplication.activeWindow()).read()


def _in_window_thread() -> bool:
    application: QObject | None = QApplication.instance()
    return application is not None and application.thread() is QThread.currentThread()
