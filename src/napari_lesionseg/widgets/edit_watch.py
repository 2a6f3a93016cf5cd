"""Which slices a stroke, an undo or a redo touched: napari tells of strokes, but not of undo and redo."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from napari.layers import Labels


class EditWatch:
    """Report every change that a hand makes to a labels layer.

    An undo can only touch slices that were painted before, so a checksum of each of those tells which.

    Parameters
    ----------
    layer
        Labels (z, y, x).
    on_edited
        Called with the display slices (z) that were touched, after the array has changed.
    """

    def __init__(self, layer: Labels, on_edited: Callable[[tuple[int, ...]], None]) -> None:
        self._layer, self._on_edited = layer, on_edited
        self._checksums: dict[int, int] = {}
        self._unsettled: set[int] = set()
        layer.events.paint.connect(self._on_paint)
        layer.events.labels_update.connect(self._on_drawn)
        self._undo, self._redo = layer.undo, layer.redo
        layer.undo = self._undo_and_tell  # napari's keys and menus look these up on the layer
        layer.redo = self._redo_and_tell

    def forget(self, slices: Iterable[int] | None) -> None:
        """Drop napari's history if it reaches into slices that were just written by somebody else (None: all).

        An undo would replay old voxels into the new slice.
        """
        painted = set(self._checksums)
        if not painted or (slices is not None and painted.isdisjoint(slices)):
            return
        self._checksums.clear()
        mode = self._layer.mode
        self._layer.editable = False  # napari drops the history of a layer that stops being editable.
        self._layer.editable = True
        self._layer.mode = mode

    def _on_paint(self, event: Any) -> None:
        # After a drag the array has its new labels by now; a polygon or an edit from code writes them next.
        self._unsettled = touched_slices(event.value)
        self._checksums.update({z: self._checksum(z) for z in self._unsettled})
        self._on_edited(tuple(sorted(self._unsettled)))

    def _on_drawn(self) -> None:
        if self._unsettled:
            unsettled, self._unsettled = self._unsettled, set()
            self._tell_what_changed(unsettled)

    def _undo_and_tell(self) -> None:
        self._undo()
        self._tell_what_changed(self._checksums)

    def _redo_and_tell(self) -> None:
        self._redo()
        self._tell_what_changed(self._checksums)

    def _tell_what_changed(self, slices: Iterable[int]) -> None:
        now = {z: self._checksum(z) for z in slices if z in self._checksums}
        changed = tuple(sorted(z for z, checksum in now.items() if checksum != self._checksums[z]))
        self._checksums.update(now)
        if changed:
            self._on_edited(changed)

    def _checksum(self, z: int) -> int:
        return zlib.crc32(np.ascontiguousarray(self._layer.data[z]).data)


def touched_slices(item: Iterable[Any]) -> set[int]:
    """Display slices (z) in the value of napari's ``paint`` event, a list of changes applied together."""
    touched: set[int] = set()
    for atom in item:
        key = getattr(atom, "slice_key", None)
        if key is not None:  # brush, fill and polygon: a box
            touched.update(range(key[0].start, key[0].stop))
        else:  # data_setitem: indices, old values, new values
            touched.update(int(z) for z in np.unique(atom[0][0]))
    return touched
