"""Segmenting in a child process: torch never loads into the window's process, so nothing can block it.

Importing torch in a thread holds the interpreter lock for longer than a window may stand still.
The child stays for the next scan, until it has been idle for a while.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QProcess, QTimer, Signal

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.background import run_in_background

_LOG = logging.getLogger(__name__)
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
        self._command = command
        self._process: QProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._job = 0
        self._scan: Volume | None = None  # The scan under way; None when idle.
        self._began = 0.0
        self._errors: deque[str] = deque(maxlen=20)
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
        if self._process is not None:
            return
        self._errors.clear()
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._on_child_ended)
        self._process.errorOccurred.connect(self._on_child_ended)
        self._process.start(sys.executable, list(self._command))

    def _end_child(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(2000)
            process.deleteLater()

    def _send(self, job: int, request: dict[str, Any]) -> None:
        if job == self._job and self.running and self._process is not None:
            self._process.write(json.dumps(request).encode() + b"\n")

    def _read(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine()).decode(errors="replace").strip()
            if line.startswith("{"):
                self._take(json.loads(line))

    def _read_errors(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError()).decode(errors="replace")
            self._errors.extend(line for line in text.splitlines() if line.strip())

    def _take(self, told: dict[str, Any]) -> None:
        if told["job"] != self._job or not self.running:
            return
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

    def _on_child_ended(self, *_: object) -> None:
        self._read_errors()
        _LOG.error("the segmenting process ended: %s", "\n".join(self._errors))
        last = self._errors[-1] if self._errors else "no reason given"
        self._end_child()
        self._fail(self._job, f"The segmenting process ended without a result ({last}); try again or another device.")
