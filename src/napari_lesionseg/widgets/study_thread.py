"""Questions to a study, answered one after the other in a thread of their own, so that the window never waits."""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.errors import LesionsegError

if TYPE_CHECKING:
    from napari_lesionseg.study import Study

CLOSE_SECONDS = 60.0  # Masks that are being kept are waited for; their edits are in the journal in any case.


def _ignore(_: Any) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class _Question:
    work: Callable[[Study], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]


class StudyThread(QObject):
    """A study that is asked from the window; it is opened by the first question, in the thread.

    Parameters
    ----------
    folder
        The study's.
    """

    _answered = Signal(object, object)  # What to call with what; its receiver lives in the window's thread.

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._silent = False
        self._answered.connect(self._on_answered)
        # A daemon, for a window that was not closed in order must not keep the program alive.
        self._thread = threading.Thread(target=self._run, name="study", daemon=True)
        atexit.register(self.close)  # What was asked for is done before the program ends.
        self._thread.start()

    def ask(
        self,
        work: Callable[[Study], Any],
        done: Callable[[Any], None] = _ignore,
        failed: Callable[[Exception], None] = _ignore,
    ) -> None:
        """Do ``work`` with the study in the thread, then call ``done`` or ``failed`` in the window's."""
        self._questions.put(_Question(work, done, failed))

    def end(self) -> None:
        """Answer nothing any more; what was asked for is still done, and then the thread ends."""
        self._silent = True
        self._questions.put(None)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Answer nothing any more, and wait until all that was asked for is done."""
        self.end()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._answer_all()
        finally:
            atexit.unregister(self.close)

    def _answer_all(self) -> None:
        study: Study | None = None
        while (question := self._questions.get()) is not None:
            try:
                study = study or _open(self.folder)
                answer: tuple[Any, Any] = (question.done, question.work(study))
            except Exception as error:
                answer = (question.failed, error)
            if not self._silent:
                try:
                    self._answered.emit(*answer)
                except RuntimeError:  # Qt has deleted this object: the window is gone.
                    self._silent = True

    def _on_answered(self, call: Callable[[Any], None], told: Any) -> None:
        if not self._silent:
            call(told)


def _open(folder: Path) -> Study:
    from napari_lesionseg.study.reopen import reopen_study  # In the thread: it brings SQLAlchemy.

    try:
        return reopen_study(folder)
    except OSError as error:
        raise LesionsegError(
            f"{folder} cannot be read: {error.strerror}; check the disk and the permissions."
        ) from error
