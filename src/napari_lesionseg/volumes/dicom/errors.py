"""What a DICOM folder or mask may ask back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError

if TYPE_CHECKING:
    from napari_lesionseg.volumes.dicom.series import SeriesSummary

_LISTED = 8  # More would be no sentence any more; the chooser and --json show all.


class SeriesQuestion(LesionsegError):
    """Several series are there, and none was chosen.

    Parameters
    ----------
    path
        What was opened.
    series
        The series in the order they are proposed; choose one by its ``uid`` or its number from 1.
    """

    def __init__(self, path: Path, series: Sequence[SeriesSummary]) -> None:
        self.path, self.series = path, list(series)
        listed = "; ".join(f"{n} {one.in_words}" for n, one in enumerate(self.series[:_LISTED], start=1))
        more = f"; and {len(self.series) - _LISTED} more" if len(self.series) > _LISTED else ""
        super().__init__(f"{path} holds {len(self.series)} series ({listed}{more}); choose one with --series NUMBER.")


class SegmentQuestion(LesionsegError):
    """The regions of a DICOM mask overlap, and a mask holds one label a voxel; a person chooses one of them.

    Parameters
    ----------
    problem
        Which of them overlap, in one sentence without what to do.
    names
        Of all regions; pass one as ``only=`` to go on.
    """

    def __init__(self, problem: str, names: Sequence[str]) -> None:
        self.problem, self.names = problem, list(names)
        listed = ", ".join(repr(name) for name in self.names[:_LISTED])
        more = f" and {len(self.names) - _LISTED} more" if len(self.names) > _LISTED else ""
        super().__init__(f"{problem}; choose one of {listed}{more} in the window, or with lesionseg export --segment.")
