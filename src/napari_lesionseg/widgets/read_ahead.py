"""Scans and truths of a study's cases, read before they are wanted."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets.read_worker import ReadWorker, Wanted
from napari_lesionseg.widgets.study_thread import StudyThread

if TYPE_CHECKING:
    from napari_lesionseg.study import Study

HELD = 2  # Cases in memory beside the open one: the one before and the one to come.


@dataclass(frozen=True, eq=False)
class CaseFiles:
    """Where the files of a case are.

    Parameters
    ----------
    scan
        Proved to be the file that was added.
    geometry
        The scan's grid, as it was when the case was added.
    truth
        The newest truth, if there is one.
    """

    case: str
    scan: Path
    geometry: Geometry
    truth: Path | None


@dataclass(frozen=True, eq=False)
class CaseRead:
    """A case in memory."""

    case: str
    scan: Volume
    truth: Mask | None


class ReadAhead(QObject):
    """Reads one case at a time in a child process, and holds the last few."""

    read = Signal(str)
    """The id of a case that is in memory now."""
    failed = Signal(str, str)
    """The id of a case that cannot be read, and one sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._held: OrderedDict[str, CaseRead] = OrderedDict()
        self._reader = ReadWorker()
        self._reader.done.connect(self._on_done)
        self._reader.asked.connect(self._on_asked)
        self._reader.failed.connect(self._fail)
        self._wanted = ""  # The case being read.
        self._files: CaseFiles | None = None
        self._scan: Volume | None = None

    def want(self, case_id: str, study: StudyThread) -> None:
        """Read a case, in place of the one that is being read; ``read`` or ``failed`` follows."""
        if case_id == self._wanted:
            return
        self._stop()
        self._wanted = case_id

        def found(files: CaseFiles) -> None:
            if self._wanted == case_id and case_id in self._held:
                self._finish(self._held[case_id])  # Its mask was read anew, for it was given away the last time.
            elif self._wanted == case_id:
                self._files = files
                self._reader.read(Wanted(files.scan))

        def missing(error: Exception) -> None:
            if self._wanted == case_id:
                self._fail(str(error))

        study.ask(lambda opened: find_files(opened, case_id), found, missing)

    def take(self, case_id: str) -> CaseRead | None:
        """Give a case that is in memory; it stays there, for its reviewer may come back."""
        return self._held.get(case_id)

    def clear(self) -> None:
        """Read nothing more, and hold nothing."""
        self._stop()
        self._held.clear()

    def close(self) -> None:
        """Stop, and end the child."""
        self.clear()
        self._reader.close()

    def _stop(self) -> None:
        self._wanted, self._files, self._scan = "", None, None
        self._reader.cancel()

    def _on_done(self, volume: Volume | Mask) -> None:
        files = self._files
        if files is None:
            return
        if isinstance(volume, Mask):
            self._finish(CaseRead(files.case, self._scan, volume) if self._scan is not None else None)
        elif not volume.geometry.same_grid(files.geometry):
            self._fail(f"{files.scan} lies on another grid than when it was added; restore it from a backup.")
        elif files.truth is None:
            self._finish(CaseRead(files.case, volume, None))
        else:
            self._scan = volume
            self._reader.read(Wanted(files.truth, "mask"), volume)

    def _on_asked(self, _question: object) -> None:
        self._fail("its file asks back; add it again as a copy (--copy).")

    def _finish(self, case: CaseRead | None) -> None:
        self._wanted, self._files, self._scan = "", None, None
        if case is not None:
            self._held[case.case] = case
            self._held.move_to_end(case.case)
            while len(self._held) > HELD + 1:
                self._held.popitem(last=False)
            self.read.emit(case.case)

    def _fail(self, sentence: str) -> None:
        case, self._wanted, self._files, self._scan = self._wanted, "", None, None
        if case:
            self.failed.emit(case, f"Case {case} cannot be opened: {sentence}")


def find_files(study: Study, case_id: str) -> CaseFiles:
    """Find a case's scan and truth, and let its mask be read ahead.

    Raises
    ------
    LesionsegError
        If the scan is missing or has changed.
    """
    from napari_lesionseg.study.mask_ahead import read_mask_ahead

    case = study.case(case_id)
    study.check_scan(case)
    truth = study.latest(case_id, "truth")
    read_mask_ahead(study, case)
    return CaseFiles(case.id, case.scan, case.geometry, None if truth is None else truth.path)
