"""The trainer as a child process: it prints one event a line, and a crash of it never takes the window along."""

from __future__ import annotations

import logging
import sys
from collections import deque

from lesionseg_training.events import Failed, Finished, parse_line
from qtpy.QtCore import QObject, QProcess, Signal

_LOG = logging.getLogger(__name__)
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
        self._command = command
        self._process: QProcess | None = None
        self._errors: deque[str] = deque(maxlen=20)
        self._outcome: Finished | Failed | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._process is not None

    def start(self, arguments: list[str]) -> None:
        """Start a run with the trainer's own arguments; ignored while another one is under way."""
        if self.running:
            return
        self._errors.clear()
        self._outcome = None
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._on_ended)
        self._process.errorOccurred.connect(self._on_ended)
        self._process.start(sys.executable, [*self._command, *arguments])
        self.started.emit()

    def stop(self) -> None:
        """Kill the run; its files stay as they are, and it can be resumed. Does nothing when idle."""
        if self.running:
            self._end()
            self.stopped.emit()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(2000)
            process.deleteLater()

    def _read(self) -> None:
        while self._process is not None and self._process.canReadLine():
            event = parse_line(bytes(self._process.readLine()).decode(errors="replace"))
            if isinstance(event, Finished | Failed):
                self._outcome = event
            if event is not None:
                self.reported.emit(event)

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError()).decode(errors="replace")
            self._errors.extend(line for line in text.splitlines() if line.strip())

    def _on_ended(self, *_: object) -> None:
        self._read()
        self._read_errors()
        self._end()
        if isinstance(self._outcome, Finished):
            self.finished.emit(self._outcome)
        elif isinstance(self._outcome, Failed):
            self.failed.emit(self._outcome.message)
        else:
            _LOG.error("the trainer ended: %s", "\n".join(self._errors))
            last = self._errors[-1] if self._errors else "no reason given"
            self.failed.emit(f"The training ended without a model ({last}); try again with other settings.")
