"""The brush of a labels layer, kept inside a gate and led through a slab; the strokes stay napari's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

if TYPE_CHECKING:
    from napari_lesionseg.review.tools import gates


@dataclass(frozen=True)
class Gate:
    """Where the brush may paint.

    Parameters
    ----------
    name
        What a stroke through it is called in the history.
    passes
        Tells of voxels, as arrays of their z, y and x, which may be painted.
    otherwise
        The sentence for a stroke that found nothing to paint.
    """

    name: str
    passes: gates.Gate
    otherwise: str


class Brush:
    """How the brush of one viewer paints, whichever layer it is used on."""

    def __init__(self) -> None:
        self.gate: Gate | None = None
        self.reach = 0  # Slices on either side that are painted with the one looked at.
        self._refused = self._painted = False

    def begin(self) -> None:
        """Forget what was painted: a stroke begins."""
        self._refused = self._painted = False

    def note(self, painted: bool) -> None:
        """Take note that the gate let something through, or nothing."""
        self._painted |= painted
        self._refused |= not painted

    @property
    def complaint(self) -> str:
        """Why the stroke painted nothing, "" if it did or was free to."""
        return self.gate.otherwise if self.gate is not None and self._refused and not self._painted else ""


class GatedPaint:
    """napari's ways to paint on one layer, as a ``Brush`` says.

    The gate is for the hand: it holds in napari's paint mode, for the brush and for what the right button
    encircles, and neither for the eraser nor for code that paints while another tool is in hand.
    """

    def __init__(self, layer: Labels, brush: Brush) -> None:
        self._layer, self._brush = layer, brush
        self._paint, self._paint_polygon, self._apply = layer.paint, layer.paint_polygon, layer._apply_mask_to_data
        self._gate: Gate | None = None  # Of the call under way.
        layer.paint, layer.paint_polygon = self.paint, self.paint_polygon
        layer._apply_mask_to_data = self._apply_gated  # There is no public place between shape and voxels.

    def paint(self, coord: Sequence[float], new_label: int, refresh: bool = True) -> None:
        """Paint over existing labels with a new label, where the gate allows it, in every slice of the slab."""
        with self._gated(new_label):
            for place in self._through(coord):
                self._paint(place, new_label, refresh=False)
        if refresh:
            self._layer._partial_labels_refresh()

    def paint_polygon(self, points: list[Any], new_label: int) -> None:
        """Paint a polygon over existing labels with a new label, where the gate allows it."""
        with self._gated(new_label):
            self._paint_polygon(points, new_label)

    def name_for(self, label: int) -> str:
        """What a stroke with this label is called."""
        if label == self._layer.colormap.background_value:
            return "eraser"
        gate = self._gate_for(label)
        return "brush" if gate is None else gate.name

    def _gate_for(self, label: int) -> Gate | None:
        by_hand = str(self._layer.mode) == "paint" and label != self._layer.colormap.background_value
        return self._brush.gate if by_hand else None

    @contextmanager
    def _gated(self, label: int) -> Iterator[None]:
        self._gate = self._gate_for(label)
        try:
            yield
        finally:
            self._gate = None

    def _through(self, coord: Sequence[float]) -> Iterator[Sequence[float]]:
        reach = self._brush.reach if str(self._layer.mode) in ("paint", "erase") and self._is_axial() else 0
        if reach == 0:
            yield coord
            return
        z = round(float(coord[0]))
        for at in range(max(0, z - reach), min(len(self._layer.data), z + reach + 1)):
            yield (at, *coord[1:])

    def _is_axial(self) -> bool:
        return sorted(self._layer._slice_input.displayed) == [1, 2]

    def _apply_gated(self, data: Any, mask: Any, new_label: int, box: tuple[slice, ...]) -> Any:
        if self._gate is not None:
            inside = np.nonzero(mask)
            mask = np.array(mask)
            z, y, x = (at + side.start for at, side in zip(inside, box, strict=True))
            mask[inside] = self._gate.passes(z, y, x)
            self._brush.note(bool(mask.any()))
        return self._apply(data, mask, new_label, box)
