"""Reading one file after the other beside the window, and asking what a file leaves open."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.questions import answer
from napari_lesionseg.widgets.read_worker import Question, ReadWorker, Wanted

Show = Callable[[Any], None]


class Reading:
    """A queue of files; what was read is shown, and what cannot be read is told in one sentence.

    Parameters
    ----------
    context
        Its reader reads, unless another one is given.
    parent
        Over which widget questions are asked.
    state
        Told the name of the file under way, ``""`` when there is none.
    like
        Gives the scan that masks belong to, the open one by default.
    """

    def __init__(
        self,
        context: Context,
        parent: QWidget,
        state: Callable[[str], None],
        reader: ReadWorker | None = None,
        like: Callable[[], Volume | None] | None = None,
    ) -> None:
        self._context, self._parent, self._state = context, parent, state
        self._reader = reader or context.reader
        self._likes = like or (lambda: context.session.scan)
        self._queue: deque[tuple[Wanted, Show]] = deque()
        self._now: tuple[Wanted, Show] | None = None
        self._like: Volume | None = None
        self._reader.done.connect(self._on_done)
        self._reader.asked.connect(self._on_asked)
        self._reader.failed.connect(self._on_failed)

    def want(self, wanted: Wanted, show: Show) -> None:
        """Read ``wanted`` and ``show`` it; a scan takes the place of all that was still to be read."""
        if wanted.kind == "scan":
            self.stop()
        self._queue.append((wanted, show))
        if self._now is None:
            self._next()

    def stop(self) -> None:
        """Read nothing more."""
        self._queue.clear()
        self._reader.cancel()
        self._now = None
        self._state("")

    def _next(self) -> None:
        self._now = self._queue.popleft() if self._queue else None
        self._state("" if self._now is None else self._now[0].path.name)
        if self._now is not None:
            self._like = self._likes()
            self._reader.read(self._now[0], self._like)

    def _on_done(self, volume: Volume | Mask) -> None:
        if self._now is None:
            return
        stale = isinstance(volume, Mask) and self._likes() is not self._like
        if not stale:  # Otherwise another scan was opened meanwhile.
            try:
                self._now[1](volume)
            except Exception as error:
                self._context.report(error)
        self._next()

    def _on_asked(self, question: Question) -> None:
        if self._now is None:
            return
        wanted, show = self._now
        self._state("")
        answered = answer(question, wanted, self._parent.window())
        if answered is not None:
            self._queue.appendleft((answered, show))
        self._next()

    def _on_failed(self, sentence: str) -> None:
        self._context.complain(sentence)
        self._next()
