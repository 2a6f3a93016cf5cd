"""Slices of one series told apart into stacks: what was taken twice, or turned, is never mixed into one scan."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.headers import TIME_MARKS, Slice

FEWEST = 3  # A scan needs a slice between two others.
TOLERANCE_MM = 0.01  # The gate's: what lies closer is one place.

Key = Callable[[Slice], Hashable]


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices that may be one scan; ``mixed`` says why they cannot be, where they could not be told apart."""

    series: str
    slices: tuple[Slice, ...]
    mixed: str = ""

    @property
    def first(self) -> Slice:
        """Any of the slices, for what all share."""
        return self.slices[0]


def stacks_of(slices: Iterable[Slice]) -> list[Stack]:
    """Tell the slices of any number of series apart.

    A series is parted by kind (scout, without a place), size and orientation, time, echo and stack, by acquisitions
    that lie inside one another, and by what else tells slices in one place apart. Parts of fewer than three slices
    are no scans: such a series stays whole, and ``Stack.mixed`` names two slices that do not belong together.
    """
    found = []
    for series, whole in _parted(slices, lambda one: (one.file.series, one.file.frames > 1 and one.file.path)).items():
        uid = str(series[0])  # type: ignore[index]
        found += [Stack(uid, one.slices, one.mixed) for part in _kinds(whole) for one in _told_apart(part)]
    return found


def heights(slices: Iterable[Slice]) -> npt.NDArray[np.float64]:
    """Position of each slice along the normal of the first, in mm (PS3.3 C.7.6.2.1.1)."""
    slices = list(slices)
    axis = normal(slices[0])
    return np.array([np.dot(axis, one.position) for one in slices])


def normal(one: Slice) -> npt.NDArray[np.float64]:
    """Unit normal of a slice, row direction × column direction."""
    axes = np.array(one.orientation)
    axis = np.cross(axes[:3], axes[3:])
    return np.asarray(axis / np.linalg.norm(axis))


def is_scout(one: Slice) -> bool:
    """Whether a slice is a localizer, by its image type (PS3.3 C.8.2.1.1.1)."""
    return "LOCALIZER" in one.mark("ImageType").upper().split("\\")


def _kinds(slices: list[Slice]) -> list[list[Slice]]:
    """Scouts, pictures of a table or a report, and slices of a scan, which may share a series."""
    scouts, others = [one for one in slices if is_scout(one)], [one for one in slices if not is_scout(one)]
    sizes = {_looks(one) for one in others if one.placed}
    # A picture has another size; a slice that merely lost its place must not vanish unseen.
    pictures = [one for one in others if not one.placed and _looks(one) not in sizes]
    scan = [one for one in others if one.placed or _looks(one) in sizes]
    return [part for part in (scan, scouts, pictures) if part]


def _looks(one: Slice) -> Hashable:
    return one.file.kind, one.rows, one.columns


def _told_apart(slices: list[Slice]) -> list[Stack]:
    whole = Stack(slices[0].file.series, tuple(slices))
    if len(slices) < FEWEST or not all(one.placed for one in slices):
        return [whole]
    turned = _alike(slices)
    if len(turned) > 1 and min(map(len, turned)) < FEWEST:
        return [Stack(whole.series, whole.slices, _mixed("orientation or size", turned[0][0], turned[1][0]))]
    return [stack for part in turned for stack in _apart_in_time(part)]


def _apart_in_time(slices: list[Slice]) -> list[Stack]:
    """Part slices of one orientation by every mark that says they were not taken as one."""
    for mark in TIME_MARKS:
        parts = _parted(slices, lambda one, mark=mark: one.mark(mark))  # type: ignore[misc]
        if len(parts) > 1:
            return _parts_or_mixed(slices, list(parts.values()), mark)
    parts = _parted(slices, lambda one: one.mark("AcquisitionNumber"))
    if len(parts) > 1 and _interleaved(list(parts.values())):
        return _parts_or_mixed(slices, list(parts.values()), "AcquisitionNumber")
    if _in_one_place(slices):
        for mark in ("ConvolutionKernel", "ImageType", "TriggerTime"):
            parts = _parted(slices, lambda one, mark=mark: one.mark(mark))  # type: ignore[misc]
            if len(parts) > 1 and not any(map(_in_one_place, parts.values())):
                return _parts_or_mixed(slices, list(parts.values()), mark)
    return [Stack(slices[0].file.series, tuple(slices))]


def _parts_or_mixed(slices: list[Slice], parts: list[list[Slice]], mark: str) -> list[Stack]:
    if min(map(len, parts)) >= FEWEST:
        return [stack for part in parts for stack in _apart_in_time(part)]
    if _in_one_place(slices):  # Said better as: these two lie in the same place.
        return [Stack(slices[0].file.series, tuple(slices))]
    return [Stack(slices[0].file.series, tuple(slices), _mixed(_WORDS.get(mark, mark), parts[0][0], parts[1][0]))]


_WORDS = {
    "TemporalPositionIdentifier": "time",
    "TemporalPositionIndex": "time",
    "EchoNumbers": "echo",
    "EchoTime": "echo",
    "StackID": "stack",
    "NominalPercentageOfCardiacPhase": "cardiac phase",
    "DiffusionBValue": "diffusion weighting",
    "AcquisitionNumber": "acquisition",
    "ConvolutionKernel": "kernel",
    "ImageType": "image type",
    "TriggerTime": "trigger time",
}


def _mixed(what: str, one: Slice, other: Slice) -> str:
    return f"its slices differ in {what} ({one.name} and {other.name})"


def _parted(slices: Iterable[Slice], key: Key) -> dict[Hashable, list[Slice]]:
    parts: dict[Hashable, list[Slice]] = {}
    for one in slices:
        parts.setdefault(key(one), []).append(one)
    return parts


def _alike(slices: list[Slice]) -> list[list[Slice]]:
    """Part by rows, columns and plane: in one plane if no corner moves by more than the tolerance."""
    parts: list[list[Slice]] = []
    for one in slices:
        home = next((part for part in parts if _same_plane(part[0], one)), None)
        if home is None:
            parts.append([one])
        else:
            home.append(one)
    return parts


def _same_plane(one: Slice, other: Slice) -> bool:
    if (one.rows, one.columns) != (other.rows, other.columns):
        return False
    if (one.orientation, one.spacing) == (other.orientation, other.spacing):
        return True
    return float(np.abs(_edges(one) - _edges(other)).max()) <= TOLERANCE_MM


def _edges(one: Slice) -> npt.NDArray[np.float64]:
    """The vectors along the first row and the first column, in mm."""
    axes = np.array(one.orientation).reshape(2, 3)
    row_spacing, column_spacing = one.spacing
    return np.asarray(axes * np.array([[column_spacing * one.columns], [row_spacing * one.rows]]))


def _interleaved(parts: list[list[Slice]]) -> bool:
    """Whether the acquisitions lie inside one another, and not one behind the other as table steps do."""
    reference = parts[0][0]
    spans = sorted((min(places), max(places)) for places in (heights([reference, *part])[1:] for part in parts))
    return any(after[0] <= before[1] + TOLERANCE_MM for before, after in zip(spans, spans[1:], strict=False))


def _in_one_place(slices: list[Slice]) -> bool:
    return bool((np.diff(np.sort(heights(slices))) <= TOLERANCE_MM).any())
