"""Edits of one mask as lines of a journal: made, undone and redone, with the slices that count as corrected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from napari_lesionseg.review.changes import Entry, Kind, Labels, Marks
from napari_lesionseg.review.history import History
from napari_lesionseg.review.shadow import Shadow, voxels_gained

NO_MARKS = Marks()


@dataclass(frozen=True)
class Stepped:
    """An undo or a redo: the line it adds to the journal, and the edit it undid or redid."""

    line: Entry
    edit: Entry

    @property
    def slices(self) -> tuple[int, ...]:
        """Display slices (z) whose voxels changed."""
        return () if self.edit.change is None else tuple(self.edit.change.slices)

    @property
    def threshold(self) -> float | None:
        """The threshold that holds now, if the edit had moved it."""
        if self.edit.marks.threshold is None:
            return None
        return self.edit.marks.threshold[0 if self.line.kind == "undo" else 1]


class EditLog:
    """What was done to ``mask`` since it was opened.

    Parameters
    ----------
    mask
        uint8 (z, y, x), shared with whoever paints in it.
    twin
        A copy of it that nobody else needs, if there is one.
    """

    def __init__(self, mask: Labels, twin: Labels | None = None) -> None:
        self.shadow = Shadow(mask, twin)
        self.history = History()
        self.corrected: frozenset[int] = frozenset()

    def record(
        self,
        tool: str,
        looked_at: int,
        slices: Iterable[int] | None,
        corrected: frozenset[int],
        marks: Marks = NO_MARKS,
    ) -> Entry | None:
        """Take what changed in these slices (z; None: all) as one edit.

        Parameters
        ----------
        tool
            What made it.
        looked_at
            The display slice (z) on the screen; the edit is named by it, or by the first one it touched.
        slices
            Where to look for changed voxels.
        corrected
            The slices that count as corrected from now on.
        marks
            Threshold and model of the edit, if they changed.

        Returns
        -------
        The edit, or None if nothing changed.
        """
        change = self.shadow.take(slices)
        marks = Marks(
            tuple(sorted(corrected - self.corrected)),
            tuple(sorted(self.corrected - corrected)),
            marks.threshold,
            marks.model,
        )
        self.corrected = corrected
        if change is None and marks == NO_MARKS:
            return None
        z = looked_at if change is None or looked_at in change.slices else change.slices[0]
        position = self.history.length + 1
        entry = Entry(position, "edit", tool, z, voxels_gained(change), _now(), change, None, marks)
        self.history.add(entry)
        return entry

    def next(self, kind: Kind) -> Entry | None:
        """The edit that an ``"undo"`` or ``"redo"`` is about, None if there is none.

        Raises
        ------
        LesionsegError
            If the journal cannot give its voxels now.
        """
        step = self.history.undoable if kind == "undo" else self.history.redoable
        return None if step is None else self.history.entry(step)

    def undo(self) -> Stepped | None:
        """Take the last edit back; None if there is none.

        Raises
        ------
        LesionsegError
            If its voxels cannot be had, or do not fit the mask; nothing is changed.
        """
        edit = self.next("undo")
        if edit is None:
            return None
        if edit.change is not None:
            self.shadow.revert(edit.change)
        self.corrected = (self.corrected - set(edit.marks.corrected)) | set(edit.marks.uncorrected)
        return self._stepped("undo", edit, -edit.voxels)

    def redo(self) -> Stepped | None:
        """Make the edit that was undone last again; None if there is none.

        Raises
        ------
        LesionsegError
            As for ``undo``.
        """
        edit = self.next("redo")
        if edit is None:
            return None
        if edit.change is not None:
            self.shadow.apply(edit.change)
        self.corrected = (self.corrected - set(edit.marks.uncorrected)) | set(edit.marks.corrected)
        return self._stepped("redo", edit, edit.voxels)

    def _stepped(self, kind: Kind, edit: Entry, voxels: int) -> Stepped:
        position = self.history.length + 1
        line = Entry(position, kind, edit.tool, edit.slice, voxels, _now(), None, edit.position)
        self.history.add(line)
        return Stepped(line, edit)

    def restore(self, log: Iterable[Entry], corrected: Iterable[int]) -> None:
        """Go on from a mask and the journal that led to it."""
        self.shadow.sync()
        self.begin(log, corrected)

    def begin(self, log: Iterable[Entry], corrected: Iterable[int]) -> None:
        """Begin with the journal that led to the mask this was made for."""
        self.history.restore(log)
        self.corrected = frozenset(corrected)

    def slices_to_keep(self, labels: Labels, log: Sequence[Entry], corrected: frozenset[int]) -> tuple[int, ...]:
        """Display slices (z) with edits that a journal, which gave ``labels``, ``log`` and ``corrected``, lacks.

        If it is the journal of this very log, from which it was cut off for a while, those that differ from it. Of
        another one, those that were edited, but for predicted slices that it has as corrected.
        """
        if self._is_of(log):
            return tuple(z for z in range(len(labels)) if not np.array_equal(self.shadow.slice(z), labels[z]))
        kept: set[int] = set()
        for step in self.history.steps[: self.history.done]:
            change = self.history.entry(step).change
            touched = set() if change is None else set(change.slices)
            kept |= touched - corrected if step.tool in ("prediction", "threshold") else touched
        return tuple(sorted(kept))

    def _is_of(self, log: Sequence[Entry]) -> bool:
        first = self.history.steps[0] if self.history.steps else None
        if first is None or first.position > len(log):
            return False
        line = log[first.position - 1]
        # Quick hands and slow clocks make two edits in one millisecond.
        return line.kind == "edit" and (line.time, line.tool, line.slice, line.voxels) == (
            first.time,
            first.tool,
            first.slice,
            first.voxels,
        )


def threshold_after(log: Iterable[Entry]) -> float | None:
    """The threshold a journal's lines left, None if none of them moved it."""
    moves: dict[int, tuple[float, float]] = {}
    threshold = None
    for entry in log:
        if entry.kind == "edit" and entry.marks.threshold is not None:
            moves[entry.position] = entry.marks.threshold
        moved = moves.get(entry.target or entry.position)
        if moved is not None:
            threshold = moved[0 if entry.kind == "undo" else 1]
    return threshold


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
