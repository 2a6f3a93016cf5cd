"""What is drawn: the mask with the log of its edits; the prediction fills the slices that nobody corrected."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, Kind, Marks
from napari_lesionseg.review.edit_log import EditLog, threshold_after
from napari_lesionseg.review.predicted import Predicted
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes.volume import Mask, Volume


class Drawn:
    """The mask of the open scan, each change of it as an edit; who calls it says at which slice the reviewer looks.

    Parameters
    ----------
    start
        The mask and the journal to begin with; both become its own.
    predicted
        The prediction of the scan, and its threshold.
    """

    def __init__(self, start: Start, predicted: Predicted) -> None:
        self.mask, self.log = start.mask, EditLog(start.mask.array, start.twin)
        self.predicted = predicted
        self.dragged_from: float | None = None  # The threshold before a drag of it that is no step yet.
        self.log.begin(start.log, start.corrected)
        self._follow_threshold(start.log)

    def _follow_threshold(self, log: Iterable[Entry]) -> None:
        restored = threshold_after(log)
        if restored is not None:
            self.predicted.threshold = restored

    def differing(self, slices: Iterable[int]) -> frozenset[int]:
        """Those of the display slices (z) that are not as predicted."""
        return frozenset(z for z in slices if self.predicted.differs(z, self.mask.array[z]))

    def uncorrected(self) -> tuple[int, ...]:
        """Display slices (z) that do not count as corrected."""
        return tuple(z for z in range(len(self.mask.array)) if z not in self.log.corrected)

    def fill(self) -> tuple[int, ...] | None:
        """Write the prediction into the slices that are not corrected: these (z), or None if it is all."""
        touched = self.uncorrected()
        for z in touched:
            self.predicted.write(z, self.mask.array[z])
        return touched if len(touched) < len(self.mask.array) else None

    def load(self, mask: Mask, looked_at: int) -> Entry | None:
        """Copy ``mask`` over the own one."""
        np.copyto(self.mask.array, mask.array, casting="unsafe")
        corrected = self.differing(range(len(self.mask.array)))
        return self.log.record("load mask", looked_at, None, corrected)

    def predict(self, before: float, looked_at: int) -> tuple[Entry | None, tuple[int, ...] | None]:
        """Fill in another prediction; the threshold was ``before``. Gives the edit, and the slices as ``fill``."""
        touched, now = self.fill(), self.predicted.threshold
        marks = Marks(threshold=None if now == before else (before, now), model=self.predicted.model_name)
        return self.log.record("prediction", looked_at, touched, self.log.corrected, marks), touched

    def take_drag(self, looked_at: int, painted: Iterable[int] = ()) -> Entry | None:
        """Make one edit of a dragged threshold; in the slices just painted (z) it is the thresholded prediction."""
        if self.dragged_from is None:
            return None
        before, self.dragged_from = self.dragged_from, None
        corrected, array, now = self.log.corrected, self.mask.array, self.predicted.threshold
        held = {z: array[z].copy() for z in painted if z not in corrected}
        for z in held:
            self.predicted.write(z, array[z])
        marks = Marks(threshold=None if before == now else (before, now))
        entry = self.log.record("threshold", looked_at, self.uncorrected(), corrected, marks)
        for z, labels in held.items():
            array[z] = labels
        return entry

    def settle_drag(self, looked_at: int) -> Entry | None:
        """Make one edit of a dragged threshold, whatever was painted since."""
        painted = () if self.dragged_from is None else self.differing(self.uncorrected())
        return self.take_drag(looked_at, painted)

    def edit(self, slices: tuple[int, ...], tool: str, looked_at: int) -> tuple[Entry | None, Entry | None]:
        """Take what ``tool`` changed in these slices (z): the edit of a threshold dragged before, and its own."""
        moved = self.take_drag(looked_at, slices)
        corrected = (self.log.corrected - set(slices)) | self.differing(slices)
        return moved, self.log.record(tool, looked_at, slices, corrected)

    def untold(self, kind: Kind) -> tuple[int, ...]:
        """Display slices (z) of the next undo or redo in which somebody has changed the mask without telling.

        Raises
        ------
        LesionsegError
            If the journal cannot give that edit now.
        """
        edit = self.log.next(kind)
        return () if edit is None or edit.change is None else self.log.shadow.changed(edit.change.slices)

    def restore(self, mask: Mask, lines: tuple[Entry, ...], corrected: frozenset[int], looked_at: int) -> Entry | None:
        """Go on from a journal and the mask it led to; what it lacks is kept as one more edit."""
        own, log = self.mask.array, self.log
        kept, before = log.slices_to_keep(mask.array, lines, corrected), log.corrected
        tool = log.history.steps[-1].tool if kept else ""
        held = {z: own[z].copy() for z in kept}
        np.copyto(own, mask.array, casting="unsafe")
        log.restore(lines, corrected)
        if not (kept and self.predicted.probability is not None):
            self._follow_threshold(lines)
        for z, labels in held.items():
            own[z] = labels
        if not held:
            return None
        return log.record(tool, looked_at, held, (log.corrected - set(held)) | (before & set(held)))


def check_same_grid(other: Mask, open_one: Mask | Volume) -> None:
    """Raise LesionsegError if ``other`` lies on another grid than the open scan."""
    if not other.geometry.same_grid(open_one.geometry):
        raise LesionsegError(
            f"{_name(other)} lies on another grid (shape {other.geometry.shape}) than the open scan "
            f"(shape {open_one.geometry.shape}); choose the mask that was drawn on this scan."
        )


def check_labels(mask: Mask) -> None:
    """Raise LesionsegError if ``mask`` holds labels outside 0 to 255."""
    if mask.array.dtype != np.uint8 and (mask.array.min() < 0 or mask.array.max() > 255):
        raise LesionsegError(f"{_name(mask)} holds labels outside 0 to 255; choose a lesion mask.")


def _name(mask: Mask) -> str:
    return "The mask" if mask.source is None else str(mask.source)
