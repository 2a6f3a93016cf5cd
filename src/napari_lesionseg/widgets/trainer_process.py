"""The trainer as a child process: it prints one event a line, and a crash of it never takes the window along."""

from __future__ import annotations

from lesionseg_training.events import Failed, Finished, parse_line
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.widgets.child_process import ChildProcess

MODULE = ("-m", "lesionseg_training")


class TrainerProcess(QObject):
    """Runs the trainer, one run at a time.

    Parameters
    ----------
    command
        Arguments of the Python interpreter that start the trainer.
    """

    started = Signal()
    reported = Signal(object)
    """An event of ``lesionseg_training.events``."""
    finished = Signal(object)
    """The last ``Finished`` event."""
    stopped = Signal()
    """The user stopped the run."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self, command: tuple[str, ...] = MODULE) -> None:
        super().__init__()
        self.command = command
        self._child: ChildProcess | None = None
        self._outcome: Finished | Failed | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._child is not None

    def start(self, arguments: list[str]) -> None:
        """Start a run with the trainer's own arguments; ignored while another one is under way."""
        if self.running:
            return
        self._outcome = None
        self._child = ChildProcess([*self.command, *arguments], self)
        self._child.told.connect(self._on_line)
        self._child.ended.connect(self._on_ended)
        self.started.emit()

    def stop(self) -> None:
        """Kill the run; its files stay as they are, and it can be resumed. Does nothing when idle."""
        if self.running:
            self._end()
            self.stopped.emit()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _on_line(self, line: str) -> None:
        event = parse_line(line)
        if isinstance(event, Finished | Failed):
            self._outcome = event
        if event is not None:
            self.reported.emit(event)

    def _on_ended(self, last_words: str) -> None:
        self._end()
        if isinstance(self._outcome, Finished):
            self.finished.emit(self._outcome)
        elif isinstance(self._outcome, Failed):
            self.failed.emit(self._outcome.message)
        else:
            self.failed.emit(f"The training ended without a model ({last_words}); try again with other settings.")
