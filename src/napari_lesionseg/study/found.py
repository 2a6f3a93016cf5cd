"""What a source of scans offers to a study: each scan with its masks and the reason, and what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lesionseg.study.records import Role


@dataclass(frozen=True)
class FoundMask:
    """A mask that belongs to a scan.

    Parameters
    ----------
    path
        Its file.
    role
        What it is kept as.
    reason
        Why it belongs to the scan, in words.
    reviewer, model
        Who drew it, what predicted it; empty where that is nobody or not known.
    slices
        Display z of the slices a person vouches for; None means every slice.
    """

    path: Path
    role: Role
    reason: str = ""
    reviewer: str = ""
    model: str = ""
    slices: tuple[int, ...] | None = None


@dataclass(frozen=True)
class FoundScan:
    """A scan, and what is known of it.

    Parameters
    ----------
    path
        Its file, or the folder of a DICOM series.
    masks
        Oldest first.
    group
        Scans of one group are of one patient; empty where nothing tells, then the scan is a patient of its own.
    case, patient
        The ids it has where it comes from; None where it has none, or one that may say who the patient is.
    """

    path: Path
    masks: tuple[FoundMask, ...] = ()
    group: str = ""
    case: str | None = None
    patient: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file that is not taken, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """All that a source offers."""

    scans: tuple[FoundScan, ...]
    left_out: tuple[LeftOut, ...] = ()
