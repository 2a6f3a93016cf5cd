"""Segmenting in a child process: torch never loads into the window's process, so nothing can block it.

Importing torch in a thread holds the interpreter lock for longer than a window may stand still.
The child stays for the next scan, until it has been idle for a while.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer, Signal

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.child_process import ChildProcess

CHILD = ("-m", "napari_lesionseg.widgets.segment_child")
IDLE_MS = 300_000


@dataclass(frozen=True, eq=False)
class Segmented:
    """A finished prediction of ``scan``: uint8 probability (z, y, x), and how it was made."""

    scan: Volume
    probability: npt.NDArray[np.uint8]
    model: str
    threshold: float
    device: str
    seconds: float


class SegmentWorker(QObject):
    """Segments one scan at a time.

    Parameters
    ----------
    command
        Arguments of the Python interpreter that start the child.
    """

    started = Signal()
    progressed = Signal(int, int, float)
    """Slices done, slices in all, seconds still to go (below 0: not known)."""
    device_chosen = Signal(str)
    """The device that is used, for humans."""
    finished = Signal(object)
    """A ``Segmented``."""
    failed = Signal(str)
    """One sentence."""
    cancelled = Signal()

    def __init__(self, command: tuple[str, ...] = CHILD) -> None:
        super().__init__()
        self.command = command
        self._child: ChildProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._job = 0
        self._scan: Volume | None = None  # The scan under way; None when idle.
        self._began = 0.0
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.timeout.connect(self.close)

    @property
    def running(self) -> bool:
        """Whether a scan is being segmented."""
        return self._scan is not None

    def start(self, scan: Volume, model: Path, device: str) -> None:
        """Segment ``scan``; ignored while another one is being segmented."""
        if self.running:
            return
        self._job += 1
        job = self._job
        self._scan, self._began = scan, time.monotonic()
        self._idle.stop()
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="lesionseg-")
        folder = Path(self._folder.name)
        request = {
            "job": job,
            "scan": str(folder / f"scan-{job}.npy"),
            "out": str(folder / f"probability-{job}.npy"),
            "shape": scan.geometry.shape,
            "affine": scan.geometry.affine.tolist(),
            "intensity": scan.intensity,
            "source": None if scan.source is None else str(scan.source),
            "model": str(model),
            "device": device,
        }
        self._start_child()
        self.started.emit()

        def write_scan() -> None:
            np.save(str(request["scan"]), scan.geometry.to_stored(scan.array))

        run_in_background(write_scan, lambda _: self._send(job, request), lambda error: self._fail(job, str(error)))

    def cancel(self) -> None:
        """Stop at once and discard what there is; does nothing when idle."""
        if not self.running:
            return
        self._scan = None
        self._end_child()
        self.cancelled.emit()

    def close(self) -> None:
        """End the child and remove its files."""
        self._scan = None
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

    def _send(self, job: int, request: dict[str, Any]) -> None:
        if job == self._job and self.running and self._child is not None:
            self._child.send(json.dumps(request))

    def _on_line(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return  # A library may print what it likes.
        if isinstance(told, dict) and told.get("job") == self._job and self.running:
            self._take(told)

    def _take(self, told: dict[str, Any]) -> None:
        if told["event"] == "device":
            self.device_chosen.emit(told["device"])
            self._began = time.monotonic()
        elif told["event"] == "progress":
            done, total = told["done"], told["total"]
            left = (time.monotonic() - self._began) / done * (total - done) if done else -1.0
            self.progressed.emit(done, total, left)
        elif told["event"] == "done":
            self._load(self._job, told)
        elif told["event"] == "failed":
            self._fail(self._job, told["message"])

    def _load(self, job: int, told: dict[str, Any]) -> None:
        def loaded(probability: npt.NDArray[np.uint8]) -> None:
            if job != self._job or self._scan is None:
                return
            scan, self._scan = self._scan, None
            self._idle.start(IDLE_MS)
            result = Segmented(scan, probability, told["model"], told["threshold"], told["device"], told["seconds"])
            self.finished.emit(result)

        def load() -> npt.NDArray[np.uint8]:
            probability: npt.NDArray[np.uint8] = np.load(told["out"])
            Path(told["out"]).unlink()
            return probability

        run_in_background(load, loaded, lambda error: self._fail(job, str(error)))

    def _fail(self, job: int, sentence: str) -> None:
        if job == self._job and self.running:
            self._scan = None
            self._idle.start(IDLE_MS)
            self.failed.emit(sentence)

    def _on_child_ended(self, last_words: str) -> None:
        self._end_child()
        self._fail(
            self._job, f"The segmenting process ended without a result ({last_words}); try again or another device."
        )
