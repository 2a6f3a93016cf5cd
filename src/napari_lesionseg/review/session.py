"""The one state all panels share: scan, truth, prediction, the mask being corrected, and what is shown of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.inference.result_key import ResultKey
from napari_lesionseg.review.changes import Entry, Kind, Marks
from napari_lesionseg.review.edit_log import EditLog, Stepped, threshold_after
from napari_lesionseg.review.history import History
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window

READ_ONLY = "This case is open for reading only; open it for editing to change its mask."
OTHER_TOOL = "other tool"  # Whoever wrote into the mask without telling: a plugin, the console.
NO_CORRECTION = ("prediction", "threshold")  # Edits after which there is nothing new to export.


class Session:
    """What is open, and what the reviewer made of it.

    Panels call the methods and listen to the signals; both belong to one thread. Every method checks its
    input before it changes anything, so a refused call leaves the session as it was. All state is new
    before the first signal of a call is sent.

    ``mask.array`` is one uint8 array for as long as a scan is open: a viewer may share it, and all
    changes are made in place.

    A slice counts as corrected when, at the time of its last edit, it differed from the thresholded
    prediction (from an empty slice while there is no prediction). Neither a moved threshold nor a new
    prediction touches a corrected slice.

    Every change of the mask, whoever made it, becomes one line of the journal: ``edited`` sends it, first of
    all signals of a call. Undo and redo are such lines, too.
    """

    settling = Signal()  # Before the state changes: whoever holds back edits calls ``mark_edited`` now.
    edited = Signal(object)  # The Entry that the journal has to keep.
    history_changed = Signal()  # The steps, or how many of them are done.
    editable_changed = Signal(bool)  # Whether the mask may be changed.

    scan_changed = Signal(object)  # The Volume now open, or None.
    truth_changed = Signal(object)  # The truth Mask, or None.
    prediction_changed = Signal(object)  # The uint8 probability (z, y, x), or None.
    threshold_changed = Signal(float)  # The new threshold, 0 to 1.
    mask_changed = Signal(object)  # Tuple of the display slices (z) that were touched, or None for all.
    window_changed = Signal(object)  # The new Window.
    slice_changed = Signal(int)  # The display slice (z) now looked at.
    dirty_changed = Signal(bool)  # Whether there are corrections that are not exported.
    message = Signal(str)  # One sentence for the status line.

    def __init__(self) -> None:
        self._threshold = 0.5
        self._forget(None, None)

    def _forget(self, scan: Volume | None, start: Start | None) -> None:
        self._scan, self._mask = scan, None if start is None else start.mask
        self._truth: Mask | None = None
        self._probability: npt.NDArray[np.uint8] | None = None
        self._model_name = ""
        self._prediction_key: ResultKey | None = None
        self._log = None if start is None else EditLog(start.mask.array, start.twin)
        self._dragged_from: float | None = None  # The threshold before a drag of it that is no step yet.
        self._editable = True
        self._window = GREY_WINDOW if scan is not None and scan.intensity == "grey" else PRESETS["lung"]
        self._slice_index = 0 if scan is None else scan.array.shape[0] // 2
        self._dirty = False
        if self._log is not None and start is not None:
            self._log.begin(start.log, start.corrected)
            restored = threshold_after(start.log)
            self._threshold = self._threshold if restored is None else restored
            self._slice_index = self._nearest(self._slice_index if start.slice is None else start.slice)

    @property
    def scan(self) -> Volume | None:
        """The open scan."""
        return self._scan

    @property
    def truth(self) -> Mask | None:
        """The ground truth to compare with."""
        return self._truth

    @property
    def probability(self) -> npt.NDArray[np.uint8] | None:
        """The prediction (z, y, x), p·255."""
        return self._probability

    @property
    def model_name(self) -> str:
        """The model that made the prediction, ``""`` without one."""
        return self._model_name

    @property
    def prediction_key(self) -> ResultKey | None:
        """What the prediction belongs to, where that is known."""
        return self._prediction_key

    @property
    def threshold(self) -> float:
        """Probability from which a voxel is lesion, 0 to 1."""
        return self._threshold

    @property
    def mask(self) -> Mask | None:
        """The mask being corrected, None without a scan; its array stays the same object while a scan is open."""
        return self._mask

    @property
    def window(self) -> Window:
        """The window the scan is looked at through."""
        return self._window

    @property
    def slice_index(self) -> int:
        """The display slice (z) looked at."""
        return self._slice_index

    @property
    def dirty(self) -> bool:
        """Whether there are corrections that are not exported."""
        return self._dirty

    @property
    def corrected_slices(self) -> frozenset[int]:
        """Display slices (z) the reviewer corrected."""
        return frozenset() if self._log is None else self._log.corrected

    @property
    def history(self) -> History:
        """The steps that can be undone and redone; another one for each scan that is opened."""
        return History() if self._log is None else self._log.history

    @property
    def editable(self) -> bool:
        """Whether the mask may be changed."""
        return self._editable

    def set_editable(self, editable: bool) -> None:
        """Allow changes of the mask, or refuse them, as long as this scan is open: a colleague may work on it."""
        if editable != self._editable:
            self.settle()
            self._editable = editable
            self.editable_changed.emit(editable)

    def open_scan(self, scan: Volume, truth: Mask | None = None, start: Start | None = None) -> None:
        """Open ``scan`` with an empty mask, its default window and its middle slice; drop all of the last scan.

        Parameters
        ----------
        truth
            The ground truth to compare with from the start.
        start
            The mask and the journal to begin with, in place of an empty one.

        Raises
        ------
        LesionsegError
            If ``truth`` or the mask of ``start`` lies on another grid.
        """
        if start is None:
            empty = Mask.empty(scan.geometry)
            # Pages of zeros cost nothing until they are used; a copy would use them.
            start = Start(empty, twin=np.zeros(empty.array.shape, np.uint8))
        for mask in (start.mask, truth):
            if mask is not None:
                _check_same_grid(mask, scan)
        self._switch(scan, start, truth)
        for warning in scan.warnings[:1]:
            self.message.emit(warning)

    def close_scan(self) -> None:
        """Drop the scan and all that belongs to it."""
        self._switch(None, None)

    def _switch(self, scan: Volume | None, start: Start | None, truth: Mask | None = None) -> None:
        self.settle()
        was_dirty, was_editable, threshold = self._dirty, self._editable, self._threshold
        self._forget(scan, start)
        self._truth = truth
        self.scan_changed.emit(scan)
        self.truth_changed.emit(truth)
        self.prediction_changed.emit(None)
        self.mask_changed.emit(None)
        self.window_changed.emit(self._window)
        self.slice_changed.emit(self._slice_index)
        self.history_changed.emit()
        if threshold != self._threshold:
            self.threshold_changed.emit(self._threshold)
        if was_dirty:
            self.dirty_changed.emit(False)
        if not was_editable:
            self.editable_changed.emit(True)

    def set_truth(self, truth: Mask | None) -> None:
        """Compare with ``truth``, or with nothing.

        Raises
        ------
        LesionsegError
            If no scan is open, or ``truth`` lies on another grid.
        """
        if truth is not None:
            self._check_grid(truth)
        self._truth = truth
        self.truth_changed.emit(truth)

    def load_mask(self, mask: Mask) -> None:
        """Copy ``mask`` over the session's mask, as the state to go on correcting from.

        Slices in which it differs from the prediction (from nothing, without one) count as corrected.

        Raises
        ------
        LesionsegError
            If no scan is open, or ``mask`` lies on another grid or holds labels outside 0 to 255.
        """
        own, log = self._check_grid(mask), self._editable_log()
        _check_labels(mask)
        self.settle()
        np.copyto(own.array, mask.array, casting="unsafe")
        corrected = frozenset(z for z in range(len(own.array)) if self._differs(z))
        entry = log.record("load mask", self._slice_index, None, corrected)
        self._tell([entry], slices=None, dirty=False)

    def set_prediction(
        self, probability: npt.NDArray[np.uint8], model_name: str, threshold: float, key: ResultKey | None = None
    ) -> None:
        """Take a prediction of the open scan, and write it into every slice that is not corrected.

        Parameters
        ----------
        probability
            uint8 (z, y, x), p·255, on the scan's grid.
        model_name
            The model that made it.
        threshold
            Where to start thresholding, 0 to 1.
        key
            What it is a prediction of; None only where it was made of the open scan in this very process.

        Raises
        ------
        LesionsegError
            If no scan is open, the array does not fit it, the key is of another scan, or the threshold is not from 0
            to 1.
        """
        mask, log = self._open_mask(), self._editable_log()
        if probability.shape != mask.array.shape or probability.dtype != np.uint8:
            raise LesionsegError(
                f"A prediction of shape {probability.shape} does not fit the open scan of shape {mask.array.shape}; "
                "segment this scan again."
            )
        _check_threshold(threshold)
        if key is not None and self._scan is not None:
            key.check_scan(self._scan)
        self.settle()
        before = self._threshold
        self._prediction_key = key
        self._probability, self._model_name, self._threshold = probability, model_name, threshold
        touched = self._threshold_uncorrected(probability, mask)
        moved = None if threshold == before else (before, threshold)
        marks = Marks(threshold=moved, model=model_name)
        entry = log.record("prediction", self._slice_index, touched, log.corrected, marks)
        self._tell([entry], prediction=True, threshold=moved is not None, slices=touched)
        if log.corrected:
            kept = "1 slice" if len(log.corrected) == 1 else f"{len(log.corrected)} slices"
            self.message.emit(f"Your corrections of {kept} were kept; the prediction fills the others.")

    def set_threshold(self, threshold: float) -> None:
        """Threshold the prediction anew, in every slice that is not corrected.

        All moves up to the next ``settle``, or the next edit, are one step of the history.

        Raises
        ------
        LesionsegError
            If ``threshold`` is not from 0 to 1, or the mask may not be changed.
        """
        _check_threshold(threshold)
        if threshold == self._threshold:
            return
        touched: tuple[int, ...] | None = ()
        if self._probability is None or self._mask is None:
            self._threshold = threshold
        else:
            self._editable_log()
            if self._dragged_from is None:
                self.settle()
                self._dragged_from = self._threshold
            else:
                self.settling.emit()
            self._threshold = threshold
            touched = self._threshold_uncorrected(self._probability, self._mask)
        self._tell([], threshold=True, slices=touched)

    def _threshold_uncorrected(self, probability: npt.NDArray[np.uint8], mask: Mask) -> tuple[int, ...] | None:
        touched = self._uncorrected()
        for z in touched:
            threshold_probability(probability[z], self._threshold, out=mask.array[z])
        return touched if len(touched) < len(probability) else None

    def _uncorrected(self) -> tuple[int, ...]:
        corrected = self.corrected_slices
        return tuple(z for z in range(len(self._open_mask().array)) if z not in corrected)

    def settle(self, slices: Iterable[int] | None = None) -> None:
        """Turn what is not yet a step into steps: a stroke under way, a dragged threshold, changes nobody told of.

        Changes nobody told of are looked for in these display slices (z). All, the default, takes some tens of
        milliseconds on a large scan: before a case is left or saved, not after each stroke.
        """
        if self._log is None:
            return
        self.settling.emit()
        dragged = self._dragged_from is not None
        self._tell([self._take_threshold(z for z in self._uncorrected() if dragged and self._differs(z))])
        untold = self._log.shadow.changed(slices)
        if untold:
            self.mark_edited(untold, OTHER_TOOL)

    def _take_threshold(self, painted: Iterable[int] = ()) -> Entry | None:
        """Make one step of a dragged threshold; in the slices just painted (z) it is the thresholded prediction."""
        if self._dragged_from is None or self._log is None or self._mask is None:
            return None
        before, self._dragged_from = self._dragged_from, None
        corrected, array = self._log.corrected, self._mask.array
        held = {z: array[z].copy() for z in painted if z not in corrected}
        for z in held:
            array[z] = self.predicted_slice(z)
        marks = Marks(threshold=None if before == self._threshold else (before, self._threshold))
        entry = self._log.record("threshold", self._slice_index, self._uncorrected(), corrected, marks)
        for z, labels in held.items():
            array[z] = labels
        return entry

    def set_window(self, window: Window) -> None:
        """Look through ``window``.

        Raises
        ------
        LesionsegError
            If its width is not above 0, or a number is not finite.
        """
        if not (math.isfinite(window.level) and math.isfinite(window.width) and window.width > 0):
            raise LesionsegError("A window needs a level and a width above 0; enter other numbers.")
        if window != self._window:
            self._window = window
            self.window_changed.emit(window)

    def set_slice(self, z: int) -> None:
        """Look at display slice ``z``, or at the nearest one there is."""
        nearest = self._nearest(z)
        if nearest != self._slice_index:
            self._slice_index = nearest
            self.slice_changed.emit(nearest)

    def _nearest(self, z: int) -> int:
        count = 0 if self._scan is None else len(self._scan.array)
        return max(0, min(int(z), count - 1))

    def mark_edited(self, slices: Iterable[int], tool: str = "brush") -> None:
        """Take note that the reviewer changed these display slices of ``mask.array`` in place, with ``tool``.

        If the mask may not be changed, the slices are put back as they were.

        Raises
        ------
        LesionsegError
            If no scan is open.
        IndexError
            If a slice is not one of the scan's.
        """
        count, log = len(self._open_mask().array), self._open_log()
        edited = tuple(sorted({int(z) for z in slices}))
        if not edited:
            return
        if edited[0] < 0 or edited[-1] >= count:
            raise IndexError(f"slices {edited} are not all among the scan's {count}")
        if not self._editable:
            log.shadow.put_back(edited)
            self._tell([], slices=edited)
            self.message.emit(READ_ONLY)
            return
        moved = self._take_threshold(edited)
        differing = {z for z in edited if self._differs(z)}
        entry = log.record(tool, self._slice_index, edited, (log.corrected - set(edited)) | differing)
        self._tell([moved, entry], slices=edited, dirty=True)

    def undo(self) -> bool:
        """Take the last edit back; False if there is none.

        Raises
        ------
        LesionsegError
            If the mask may not be changed, or the journal cannot give the edit back now; nothing is changed.
        """
        return self._step("undo")

    def redo(self) -> bool:
        """Make the edit that was undone last again; False if there is none.

        Raises
        ------
        LesionsegError
            As for ``undo``.
        """
        return self._step("redo")

    def _step(self, kind: Kind) -> bool:
        if self._log is None:
            return False
        log = self._editable_log()
        self.settling.emit()
        self._tell([self._take_threshold()])
        edit = log.next(kind)
        untold = () if edit is None or edit.change is None else log.shadow.changed(edit.change.slices)
        if untold:
            self.mark_edited(untold, OTHER_TOOL)  # A step of its own, so that it can be had back.
        stepped = log.undo() if kind == "undo" else log.redo()
        if stepped is not None:
            self._tell_stepped([stepped])
        return stepped is not None

    def go_to(self, position: int) -> None:
        """Undo or redo until the edit at ``position`` is the last that is done; 0 undoes all.

        Raises
        ------
        LesionsegError
            As for ``undo``; what was undone or redone until then stays so.
        LookupError
            If no step of the history has this position.
        """
        log = self._editable_log()
        self.settle()
        wanted = log.history.index(position)
        steps: list[Stepped] = []
        try:
            while log.history.done != wanted:
                stepped = log.undo() if log.history.done > wanted else log.redo()
                if stepped is not None:
                    steps.append(stepped)
        finally:
            self._tell_stepped(steps)

    def _tell_stepped(self, steps: list[Stepped]) -> None:
        moved = [step.threshold for step in steps if step.threshold is not None]
        if moved:
            self._threshold = moved[-1]
        slices = tuple(sorted({z for step in steps for z in step.slices}))
        dirty = True if any(step.edit.tool not in NO_CORRECTION for step in steps) else None
        self._tell([step.line for step in steps], threshold=bool(moved), slices=slices, dirty=dirty)

    def restore(self, mask: Mask, log: Iterable[Entry], corrected: Iterable[int]) -> None:
        """Go on with a mask from a journal, right after its scan was opened, or after the journal was closed.

        What was edited meanwhile is kept: those slices become one more step on top.

        Parameters
        ----------
        mask
            As the journal's lines left it.
        log
            The lines, oldest first; voxels need not be with them if the history has a source.
        corrected
            Display slices (z) that count as corrected.

        Raises
        ------
        LesionsegError
            If no scan is open, or ``mask`` lies on another grid or holds labels outside 0 to 255.
        """
        own, edits, lines = self._check_grid(mask), self._open_log(), tuple(log)
        _check_labels(mask)
        self.settle()
        kept, before = edits.slices_to_keep(mask.array, lines, frozenset(corrected)), frozenset(edits.corrected)
        tool = edits.history.steps[-1].tool if kept else ""
        held = {z: own.array[z].copy() for z in kept}
        np.copyto(own.array, mask.array, casting="unsafe")
        edits.restore(lines, corrected)
        restored, last = threshold_after(lines), self._threshold
        if restored is not None and not (kept and self._probability is not None):
            self._threshold = restored
        for z, labels in held.items():
            own.array[z] = labels
        entry = None
        if held:
            now = (edits.corrected - set(held)) | (before & set(held))
            entry = edits.record(tool, self._slice_index, held, now)
        self._tell([entry], threshold=last != self._threshold, slices=None, history=True)

    def _tell(
        self,
        lines: Iterable[Entry | None],
        *,
        prediction: bool = False,
        threshold: bool = False,
        slices: tuple[int, ...] | None = (),
        dirty: bool | None = None,
        history: bool = False,
    ) -> None:
        """Send what changed; the journal's lines first, so that no listener's fault can keep them from it."""
        cleaned_or_soiled = dirty is not None and dirty != self._dirty
        self._dirty = self._dirty if dirty is None else dirty
        made = [line for line in lines if line is not None]
        for line in made:
            self.edited.emit(line)
        if made or history:
            self.history_changed.emit()
        if prediction:
            self.prediction_changed.emit(self._probability)
        if threshold:
            self.threshold_changed.emit(self._threshold)
        if slices != ():
            self.mask_changed.emit(slices)
        if cleaned_or_soiled:
            self.dirty_changed.emit(self._dirty)

    def mark_exported(self) -> None:
        """Take note that the mask as it is now has been exported."""
        self._tell([], dirty=False)

    def predicted_slice(self, z: int) -> npt.NDArray[np.uint8]:
        """Threshold display slice ``z`` of the prediction: a new uint8 array (y, x), empty without a prediction."""
        if self._probability is None:
            return np.zeros(self._open_mask().array.shape[1:], np.uint8)
        return threshold_probability(self._probability[z], self._threshold)

    def _differs(self, z: int) -> bool:
        shown: npt.NDArray[Any] = self._open_mask().array[z]
        if self._probability is None:
            return bool(shown.any())
        return not np.array_equal(shown, self.predicted_slice(z))

    def _open_mask(self) -> Mask:
        if self._mask is None:
            raise LesionsegError("No scan is open; open a scan first.")
        return self._mask

    def _open_log(self) -> EditLog:
        if self._log is None:
            raise LesionsegError("No scan is open; open a scan first.")
        return self._log

    def _editable_log(self) -> EditLog:
        if not self._editable:
            raise LesionsegError(READ_ONLY)
        return self._open_log()

    def _check_grid(self, other: Mask) -> Mask:
        mask = self._open_mask()
        _check_same_grid(other, mask)
        return mask


def _check_same_grid(other: Mask, open_one: Mask | Volume) -> None:
    if not other.geometry.same_grid(open_one.geometry):
        raise LesionsegError(
            f"{_name(other)} lies on another grid (shape {other.geometry.shape}) than the open scan "
            f"(shape {open_one.geometry.shape}); choose the mask that was drawn on this scan."
        )


def _name(mask: Mask) -> str:
    return "The mask" if mask.source is None else str(mask.source)


def _check_labels(mask: Mask) -> None:
    if mask.array.dtype != np.uint8 and (mask.array.min() < 0 or mask.array.max() > 255):
        raise LesionsegError(f"{_name(mask)} holds labels outside 0 to 255; choose a lesion mask.")


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise LesionsegError(f"A threshold of {threshold} is not from 0 to 1; choose another.")
