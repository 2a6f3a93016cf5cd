"""A Python child process that talks in lines: an argument list, no shell, killed when it is no longer wanted."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress

from qtpy.QtCore import QObject, QProcess, QProcessEnvironment, Signal

_LOG = logging.getLogger(__name__)
TAIL = 4000  # Characters of stderr that are kept.
NICENESS = 5  # The window comes first.


class ChildProcess(QObject):
    """One run of the Python interpreter.

    Parameters
    ----------
    arguments
        Arguments of the interpreter.
    """

    told = Signal(str)
    """One line of its stdout."""
    ended = Signal(str)
    """It ended by itself; the last line of its stderr."""

    def __init__(self, arguments: list[str], parent: QObject) -> None:
        super().__init__(parent)
        self._errors = ""
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.started.connect(self._give_way)
        self._process.finished.connect(self._on_ended)
        self._process.errorOccurred.connect(self._on_error)
        environment = QProcessEnvironment.systemEnvironment()
        # Threads that wait for work must sleep: spinning, they take the processor from the window.
        environment.insert("OMP_WAIT_POLICY", "PASSIVE")
        self._process.setProcessEnvironment(environment)
        self._process.start(sys.executable, arguments)

    def send(self, line: str) -> None:
        """Write a line to its stdin."""
        self._process.write(line.encode() + b"\n")

    def end(self) -> None:
        """Kill it; nothing is told any more. This object must not be used afterwards."""
        self.blockSignals(True)
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished(2000)
        self.deleteLater()

    def _give_way(self) -> None:
        child = int(self._process.processId())
        if child == 0:  # It has ended already; to the system, 0 would be ourselves.
            return
        with suppress(AttributeError, OSError):  # Not on Windows.
            os.setpriority(os.PRIO_PROCESS, child, NICENESS)

    def _read(self) -> None:
        while self._process.canReadLine():
            self.told.emit(bytes(self._process.readLine()).decode(errors="replace").strip())

    def _read_errors(self) -> None:
        text = bytes(self._process.readAllStandardError()).decode(errors="replace")
        self._errors = (self._errors + text)[-TAIL:]

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # Every other end is told by `finished` too.
            self.ended.emit(f"{sys.executable} cannot be started")

    def _on_ended(self, *_: object) -> None:
        self._read()
        self._read_errors()
        lines = [line.strip() for line in self._errors.splitlines() if line.strip()]
        if lines:
            _LOG.info("the child process ended, its last words: %s", "\n".join(lines))
        self.ended.emit(lines[-1] if lines else "no reason given")
