"""The steps that can be undone and redone, by name; their voxels are in memory, or fetched from the journal."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Box, Change, Entry, Marks

Fetch = Callable[[int], Entry]
IN_MEMORY = 8 << 20  # Bytes of voxels kept once the journal can give them back.
_HEAD = struct.Struct("<6II")  # The box, and how many bytes the runs before take.


@dataclass(frozen=True, slots=True)
class Step:
    """An edit as the history names it; see ``Entry``."""

    position: int
    tool: str
    slice: int
    voxels: int
    time: str

    @property
    def name(self) -> str:
        """For people: ``brush, slice 112, +341 voxels``."""
        return f"{self.tool}, slice {self.slice}, {self.voxels:+d} voxels"


class History:
    """The line of edits that leads to the mask as it is, and on to what was undone and can be redone.

    The journal holds every line ever written; a new edit after an undo leaves the undone steps there and
    drops them here. There is no limit to the steps. Without a source their voxels stay in memory.
    """

    def __init__(self) -> None:
        self._fetch: Fetch | None = None
        self._clear()

    def _clear(self) -> None:
        self._steps: list[Step] = []
        self._done = self._length = self._acknowledged = self._bytes = 0
        self._packed: dict[int, bytes] = {}
        self._marks: dict[int, Marks] = {}

    @property
    def steps(self) -> Sequence[Step]:
        """All steps, oldest first: those that are done, then those that were undone. Not to be changed."""
        return self._steps

    @property
    def done(self) -> int:
        """How many of the steps are done."""
        return self._done

    @property
    def length(self) -> int:
        """How many lines the journal has: edits, undos and redos."""
        return self._length

    @property
    def position(self) -> int:
        """The position of the edit that was done last, 0 before the first."""
        return self._steps[self._done - 1].position if self._done else 0

    @property
    def undoable(self) -> Step | None:
        """The step an undo takes back."""
        return self._steps[self._done - 1] if self._done else None

    @property
    def redoable(self) -> Step | None:
        """The step a redo makes again."""
        return self._steps[self._done] if self._done < len(self._steps) else None

    @property
    def bytes_in_memory(self) -> int:
        """Bytes of voxels held in memory."""
        return self._bytes

    def set_source(self, fetch: Fetch | None) -> None:
        """Let the journal give back lines by their position, so that those it acknowledged need not stay in memory."""
        self._fetch = fetch

    def acknowledge(self, position: int) -> None:
        """Take note that the journal has all lines up to ``position``."""
        self._acknowledged = max(self._acknowledged, position)
        self._drop_what_can_be_fetched()

    def add(self, entry: Entry) -> None:
        """Take the next line.

        Raises
        ------
        ValueError
            If it is not the next one, or undoes or redoes another step than the next.
        """
        self._follow(entry)
        if entry.kind == "edit":
            self._remember(entry)
            self._drop_what_can_be_fetched()

    def restore(self, log: Iterable[Entry]) -> None:
        """Begin anew with the lines of a journal; the voxels of those without a change are fetched when needed."""
        self._clear()
        for entry in log:
            self._follow(entry)
            if entry.kind == "edit" and entry.change is not None:
                self._remember(entry)
        self._acknowledged = self._length

    def entry(self, step: Step) -> Entry:
        """The line of a step, with its voxels.

        Raises
        ------
        LesionsegError
            If the journal cannot give them back now.
        """
        packed, marks = self._packed.get(step.position), self._marks.get(step.position)
        if packed is not None or marks is not None:
            change = None if packed is None else _unpacked(packed)
            return Entry(
                step.position, "edit", step.tool, step.slice, step.voxels, step.time, change, None, marks or Marks()
            )
        if self._fetch is None:
            raise LesionsegError(f"The step “{step.name}” is not in memory; open the case again to undo it.")
        return self._fetch(step.position)

    def index(self, position: int) -> int:
        """How many steps are done when the edit at ``position`` was the last (0: none).

        Raises
        ------
        LookupError
            If no step has this position: it was abandoned, or is no edit.
        """
        if position == 0:
            return 0
        low, high = 0, len(self._steps)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._steps[middle].position < position else (low, middle)
        if low == len(self._steps) or self._steps[low].position != position:
            raise LookupError(f"no step at position {position}")
        return low + 1

    def _follow(self, entry: Entry) -> None:
        if entry.position != self._length + 1:
            raise ValueError(f"line {entry.position} does not follow line {self._length}")
        if entry.kind == "edit":
            self._abandon()
            self._steps.append(Step(entry.position, entry.tool, entry.slice, entry.voxels, entry.time))
            self._done += 1
        else:
            step = self.undoable if entry.kind == "undo" else self.redoable
            if step is None or step.position != entry.target:
                raise ValueError(f"line {entry.position} is not the {entry.kind} of the next step")
            self._done += -1 if entry.kind == "undo" else 1
        self._length = entry.position

    def _abandon(self) -> None:
        for step in self._steps[self._done :]:
            self._forget(step.position)
            self._marks.pop(step.position, None)
        del self._steps[self._done :]

    def _remember(self, entry: Entry) -> None:
        if entry.change is not None:
            packed = _packed(entry.change)
            self._packed[entry.position] = packed
            self._bytes += len(packed)
        if entry.marks != Marks() or entry.change is None:
            self._marks[entry.position] = entry.marks

    def _forget(self, position: int) -> None:
        packed = self._packed.pop(position, None)
        self._bytes -= 0 if packed is None else len(packed)

    def _drop_what_can_be_fetched(self) -> None:
        if self._fetch is None:
            return
        while self._bytes > IN_MEMORY:
            oldest = next(iter(self._packed))
            if oldest > self._acknowledged:
                return
            self._forget(oldest)
            self._marks.pop(oldest, None)  # Both come back together.


def _packed(change: Change) -> bytes:
    # One object a step instead of ten: fifty thousand steps are kept in some tens of MB.
    return _HEAD.pack(*change.box, len(change.before)) + change.before + change.after


def _unpacked(packed: bytes) -> Change:
    *box, size = _HEAD.unpack_from(packed)
    start = _HEAD.size
    found: Box = (box[0], box[1], box[2], box[3], box[4], box[5])
    return Change(found, packed[start : start + size], packed[start + size :])
