"""The series behind a path, the thin lung series of a chest first, each with what a person needs to choose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.checks import Fault, fault_of
from napari_lesionseg.volumes.dicom.find import Found, opened
from napari_lesionseg.volumes.dicom.grouping import Stack, heights, stacks_of
from napari_lesionseg.volumes.dicom.headers import Damaged, Slice, is_image, read_file, slices_of
from napari_lesionseg.volumes.dicom.kernels import is_lung_kernel

THIN_MM = 3.0
_CHEST = re.compile(r"chest|thor|lung|pulm|hrct|\bcap\b|\btap\b", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class SeriesSummary:
    """One series, or one stack of a series that holds several, in the words of a chooser.

    Parameters
    ----------
    uid
        What ``read_series`` takes: the series instance UID, with ``#1``, ``#2`` … behind it if a series
        holds several stacks.
    spacing_mm
        Between slices, rows and columns; None where the headers do not say.
    shape
        Slices, rows, columns.
    refusal
        Why it cannot be read, in one sentence; None if it can.
    proposed
        Whether this is the one to propose.
    fault
        The refusal by its kind; ``can_be_resampled`` tells whether ``geometry="resample"`` reads it.
    files
        The slices' files as a sentence calls them: relative to the folder, or inside the zip.
    """

    uid: str
    description: str
    modality: str
    kernel: str
    slices: int
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    slice_thickness_mm: float | None
    refusal: str | None
    proposed: bool
    files: tuple[str, ...]
    fault: Fault | None
    stack: Stack = field(repr=False)

    @property
    def in_words(self) -> str:
        """The series in a few words, for a list."""
        spacing = f", {self.spacing_mm[0]:.3g} mm apart" if self.spacing_mm and self.slices > 1 else ""
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        state = ", not readable" if self.refusal else ""
        title = self.description or "without description"
        return f"{self.modality or '?'} {title}: {self.slices} slices{spacing}{kernel}{state}"


def find_series(path: str | Path) -> list[SeriesSummary]:
    """List the series in a folder and all below it, in a file, a DICOMDIR or a zip, the proposed one first.

    Raises
    ------
    LesionsegError
        If there is no DICOM image, or a zip or DICOMDIR cannot be trusted.
    """
    path = Path(path)
    with opened(path) as files:
        return summaries(path, files)[0]


def summaries(path: Path, files: Iterable[Found]) -> tuple[list[SeriesSummary], list[str]]:
    """The series in ``files``, and the names of files that are damaged.

    Raises
    ------
    LesionsegError
        If there is no DICOM image.
    """
    slices: list[Slice] = []
    damaged, others = [], 0
    for each in files:
        try:
            file = read_file(*each)
            if file is None or not is_image(file):
                others += file is not None
                continue
            slices += slices_of(file)
        except Damaged as error:
            damaged.append(str(error))
    if sized := [one for one in slices if one.rows]:
        damaged += [one.file.name for one in slices if not one.rows]  # Cut off in the header.
        slices = sized
    if not slices:
        raise _nothing(path, damaged, others)
    stacks = stacks_of(slices)
    stacks_in, numbered = Counter(stack.series for stack in stacks), Counter[str]()
    found = []
    for stack in stacks:
        numbered[stack.series] += 1
        several = f"#{numbered[stack.series]}" if stacks_in[stack.series] > 1 else ""
        found.append(_summary(stack, stack.series + several))
    found.sort(key=_rank)
    if found[0].refusal is None:
        found[0] = replace(found[0], proposed=True)
    return found, damaged


def _nothing(path: Path, damaged: list[str], others: int) -> LesionsegError:
    if damaged:
        return LesionsegError(f"{path} cannot be read, {damaged[0]} is damaged; copy or export it again.")
    if others:
        return LesionsegError(f"{path} holds DICOM, but no image; choose the files of a CT scan.")
    return LesionsegError(f"{path} holds no DICOM; choose a folder of DICOM files, a DICOMDIR or a zip of them.")


def _summary(stack: Stack, uid: str) -> SeriesSummary:
    first, fault = stack.first, fault_of(stack)
    spacing = None
    if all(one.placed for one in stack.slices):
        places = np.sort(heights(stack.slices))
        between = float(np.median(np.diff(places))) if len(places) > 1 else float(first.thickness or 0)
        spacing = (between, first.spacing[0], first.spacing[1])
    file = first.file
    return SeriesSummary(
        uid=uid,
        description=file.text("SeriesDescription") or file.text("ProtocolName"),
        modality=file.modality,
        kernel=first.mark("ConvolutionKernel"),
        slices=len(stack.slices),
        shape=(len(stack.slices), first.rows, first.columns),
        spacing_mm=spacing,
        slice_thickness_mm=first.thickness,
        refusal=f"{fault.sentence[0].upper()}{fault.sentence[1:]}." if fault else None,
        proposed=False,
        files=tuple(dict.fromkeys(one.file.name for one in stack.slices)),
        fault=fault,
        stack=stack,
    )


def _rank(one: SeriesSummary) -> tuple[bool, bool, bool, int, bool, bool, int]:
    """Small for what is likely wanted: readable, CT, chest, thin slices, a lung kernel, many slices."""
    thickness = one.slice_thickness_mm or (one.spacing_mm or (99.0,))[0]
    return (
        one.refusal is not None,
        one.fault is not None and one.fault.no_scan,
        one.modality != "CT",
        -_chest(one),
        thickness > THIN_MM,
        not is_lung_kernel(one.kernel),
        -one.slices,
    )


def _chest(one: SeriesSummary) -> int:
    """2 for a chest, 1 where nobody says, 0 for another part of the body."""
    file = one.stack.first.file
    part = file.text("BodyPartExamined")
    if _CHEST.search(f"{part} {one.description} {file.text('ProtocolName')}"):
        return 2
    return 0 if part else 1
