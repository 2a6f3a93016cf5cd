"""Segmenting one scan, or some of its slices, in a child process, with progress and cancel."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.result_key import ResultKey, probability_hash
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.child_jobs import describe_scan
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.segment_child")


@dataclass(frozen=True, eq=False)
class Segmented:
    """A finished prediction: uint8 probability (z, y, x) of ``slices`` of ``scan``, how it was made and of what.

    ``disagreement`` is how far the members of an ensemble are apart, uint8 (z, y, x).
    """

    scan: Volume
    slices: range
    probability: npt.NDArray[np.uint8]
    model: str
    threshold: float
    device: str
    seconds: float
    key: ResultKey
    disagreement: npt.NDArray[np.uint8] | None = None


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
    """A ``Segmented`` of the whole scan."""
    asked = Signal(object)
    """A ``Segmented`` of the slices that were asked for."""
    failed = Signal(str)
    """One sentence."""
    cancelled = Signal()

    def __init__(self, command: tuple[str, ...] = CHILD) -> None:
        super().__init__()
        self.runner = JobRunner(command, self)
        self.runner.told.connect(self._on_told)
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self._scan: Volume | None = None  # The scan under way; None when idle.
        self._slices: range | None = None  # The slices of it that were asked for; None: all.
        self._began = 0.0

    @property
    def running(self) -> bool:
        """Whether a scan is being segmented."""
        return self._scan is not None

    def start(self, scan: Volume, model: Path, device: str, slices: range | None = None) -> None:
        """Segment ``scan``, or only these display slices (z); ignored while another one is being segmented."""
        if self.running:
            return
        self._scan, self._slices = scan, slices
        out, asked = self.runner.folder / "probability.npy", slices or range(len(scan.array))
        how = {"model": str(model), "device": device, "slices": (asked.start, asked.stop), "out": str(out)}
        request = {**describe_scan(scan), **how}
        self.runner.submit(request, {"scan": scan.geometry.to_stored(scan.array)})
        self.started.emit()

    def cancel(self) -> None:
        """Stop at once and discard what there is; does nothing when idle."""
        if self.running:
            self._scan = None
            self.runner.cancel()
            self.cancelled.emit()

    def close(self) -> None:
        """Stop, and end the child."""
        self._scan = None
        self.runner.close()

    def _on_told(self, told: dict[str, Any]) -> None:
        if told["event"] == "device":
            self._began = time.monotonic()
            self.device_chosen.emit(told["device"])
        elif told["event"] == "progress":
            done, total = told["done"], told["total"]
            left = (time.monotonic() - self._began) / done * (total - done) if done else -1.0
            self.progressed.emit(done, total, left)

    def _on_done(self, told: dict[str, Any]) -> None:
        scan, slices = self._scan, self._slices

        def load() -> Segmented | None:
            return None if scan is None else load_result(scan, slices or range(len(scan.array)), told)

        def loaded(result: Segmented | None) -> None:
            if result is not None and self._scan is result.scan:  # Not cancelled meanwhile.
                self._scan = None
                (self.finished if slices is None else self.asked).emit(result)

        run_in_background(load, loaded, lambda error: self._on_failed(str(error)))

    def _on_failed(self, sentence: str) -> None:
        if self.running:
            self._scan = None
            self.failed.emit(sentence)


def load_result(scan: Volume, slices: range, told: dict[str, Any]) -> Segmented:
    """Read, check and remove the files of a child's answer ``told``.

    Raises
    ------
    LesionsegError
        If a file is not what the child wrote, or is of another scan.
    """
    try:
        probability = _taken(Path(told["out"]))
        disagreement = _taken(Path(told["disagreement"])) if "disagreement" in told else None
    except (OSError, ValueError, EOFError) as error:
        raise LesionsegError("The result of segmenting cannot be read; segment the scan again.") from error
    key = ResultKey.parse(told["key"])
    key.check_scan(scan)
    if probability_hash(probability) != told["probability"]:
        raise LesionsegError("The result of segmenting was changed on its way; segment the scan again.")
    how = {name: told[name] for name in ("model", "threshold", "device", "seconds")}
    return Segmented(scan, slices, probability, key=key, disagreement=disagreement, **how)


def _taken(file: Path) -> npt.NDArray[np.uint8]:
    array: npt.NDArray[np.uint8] = np.load(file, allow_pickle=False)
    file.unlink()
    return array
