"""What a hand or a plugin does to a labels layer, and with which tool; napari's own undo gives way to the session's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Labels

from napari_lesionseg.widgets.brush import Brush, GatedPaint

WRITERS = ("paint", "fill", "paint_polygon", "data_setitem")  # All ways by which napari writes into a labels layer.
OTHER_TOOL = "other tool"


class EditWatch:
    """Report every change of a labels layer once its voxels are written, and keep the layer on its array.

    napari would hold the voxels of 100 strokes in memory, forget them at the next start, and tell nobody
    of an undo. Its history is given a length of 0; ``layer.undo`` and ``layer.redo``, which its keys and
    menus call, are answered by others.

    Parameters
    ----------
    layer
        Labels (z, y, x) on an array of uint8.
    on_edited
        Called with the display slices (z) that were touched, and the tool: ``"brush"``, ``"eraser"``,
        ``"fill"``, ``"polygon"``, ``"encircle"`` or ``"other tool"``, or the name of the brush's gate.
    refuse
        Called with a sentence when the layer was given voxels that are no lesion mask.
    brush
        How the brush paints.
    """

    def __init__(
        self,
        layer: Labels,
        on_edited: Callable[[tuple[int, ...], str], None],
        refuse: Callable[[str], None],
        brush: Brush,
    ) -> None:
        self._layer, self._on_edited, self._refuse = layer, on_edited, refuse
        self._array = layer.data
        self._tool = OTHER_TOOL
        layer._history_limit = 0  # There is no public way to have no history.
        layer._reset_history()
        self._gated = GatedPaint(layer, brush)
        for name in WRITERS:
            setattr(layer, name, self._told_afterwards(name, getattr(layer, name)))
        layer.events.paint.connect(self._on_paint)
        layer.events.data.connect(self._on_data)

    def answer_undo(self, undo: Callable[[], object], redo: Callable[[], object]) -> None:
        """Let these do what napari's keys and menus ask of the layer."""
        self._layer.undo, self._layer.redo = undo, redo

    def follow(self, array: npt.NDArray[np.uint8]) -> None:
        """Give the layer another mask's array."""
        self._array = array
        self._layer.data = array

    def finish_stroke(self) -> None:
        """Report what a stroke has painted so far; what it paints from now on will be another edit."""
        if self._layer._staged_history:
            self._layer._commit_staged_history()

    def _told_afterwards(self, name: str, write: Callable[..., None]) -> Callable[..., None]:
        # On its own napari tells of a polygon before it is written; within a block when it is done.
        def written(*args: Any, **kwargs: Any) -> None:
            self._tool = self._tool_of(name, args, kwargs)
            if not self._layer.visible:
                self._layer.set_view_slice()  # napari leaves it at the slice, and the array, that was shown last.
            if self._layer._block_history:
                write(*args, **kwargs)
            else:
                try:
                    with self._layer.block_history():
                        write(*args, **kwargs)
                finally:
                    self.finish_stroke()  # napari may fail at showing what it has written.

        return written

    def _tool_of(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if name == "paint":
            label = kwargs["new_label"] if "new_label" in kwargs else args[1]
            return self._gated.name_for(label)
        if name == "paint_polygon":
            return "encircle" if self._layer._overlays["brush_stroke"].active else "polygon"
        return "fill" if name == "fill" else OTHER_TOOL

    def _on_paint(self, event: Any) -> None:
        self._on_edited(tuple(sorted(touched_slices(event.value))), self._tool)

    def _on_data(self) -> None:
        """Somebody gave the layer another array: its labels are taken over, and the layer gets the old one back."""
        given = self._layer.data
        if given is self._array:
            return
        labels = np.asarray(given)
        fits = labels.shape == self._array.shape and (labels.size == 0 or (labels.min() >= 0 and labels.max() <= 255))
        if fits:
            np.copyto(self._array, labels, casting="unsafe")
        self._layer.data = self._array
        if fits:
            self._on_edited(tuple(range(len(self._array))), OTHER_TOOL)
        else:
            self._refuse("The layer was given voxels that are no lesion mask of this scan; its mask was kept.")


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
