"""What an edit changed: a box of the mask, and the run lengths of its labels before and after."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError

Labels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int, int, int]  # z, y, x: first and one past the last of each.
Kind = Literal["edit", "undo", "redo"]


@dataclass(frozen=True)
class Change:
    """Labels of one box of a mask, before and after.

    Parameters
    ----------
    box
        First voxel and one past the last: (z, z, y, y, x, x).
    before, after
        Run lengths of the labels in it (see ``encode_runs``).
    """

    box: Box
    before: bytes
    after: bytes

    def apply(self, mask: Labels) -> None:
        """Write ``after`` into ``mask`` (z, y, x).

        Raises
        ------
        LesionsegError
            If the box does not hold ``before``: the mask is not the one the change was made on. It is left as it is.
        """
        _replace(mask, self.box, self.before, self.after)

    def revert(self, mask: Labels) -> None:
        """Write ``before`` into ``mask`` (z, y, x).

        Raises
        ------
        LesionsegError
            If the box does not hold ``after``. The mask is left as it is.
        """
        _replace(mask, self.box, self.after, self.before)

    @property
    def slices(self) -> range:
        """Display slices (z) of the box."""
        return range(self.box[0], self.box[1])


@dataclass(frozen=True)
class Marks:
    """What an edit changed beside voxels; undone with them.

    Parameters
    ----------
    corrected, uncorrected
        Display slices (z) that began to count, or ceased to count, as corrected.
    threshold
        Before and after, if it moved.
    model
        The model whose prediction came in.
    """

    corrected: tuple[int, ...] = ()
    uncorrected: tuple[int, ...] = ()
    threshold: tuple[float, float] | None = None
    model: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the journal: an edit, or the undo or redo of one.

    Parameters
    ----------
    position
        1, 2, … since the draft began.
    kind
        ``"edit"``, ``"undo"`` or ``"redo"``.
    tool
        ``"brush"``, ``"eraser"``, ``"fill"``, ``"polygon"``, ``"threshold"`` …; of an undo, that of its target.
    slice
        The display slice (z) that was looked at.
    voxels
        Lesion voxels gained by this line.
    time
        UTC, ISO 8601, to the millisecond.
    change
        The voxels of an edit; None for an undo or a redo, which have those of their target.
    target
        The position of the edit that is undone or redone.
    """

    position: int
    kind: Kind
    tool: str
    slice: int
    voxels: int
    time: str
    change: Change | None = None
    target: int | None = None
    marks: Marks = field(default_factory=Marks)

    @property
    def name(self) -> str:
        """For people: ``brush, slice 112, +341 voxels``."""
        return f"{self.tool}, slice {self.slice}, {self.voxels:+d} voxels"


def change_between(before: Labels, after: Labels, slices: Iterable[int]) -> Change | None:
    """Find the smallest box, in the named slices (z) of two masks (z, y, x), that holds all differences.

    None if there are none.
    """
    corners = []
    for z in slices:
        differs = before[z] != after[z]
        rows = np.flatnonzero(differs.any(axis=1))
        if len(rows):
            columns = np.flatnonzero(differs.any(axis=0))
            corners.append((z, rows[0], rows[-1], columns[0], columns[-1]))
    if not corners:
        return None
    found = np.array(corners)
    low, high = found.min(axis=0), found.max(axis=0)
    ends = (low[0], high[0] + 1, low[1], high[2] + 1, low[3], high[4] + 1)
    box: Box = tuple(int(end) for end in ends)  # type: ignore[assignment]
    return Change(box, encode_runs(before[_slices(box)]), encode_runs(after[_slices(box)]))


def encode_runs(labels: Labels) -> bytes:
    """Encode labels as run lengths, deflated: how many runs, their lengths, their labels (<u4, <u4 each, u1 each)."""
    flat = labels.ravel()
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1)) if flat.size else np.empty(0, np.int64)
    lengths = np.diff(np.append(starts, flat.size)).astype("<u4")
    plain = np.uint32(len(lengths)).astype("<u4").tobytes() + lengths.tobytes() + flat[starts].tobytes()
    return zlib.compress(plain, 1)


def decode_runs(runs: bytes, shape: tuple[int, ...]) -> Labels:
    """Decode what ``encode_runs`` gave: a new uint8 array.

    Raises
    ------
    LesionsegError
        If these are not the run lengths of an array of this shape.
    """
    size = int(np.prod(shape))
    try:
        plain = zlib.decompress(runs)
        count = int(np.frombuffer(plain, "<u4", 1)[0])
        lengths = np.frombuffer(plain, "<u4", count, 4)
        values = np.frombuffer(plain, np.uint8, count, 4 + 4 * count)
    except (zlib.error, ValueError, IndexError) as error:
        raise LesionsegError("An edit in the journal is damaged; restore the study from a backup.") from error
    if int(lengths.sum(dtype=np.int64)) != size:
        raise LesionsegError("An edit in the journal is of another size than its box; restore the study from a backup.")
    return np.repeat(values, lengths).reshape(shape)


def _slices(box: Box) -> tuple[slice, slice, slice]:
    return slice(box[0], box[1]), slice(box[2], box[3]), slice(box[4], box[5])


def _replace(mask: npt.NDArray[Any], box: Box, old: bytes, new: bytes) -> None:
    place = mask[_slices(box)]
    if not np.array_equal(place, decode_runs(old, place.shape)):
        raise LesionsegError("The mask is not the one this edit was made on; close the case and open it again.")
    place[...] = decode_runs(new, place.shape)
