"""What is done to the mask of the open scan, whoever does it, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.result_key import ResultKey
from napari_lesionseg.review.changes import Entry, Kind, Labels
from napari_lesionseg.review.drawn import Drawn, check_labels, check_same_grid
from napari_lesionseg.review.edit_log import Stepped
from napari_lesionseg.review.predicted import Predicted, check_shape, check_threshold
from napari_lesionseg.review.session_signals import SessionSignals
from napari_lesionseg.review.shown import Shown
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes.volume import Mask, Volume

READ_ONLY = "This case is open for reading only; open it for editing to change its mask."
OTHER_TOOL = "other tool"  # Whoever wrote into the mask without telling: a plugin, the console.
NO_CORRECTION = ("prediction", "threshold")  # Edits after which there is nothing new to export.


class Editing:
    """The edits of one scan; ``Session``, which hands its calls on to it, says what each of them does and raises.

    Parameters
    ----------
    signals
        Whoever listens is told through them.
    scan
        The open scan; without one there is only a threshold.
    start
        The mask and the journal to begin with.
    shown
        Where the reviewer looks.
    threshold
        Probability from which a voxel is lesion, 0 to 1, until something moves it.
    """

    def __init__(
        self, signals: SessionSignals, scan: Volume | None, start: Start | None, shown: Shown, threshold: float
    ) -> None:
        self._signals, self._scan, self._shown = signals, scan, shown
        self.predicted = Predicted(threshold)
        self.drawn = None if start is None else Drawn(start, self.predicted)
        self.editable, self.dirty = True, False

    def open_one(self) -> Drawn:
        """What is drawn on the open scan; raises LesionsegError without one."""
        if self.drawn is None:
            raise LesionsegError("No scan is open; open a scan first.")
        return self.drawn

    def _check_editable(self) -> None:
        if not self.editable:
            raise LesionsegError(READ_ONLY)

    def set_editable(self, editable: bool) -> None:
        """Allow changes of the mask, or refuse them."""
        if editable != self.editable:
            self.settle()
            self.editable = editable
            self._signals.editable_changed.emit(editable)

    def load_mask(self, mask: Mask) -> None:
        """Copy ``mask`` over the own one."""
        drawn = self.open_one()
        check_same_grid(mask, drawn.mask)
        self._check_editable()
        check_labels(mask)
        self.settle()
        self._tell([drawn.load(mask, self._shown.z)], slices=None, dirty=False)

    def set_prediction(
        self,
        probability: npt.NDArray[np.uint8],
        model_name: str,
        threshold: float,
        key: ResultKey | None = None,
        disagreement: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        """Take a prediction of the open scan."""
        drawn = self.open_one()
        self._check_editable()
        for array in (probability,) if disagreement is None else (probability, disagreement):
            check_shape(array, drawn.mask)
        check_threshold(threshold)
        if key is not None and self._scan is not None:
            key.check_scan(self._scan)
        self.settle()
        before = self.predicted.threshold
        self.predicted.take(probability, model_name, threshold, key, disagreement)
        entry, touched = drawn.predict(before, self._shown.z)
        self._tell([entry], prediction=True, threshold=threshold != before, slices=touched)
        if drawn.log.corrected:
            count = len(drawn.log.corrected)
            kept = "1 slice" if count == 1 else f"{count} slices"
            self._signals.message.emit(f"Your corrections of {kept} were kept; the prediction fills the others.")

    def set_threshold(self, threshold: float) -> None:
        """Threshold the prediction anew."""
        check_threshold(threshold)
        if threshold == self.predicted.threshold:
            return
        drawn = self.drawn
        touched: tuple[int, ...] | None = ()
        if drawn is None or self.predicted.probability is None:
            self.predicted.threshold = threshold
        else:
            self._check_editable()
            if drawn.dragged_from is None:
                self.settle()
                drawn.dragged_from = self.predicted.threshold
            else:
                self._signals.settling.emit()
            self.predicted.threshold = threshold
            touched = drawn.fill()
        self._tell([], threshold=True, slices=touched)

    def settle(self, slices: Iterable[int] | None = None) -> None:
        """Turn what is not yet a step into steps."""
        if self.drawn is None:
            return
        self._signals.settling.emit()
        self._tell([self.drawn.settle_drag(self._shown.z)])
        untold = self.drawn.log.shadow.changed(slices)
        if untold:
            self.mark_edited(untold, OTHER_TOOL)

    def mark_edited(self, slices: Iterable[int], tool: str = "brush") -> None:
        """Take note that these display slices (z) were changed in place."""
        drawn = self.open_one()
        count, edited = len(drawn.mask.array), tuple(sorted({int(z) for z in slices}))
        if not edited:
            return
        if edited[0] < 0 or edited[-1] >= count:
            raise IndexError(f"slices {edited} are not all among the scan's {count}")
        if not self.editable:
            drawn.log.shadow.put_back(edited)
            self._tell([], slices=edited)
            self._signals.message.emit(READ_ONLY)
            return
        self._tell(drawn.edit(edited, tool, self._shown.z), slices=edited, dirty=True)

    def write_slices(self, slices: Mapping[int, Labels], tool: str) -> bool:
        """Write these display slices (z) as one step."""
        array = self.open_one().mask.array
        self._check_editable()
        self.settle(slices)
        changed = [z for z, labels in slices.items() if not np.array_equal(array[z], labels)]
        for z in changed:
            array[z] = slices[z]
        self.mark_edited(changed, tool)
        return bool(changed)

    def undo(self) -> bool:
        """Take the last edit back; False if there is none."""
        return self._step("undo")

    def redo(self) -> bool:
        """Make the edit that was undone last again; False if there is none."""
        return self._step("redo")

    def _step(self, kind: Kind) -> bool:
        drawn = self.drawn
        if drawn is None:
            return False
        self._check_editable()
        self._signals.settling.emit()
        self._tell([drawn.take_drag(self._shown.z)])
        untold = drawn.untold(kind)
        if untold:
            self.mark_edited(untold, OTHER_TOOL)  # A step of its own, so that it can be had back.
        stepped = drawn.log.undo() if kind == "undo" else drawn.log.redo()
        if stepped is not None:
            self._tell_stepped([stepped])
        return stepped is not None

    def go_to(self, position: int) -> None:
        """Undo or redo until the edit at ``position`` is the last that is done."""
        log = self.open_one().log
        self._check_editable()
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
            self.predicted.threshold = moved[-1]
        slices = tuple(sorted({z for step in steps for z in step.slices}))
        dirty = True if any(step.edit.tool not in NO_CORRECTION for step in steps) else None
        self._tell([step.line for step in steps], threshold=bool(moved), slices=slices, dirty=dirty)

    def restore(self, mask: Mask, log: Iterable[Entry], corrected: Iterable[int]) -> None:
        """Go on with a mask from a journal."""
        drawn, lines = self.open_one(), tuple(log)
        check_same_grid(mask, drawn.mask)
        check_labels(mask)
        self.settle()
        last = self.predicted.threshold
        entry = drawn.restore(mask, lines, frozenset(corrected), self._shown.z)
        self._tell([entry], threshold=last != self.predicted.threshold, slices=None, history=True)

    def mark_exported(self) -> None:
        """Take note that the mask has been exported."""
        self._tell([], dirty=False)

    def predicted_slice(self, z: int) -> Labels:
        """Threshold a display slice of the prediction."""
        labels = np.empty(self.open_one().mask.array.shape[1:], np.uint8)
        self.predicted.write(z, labels)
        return labels

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
        cleaned_or_soiled = dirty is not None and dirty != self.dirty
        self.dirty = self.dirty if dirty is None else dirty
        made = [line for line in lines if line is not None]
        for line in made:
            self._signals.edited.emit(line)
        if made or history:
            self._signals.history_changed.emit()
        if prediction:
            self._signals.prediction_changed.emit(self.predicted.probability)
        if threshold:
            self._signals.threshold_changed.emit(self.predicted.threshold)
        if slices != ():
            self._signals.mask_changed.emit(slices)
        if cleaned_or_soiled:
            self._signals.dirty_changed.emit(self.dirty)
