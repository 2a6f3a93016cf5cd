"""Jobs in a Python child process, one at a time: arrays travel as files, words as lines of JSON.

What is imported or computed there cannot block the window: an import in a thread would, since loading a library
holds the interpreter lock.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer, Signal

from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.child_process import ChildProcess

IDLE_MS = 300_000  # The child stays this long for the next job.


class JobRunner(QObject):
    """Runs a job in a child whose main loop is ``child_jobs.serve``.

    Parameters
    ----------
    command
        Arguments of the Python interpreter that start the child.
    """

    told = Signal(dict)
    """What the job says on its way."""
    done = Signal(dict)
    """What the job gives back."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self, command: tuple[str, ...], parent: QObject) -> None:
        super().__init__(parent)
        self.command = command
        self._child: ChildProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._job = 0
        self._running = False
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.timeout.connect(self.close)

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._running

    @property
    def folder(self) -> Path:
        """The folder that arrays travel in; it goes with the child."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lesionseg-")
        return Path(self._folder.name)

    def submit(self, request: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Start a job; each array reaches it as the path of a file under its own name in the request."""
        self._job += 1
        self._running = True
        self._idle.stop()
        job, folder = self._job, self.folder
        paths = {name: str(folder / f"{name}-{job}.npy") for name in arrays}
        line = json.dumps({**request, **paths, "job": job, "arrays": sorted(arrays)})
        self._start_child()

        def write() -> None:
            for name, array in arrays.items():
                np.save(paths[name], array)

        run_in_background(write, lambda _: self._send(job, line), lambda error: self._fail(job, str(error)))

    def warm(self) -> None:
        """Start the child before there is a job, so that the job need not wait for it."""
        if self._child is None:
            self._start_child()
            self._idle.start(IDLE_MS)

    def cancel(self) -> None:
        """Kill the job; nothing more is heard of it. Does nothing when idle."""
        if self._running:
            self._running = False
            self._end_child()

    def close(self) -> None:
        """End the child and remove its files."""
        self.cancel()
        self._end_child()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start_child(self) -> None:
        if self._child is None:
            self._child = ChildProcess(list(self.command), self)
            self._child.told.connect(self._on_line)
            self._child.ended.connect(self._on_child_ended)

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _send(self, job: int, line: str) -> None:
        if job == self._job and self._running and self._child is not None:
            self._child.send(line)

    def _on_line(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return  # A library may print what it likes.
        if not isinstance(told, dict) or told.get("job") != self._job or not self._running:
            return
        if told["event"] == "done":
            self._rest()
            self.done.emit(told)
        elif told["event"] == "failed":
            self._fail(self._job, told["message"])
        else:
            self.told.emit(told)

    def _on_child_ended(self, last_words: str) -> None:
        self._end_child()
        self._fail(self._job, f"The child process ended without a result ({last_words}); try again.")

    def _fail(self, job: int, sentence: str) -> None:
        if job == self._job and self._running:
            self._rest()
            self.failed.emit(sentence)

    def _rest(self) -> None:
        self._running = False
        self._idle.start(IDLE_MS)
