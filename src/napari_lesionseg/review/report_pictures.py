"""Overlay pictures of a report: a slice at its window, the outline of the mask, R and L, and a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.lung_sides import Bools
from napari_lesionseg.volumes.export.segments import LESION, Segment
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.windowing import GREY_WINDOW, PRESETS, Window, apply_window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES_MM = (50, 20, 10, 5, 1)
MARGIN_MM = 20

Box = tuple[slice, slice]
Colour = tuple[int, int, int]


def window_of(scan: Volume) -> Window:
    """The window the pictures are made with: lung, or all grey levels."""
    return GREY_WINDOW if scan.intensity == "grey" else PRESETS["lung"]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of a mask on its scan, all of one (y, x) ``box``, outlines in the ``colours`` of the labels."""

    mask: Mask
    scan: Volume
    box: Box
    colours: Mapping[int, Colour]

    @classmethod
    def of(cls, mask: Mask, scan: Volume, lungs: Mask | None, segments: Sequence[Segment]) -> Pictures:
        """Show lungs and lesions with a margin; without lungs, the whole slice."""
        return cls(mask, scan, _box(mask, scan, lungs), {one.label: one.colour for one in segments})

    def draw(self, axes: Axes, z: int) -> None:
        """Draw slice ``z`` upright, the patient's right on the left, centred in ``axes``; its coordinates are mm."""
        _, dy, dx = self.scan.geometry.spacing
        grey = np.rint(apply_window(self.scan.array[z][self.box], window_of(self.scan)) * 255).astype(np.uint8)
        height, width = grey.shape[0] * dy, grey.shape[1] * dx
        axes.set_facecolor("black")
        axes.set(xticks=[], yticks=[])
        # "none" puts the pixels as they are into the PDF; the default would resample them to the page.
        extent = (0.0, width, height, 0.0)
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto", interpolation="none")
        self._draw_outlines(axes, self.mask.array[z][self.box], (dy, dx))
        paper = axes.get_window_extent()
        fit = max(width / paper.width, height / paper.height)  # mm of the patient on a point of the page.
        across, down = fit * paper.width, fit * paper.height
        axes.set_xlim((width - across) / 2, (width + across) / 2)
        axes.set_ylim((height + down) / 2, (height - down) / 2)
        _draw_marks(axes, across)

    def _draw_outlines(self, axes: Axes, labels: npt.NDArray[Any], spacing: tuple[float, float]) -> None:
        framed = np.pad(labels, 1)  # With background around it, an outline closes along the picture's edge too.
        y, x = ((np.arange(count) - 0.5) * side for count, side in zip(framed.shape, spacing, strict=True))
        for label in np.unique(labels[labels != 0]):
            colour = [part / 255 for part in self.colours.get(int(label), LESION.colour)]
            axes.contour(x, y, (framed == label).astype(np.float32), levels=[0.5], colors=[colour], linewidths=0.9)


def _box(mask: Mask, scan: Volume, lungs: Mask | None) -> Box:
    shape = scan.array.shape[1:]
    if lungs is None or not lungs.array.any():
        return slice(0, shape[0]), slice(0, shape[1])
    plane: Bools = np.zeros(shape, np.bool_)
    for volume in (lungs, mask):
        for one in volume.array:
            plane |= one != 0
    sides = []
    for axis, length in enumerate(shape):
        places = np.flatnonzero(plane.any(axis=1 - axis))
        margin = round(MARGIN_MM / scan.geometry.spacing[1 + axis])
        sides.append(slice(max(0, int(places[0]) - margin), min(length, int(places[-1]) + 1 + margin)))
    return sides[0], sides[1]


def _draw_marks(axes: Axes, across_mm: float) -> None:
    from matplotlib.patheffects import withStroke

    seen = [withStroke(linewidth=1.8, foreground="black")]  # On bright tissue too.
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "path_effects": seen}
    axes.text(0.025, 0.5, "R", ha="left", va="center", fontsize=9, fontweight="bold", **style)
    axes.text(0.975, 0.5, "L", ha="right", va="center", fontsize=9, fontweight="bold", **style)
    length = next((mm for mm in SCALES_MM if mm < across_mm / 3), SCALES_MM[-1])
    ends = [0.04, 0.04 + length / across_mm]
    axes.plot(ends, [0.055, 0.055], lw=1.5, solid_capstyle="butt", **style)
    axes.text(ends[0], 0.08, f"{length} mm", ha="left", va="bottom", fontsize=6.5, **style)
