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
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window


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
    """

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

    def _forget(self, scan: Volume | None, mask: Mask | None) -> None:
        self._scan, self._mask = scan, mask
        self._truth: Mask | None = None
        self._probability: npt.NDArray[np.uint8] | None = None
        self._model_name = ""
        self._prediction_key: ResultKey | None = None
        self._corrected: frozenset[int] = frozenset()
        self._window = GREY_WINDOW if scan is not None and scan.intensity == "grey" else PRESETS["lung"]
        self._slice_index = 0 if scan is None else scan.array.shape[0] // 2
        self._dirty = False

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
        return self._corrected

    def open_scan(self, scan: Volume) -> None:
        """Open ``scan`` with an empty mask, its default window and its middle slice; drop all of the last scan."""
        self._switch(scan, Mask.empty(scan.geometry))
        for warning in scan.warnings[:1]:
            self.message.emit(warning)

    def close_scan(self) -> None:
        """Drop the scan and all that belongs to it."""
        self._switch(None, None)

    def _switch(self, scan: Volume | None, mask: Mask | None) -> None:
        was_dirty = self._dirty
        self._forget(scan, mask)
        self.scan_changed.emit(scan)
        self.truth_changed.emit(None)
        self.prediction_changed.emit(None)
        self.mask_changed.emit(None)
        self.window_changed.emit(self._window)
        self.slice_changed.emit(self._slice_index)
        if was_dirty:
            self.dirty_changed.emit(False)

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
        own = self._check_grid(mask)
        if mask.array.min() < 0 or mask.array.max() > 255:
            raise LesionsegError(f"{_name(mask)} holds labels outside 0 to 255; choose a lesion mask.")
        np.copyto(own.array, mask.array, casting="unsafe")
        self._corrected = frozenset(z for z in range(len(own.array)) if self._differs(z))
        self.mask_changed.emit(None)
        self._set_dirty(False)

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
        mask = self._open_mask()
        if probability.shape != mask.array.shape or probability.dtype != np.uint8:
            raise LesionsegError(
                f"A prediction of shape {probability.shape} does not fit the open scan of shape {mask.array.shape}; "
                "segment this scan again."
            )
        _check_threshold(threshold)
        if key is not None and self._scan is not None:
            key.check_scan(self._scan)
        moved = threshold != self._threshold
        self._prediction_key = key
        self._probability, self._model_name, self._threshold = probability, model_name, threshold
        touched = self._threshold_uncorrected(probability, mask)
        self.prediction_changed.emit(probability)
        if moved:
            self.threshold_changed.emit(threshold)
        if touched != ():
            self.mask_changed.emit(touched)
        if self._corrected:
            kept = "1 slice" if len(self._corrected) == 1 else f"{len(self._corrected)} slices"
            self.message.emit(f"Your corrections of {kept} were kept; the prediction fills the others.")

    def set_threshold(self, threshold: float) -> None:
        """Threshold the prediction anew, in every slice that is not corrected.

        Raises
        ------
        LesionsegError
            If ``threshold`` is not from 0 to 1.
        """
        _check_threshold(threshold)
        if threshold == self._threshold:
            return
        self._threshold = threshold
        touched: tuple[int, ...] | None = ()
        if self._probability is not None and self._mask is not None:
            touched = self._threshold_uncorrected(self._probability, self._mask)
        self.threshold_changed.emit(threshold)
        if touched != ():
            self.mask_changed.emit(touched)

    def _threshold_uncorrected(self, probability: npt.NDArray[np.uint8], mask: Mask) -> tuple[int, ...] | None:
        touched = tuple(z for z in range(len(probability)) if z not in self._corrected)
        for z in touched:
            threshold_probability(probability[z], self._threshold, out=mask.array[z])
        return touched if self._corrected else None

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
        count = 0 if self._scan is None else len(self._scan.array)
        nearest = max(0, min(int(z), count - 1))
        if nearest != self._slice_index:
            self._slice_index = nearest
            self.slice_changed.emit(nearest)

    def mark_edited(self, slices: Iterable[int]) -> None:
        """Take note that the reviewer changed these display slices of ``mask.array`` in place.

        Raises
        ------
        LesionsegError
            If no scan is open.
        IndexError
            If a slice is not one of the scan's.
        """
        count = len(self._open_mask().array)
        edited = tuple(sorted({int(z) for z in slices}))
        if not edited:
            return
        if edited[0] < 0 or edited[-1] >= count:
            raise IndexError(f"slices {edited} are not all among the scan's {count}")
        differing = {z for z in edited if self._differs(z)}
        self._corrected = (self._corrected - set(edited)) | differing
        self.mask_changed.emit(edited)
        self._set_dirty(True)

    def mark_exported(self) -> None:
        """Take note that the mask as it is now has been exported."""
        self._set_dirty(False)

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

    def _set_dirty(self, dirty: bool) -> None:
        if dirty != self._dirty:
            self._dirty = dirty
            self.dirty_changed.emit(dirty)

    def _open_mask(self) -> Mask:
        if self._mask is None:
            raise LesionsegError("No scan is open; open a scan first.")
        return self._mask

    def _check_grid(self, other: Mask) -> Mask:
        mask = self._open_mask()
        if not other.geometry.same_grid(mask.geometry):
            raise LesionsegError(
                f"{_name(other)} lies on another grid (shape {other.geometry.shape}) than the open scan "
                f"(shape {mask.geometry.shape}); choose the mask that was drawn on this scan."
            )
        return mask


def _name(mask: Mask) -> str:
    return "The mask" if mask.source is None else str(mask.source)


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise LesionsegError(f"A threshold of {threshold} is not from 0 to 1; choose another.")
