"""The one state all panels share: scan, truth, prediction, the mask being corrected, and what is shown of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.result_key import ResultKey
from napari_lesionseg.review.changes import Entry, Labels
from napari_lesionseg.review.drawn import check_same_grid
from napari_lesionseg.review.editing import Editing
from napari_lesionseg.review.history import History
from napari_lesionseg.review.lesion_states import LesionStates
from napari_lesionseg.review.session_signals import SessionSignals
from napari_lesionseg.review.shown import Shown, check_window
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.windowing import Window


class Session(SessionSignals):
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

    def __init__(self) -> None:
        self.lesion_states = LesionStates()
        """What the reviewer said of the open scan's lesions."""
        self._forget(None, None, 0.5)

    def _forget(self, scan: Volume | None, start: Start | None, threshold: float) -> None:
        self._scan = scan
        self._truth: Mask | None = None
        self._lungs: Mask | None = None
        self._lungs_checked = False
        self._shown = Shown(scan, None if start is None else start.slice)
        self._editing = Editing(self, scan, start, self._shown, threshold)

    @property
    def scan(self) -> Volume | None:
        """The open scan."""
        return self._scan

    @property
    def truth(self) -> Mask | None:
        """The ground truth to compare with."""
        return self._truth

    @property
    def lungs(self) -> Mask | None:
        """The lungs, None before they were looked for, or where they cannot be told."""
        return self._lungs

    @property
    def lungs_checked(self) -> bool:
        """Whether a person has seen the lungs and taken them for right; before that no share of them is stated."""
        return self._lungs_checked

    @property
    def probability(self) -> npt.NDArray[np.uint8] | None:
        """The prediction (z, y, x), p·255."""
        return self._editing.predicted.probability

    @property
    def disagreement(self) -> npt.NDArray[np.uint8] | None:
        """How far the members of an ensemble are apart (z, y, x), 255 for 1; None if one network predicted."""
        return self._editing.predicted.disagreement

    @property
    def model_name(self) -> str:
        """The model that made the prediction, ``""`` without one."""
        return self._editing.predicted.model_name

    @property
    def prediction_key(self) -> ResultKey | None:
        """What the prediction belongs to, where that is known."""
        return self._editing.predicted.key

    @property
    def threshold(self) -> float:
        """Probability from which a voxel is lesion, 0 to 1."""
        return self._editing.predicted.threshold

    @property
    def mask(self) -> Mask | None:
        """The mask being corrected, None without a scan; its array stays the same object while a scan is open."""
        return None if self._editing.drawn is None else self._editing.drawn.mask

    @property
    def window(self) -> Window:
        """The window the scan is looked at through."""
        return self._shown.window

    @property
    def slice_index(self) -> int:
        """The display slice (z) looked at."""
        return self._shown.z

    @property
    def dirty(self) -> bool:
        """Whether there are corrections that are not exported."""
        return self._editing.dirty

    @property
    def corrected_slices(self) -> frozenset[int]:
        """Display slices (z) the reviewer corrected."""
        return frozenset() if self._editing.drawn is None else self._editing.drawn.log.corrected

    @property
    def history(self) -> History:
        """The steps that can be undone and redone; another one for each scan that is opened."""
        return History() if self._editing.drawn is None else self._editing.drawn.log.history

    @property
    def editable(self) -> bool:
        """Whether the mask may be changed."""
        return self._editing.editable

    def set_editable(self, editable: bool) -> None:
        """Allow changes of the mask, or refuse them, as long as this scan is open: a colleague may work on it."""
        self._editing.set_editable(editable)

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
                check_same_grid(mask, scan)
        self._switch(scan, start, truth)
        for warning in scan.warnings[:1]:
            self.message.emit(warning)

    def close_scan(self) -> None:
        """Drop the scan and all that belongs to it."""
        self._switch(None, None)

    def _switch(self, scan: Volume | None, start: Start | None, truth: Mask | None = None) -> None:
        self.settle()
        was_dirty, was_editable, threshold = self._editing.dirty, self._editing.editable, self.threshold
        self._forget(scan, start, threshold)
        self._truth = truth
        self.lesion_states.clear()
        self.scan_changed.emit(scan)
        self.truth_changed.emit(truth)
        self.lungs_changed.emit(None)
        self.prediction_changed.emit(None)
        self.mask_changed.emit(None)
        self.window_changed.emit(self.window)
        self.slice_changed.emit(self.slice_index)
        self.history_changed.emit()
        if threshold != self.threshold:
            self.threshold_changed.emit(self.threshold)
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
            check_same_grid(truth, self._editing.open_one().mask)
        self._truth = truth
        self.truth_changed.emit(truth)

    def set_lungs(self, lungs: Mask | None, *, checked: bool = False) -> None:
        """Take these lungs of the open scan; ``checked`` if a person has seen them and takes them for right.

        Raises
        ------
        LesionsegError
            If no scan is open, or ``lungs`` lie on another grid.
        """
        if lungs is not None:
            check_same_grid(lungs, self._editing.open_one().mask)
        self._lungs, self._lungs_checked = lungs, checked and lungs is not None
        self.lungs_changed.emit(lungs)

    def load_mask(self, mask: Mask) -> None:
        """Copy ``mask`` over the session's mask, as the state to go on correcting from.

        Slices in which it differs from the prediction (from nothing, without one) count as corrected.

        Raises
        ------
        LesionsegError
            If no scan is open, or ``mask`` lies on another grid or holds labels outside 0 to 255.
        """
        self._editing.load_mask(mask)

    def set_prediction(
        self,
        probability: npt.NDArray[np.uint8],
        model_name: str,
        threshold: float,
        key: ResultKey | None = None,
        disagreement: npt.NDArray[np.uint8] | None = None,
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
        disagreement
            uint8 (z, y, x): how far the members of an ensemble are apart, 255 for 1.

        Raises
        ------
        LesionsegError
            If no scan is open, an array does not fit it, the key is of another scan, or the threshold is not from 0
            to 1.
        """
        self._editing.set_prediction(probability, model_name, threshold, key, disagreement)

    def set_threshold(self, threshold: float) -> None:
        """Threshold the prediction anew, in every slice that is not corrected.

        All moves up to the next ``settle``, or the next edit, are one step of the history.

        Raises
        ------
        LesionsegError
            If ``threshold`` is not from 0 to 1, or the mask may not be changed.
        """
        self._editing.set_threshold(threshold)

    def settle(self, slices: Iterable[int] | None = None) -> None:
        """Turn what is not yet a step into steps: a stroke under way, a dragged threshold, changes nobody told of.

        Changes nobody told of are looked for in these display slices (z). All, the default, takes some tens of
        milliseconds on a large scan: before a case is left or saved, not after each stroke.
        """
        self._editing.settle(slices)

    def set_window(self, window: Window) -> None:
        """Look through ``window``.

        Raises
        ------
        LesionsegError
            If its width is not above 0, or a number is not finite.
        """
        check_window(window)
        if window != self.window:
            self._shown.window = window
            self.window_changed.emit(window)

    def set_slice(self, z: int) -> None:
        """Look at display slice ``z``, or at the nearest one there is."""
        nearest = self._shown.nearest(z)
        if nearest != self.slice_index:
            self._shown.z = nearest
            self.slice_changed.emit(nearest)

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
        self._editing.mark_edited(slices, tool)

    def write_slices(self, slices: Mapping[int, Labels], tool: str) -> bool:
        """Write these display slices (z; labels (y, x)) as one step of the history, made by ``tool``.

        Returns
        -------
        bool
            Whether any voxel changed; if none did, it is no step.

        Raises
        ------
        LesionsegError
            If no scan is open, or the mask may not be changed.
        """
        return self._editing.write_slices(slices, tool)

    def undo(self) -> bool:
        """Take the last edit back; False if there is none.

        Raises
        ------
        LesionsegError
            If the mask may not be changed, or the journal cannot give the edit back now; nothing is changed.
        """
        return self._editing.undo()

    def redo(self) -> bool:
        """Make the edit that was undone last again; False if there is none.

        Raises
        ------
        LesionsegError
            As for ``undo``.
        """
        return self._editing.redo()

    def go_to(self, position: int) -> None:
        """Undo or redo until the edit at ``position`` is the last that is done; 0 undoes all.

        Raises
        ------
        LesionsegError
            As for ``undo``; what was undone or redone until then stays so.
        LookupError
            If no step of the history has this position.
        """
        self._editing.go_to(position)

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
        self._editing.restore(mask, log, corrected)

    def mark_exported(self) -> None:
        """Take note that the mask as it is now has been exported."""
        self._editing.mark_exported()

    def predicted_slice(self, z: int) -> Labels:
        """Threshold display slice ``z`` of the prediction: a new uint8 array (y, x), empty without a prediction."""
        return self._editing.predicted_slice(z)
