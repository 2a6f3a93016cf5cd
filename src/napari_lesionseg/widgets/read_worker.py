"""Reading one file in a child process: the window goes on while pydicom loads and slices are stacked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.errors import GeometryQuestion
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.dicom.errors import SegmentQuestion
from napari_lesionseg.widgets.background import run_in_background
from napari_lesionseg.widgets.child_jobs import describe_scan, mask_of, scan_of
from napari_lesionseg.widgets.dicom_parcel import pack
from napari_lesionseg.widgets.job_runner import JobRunner

CHILD = ("-m", "napari_lesionseg.widgets.read_child")
Kind = Literal["scan", "mask", "any"]


@dataclass(frozen=True)
class Wanted:
    """What is to be read.

    Parameters
    ----------
    path
        File or DICOM folder.
    kind
        ``"scan"``, ``"mask"``, or ``"any"`` of the two, as the content tells.
    series, geometry, only
        Answers to questions that the file raised.
    notes
        What a person decided about the file; goes among the scan's warnings.
    """

    path: Path
    kind: Kind = "scan"
    series: str | None = None
    geometry: str | None = None
    only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesRow:
    """One DICOM series to choose from.

    Parameters
    ----------
    refusal
        Why it cannot be opened as it is, None if it can.
    resample
        Whether it can be opened nevertheless, resampled to a regular grid; that is asked about once it is chosen.
    """

    uid: str
    description: str
    modality: str
    slices: int
    spacing_mm: tuple[float, ...] | None
    kernel: str
    refusal: str | None
    resample: bool
    proposed: bool

    @property
    def usable(self) -> bool:
        """Whether it can be chosen."""
        return self.refusal is None or self.resample


@dataclass(frozen=True)
class WhichSeries:
    """The question which series of ``path`` is meant."""

    path: Path
    series: tuple[SeriesRow, ...]


Question = WhichSeries | GeometryQuestion | SegmentQuestion


class ReadWorker(QObject):
    """Reads one file at a time; another request takes the place of the one under way."""

    progressed = Signal(int, int)
    """DICOM slices read so far, and all."""
    done = Signal(object)
    """A ``Volume`` or a ``Mask``."""
    asked = Signal(object)
    """A ``Question``; nothing was read."""
    failed = Signal(str)
    """One sentence."""

    def __init__(self, command: tuple[str, ...] = CHILD) -> None:
        super().__init__()
        self.runner = JobRunner(command, self)
        self.runner.told.connect(lambda told: self.progressed.emit(told["done"], told["total"]))
        self.runner.done.connect(self._on_done)
        self.runner.failed.connect(self._on_failed)
        self._wanted: Wanted | None = None  # What is being read; None when idle.
        self._count = 0

    @property
    def running(self) -> bool:
        """Whether a file is being read."""
        return self._wanted is not None

    def read(self, wanted: Wanted, like: Volume | None = None) -> None:
        """Read ``wanted``; a mask is matched to the scan ``like``."""
        self.cancel()
        self._wanted = wanted
        self._count += 1
        request = {
            "kind": wanted.kind,
            "path": str(wanted.path),
            "series": wanted.series,
            "geometry": wanted.geometry,
            "only": wanted.only,
            "like": None if like is None else describe_scan(like),
            "out": str(self.runner.folder / f"read-{self._count}"),
        }
        parcel = None if like is None or like.dicom is None or wanted.kind == "scan" else like.dicom
        self.runner.submit(request, {} if parcel is None else {"dicom": pack(parcel)})

    def warm(self) -> None:
        """Start the child, while the user still chooses a file."""
        self.runner.warm()

    def cancel(self) -> None:
        """Stop reading; nothing more is heard of it. Does nothing when idle."""
        self._wanted = None
        self.runner.cancel()

    def close(self) -> None:
        """Stop, and end the child."""
        self._wanted = None
        self.runner.close()

    def _on_done(self, told: dict[str, Any]) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        if "question" in told:
            self._wanted = None
            self.asked.emit(_question(told))
            return

        def load() -> Volume | Mask:
            volume = scan_of(told) if "scan" in told else mask_of(told)
            for name in ("scan", "mask", "dicom"):
                if name in told:
                    Path(told[name]).unlink(missing_ok=True)
            return _noted(volume, wanted.notes)

        def loaded(volume: Volume | Mask) -> None:
            if self._wanted is wanted:  # Not cancelled meanwhile.
                self._wanted = None
                self.done.emit(volume)

        run_in_background(load, loaded, lambda error: self._on_failed(str(error)))

    def _on_failed(self, sentence: str) -> None:
        if self._wanted is not None:
            self._wanted = None
            self.failed.emit(sentence)


def _noted(volume: Volume | Mask, notes: tuple[str, ...]) -> Volume | Mask:
    if isinstance(volume, Mask) or not notes:
        return volume
    return replace(volume, warnings=(*notes, *volume.warnings))


def _question(told: dict[str, Any]) -> Question:
    if told["question"] == "segment":
        return SegmentQuestion(told["problem"], told["names"])
    if told["question"] == "geometry":
        return GeometryQuestion(told["problem"], told["choices"])
    return WhichSeries(Path(told["path"]), tuple(SeriesRow(**row) for row in told["series"]))
