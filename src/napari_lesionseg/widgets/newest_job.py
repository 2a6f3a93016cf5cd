"""Jobs in a child of which only the newest one matters: what is asked for meanwhile is done next."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.widgets.job_runner import JobRunner

Asked = TypeVar("Asked")


class NewestJob(QObject, Generic[Asked]):
    """Does one job at a time.

    Parameters
    ----------
    command
        Arguments of the Python interpreter that start the child.
    """

    failed = Signal(str)
    """One sentence."""

    def __init__(self, command: tuple[str, ...]) -> None:
        super().__init__()
        self._runner = JobRunner(command, self)
        self._runner.done.connect(self._on_done)
        self._runner.failed.connect(self._on_failed)
        self._next: Asked | None = None
        self._stale = False

    def forget(self) -> None:
        """Tell nothing of what is being done: it belongs to what is no longer open."""
        self._next, self._stale = None, True

    def close(self) -> None:
        """Stop, and end the child."""
        self.forget()
        self._runner.close()

    def _ask(self, asked: Asked) -> None:
        if self._runner.running:
            self._next = asked if self._next is None else self._both(self._next, asked)
            return
        self._next, self._stale = None, False
        self._submit(asked)

    def _submit(self, asked: Asked) -> None:
        """Give the job to ``self._runner``."""
        raise NotImplementedError

    def _both(self, _waiting: Asked, asked: Asked) -> Asked:
        """What is to be done next: the newest."""
        return asked

    def _take(self, told: dict[str, Any], *, stale: bool) -> None:
        """Tell what the job gave back; if it is stale, only clean up."""
        raise NotImplementedError

    def _on_done(self, told: dict[str, Any]) -> None:
        self._take(told, stale=self._stale)
        self._go_on()

    def _on_failed(self, sentence: str) -> None:
        if not self._stale:
            self.failed.emit(sentence)
        self._go_on()

    def _go_on(self) -> None:
        if self._next is not None:
            self._ask(self._next)
