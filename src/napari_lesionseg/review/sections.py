"""Axial, coronal and sagittal sections of a scan, turned as a radiologist expects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.cross_hair import Place
from napari_lesionseg.review.side_letters import Sides, side_letters

Plane = Literal["axial", "coronal", "sagittal"]
_THROUGH: dict[Plane, int] = {"axial": 0, "coronal": 1, "sagittal": 2}
#: What lies left of, right of, above and below the picture.
LETTERS: dict[Plane, Sides] = {
    "axial": side_letters(1, 2),
    "coronal": side_letters(0, 2, flipped=(True, False)),
    "sagittal": side_letters(0, 1, flipped=(True, False)),
}


@dataclass(frozen=True)
class Section:
    """How voxels (z, y, x) of a grid and pixels (row, column) of its sections in one plane belong together.

    The patient's right is on the left of axial and coronal pictures, anterior on the left of sagittal ones;
    superior is up.

    Parameters
    ----------
    shape, spacing
        Of the grid, in display order; mm.
    """

    plane: Plane
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @property
    def through(self) -> int:
        """The axis that scrolling goes along."""
        return _THROUGH[self.plane]

    @property
    def count(self) -> int:
        """How many sections there are."""
        return self.shape[self.through]

    @property
    def axes(self) -> tuple[int, int]:
        """The axes that rows and columns run along."""
        row, column = (axis for axis in range(3) if axis != self.through)
        return row, column

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        row, column = self.axes
        return self.shape[row], self.shape[column]

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Height and width of a pixel in mm."""
        row, column = self.axes
        return self.spacing[row], self.spacing[column]

    def cut(self, array: npt.NDArray[Any], index: int) -> npt.NDArray[Any]:
        """View section ``index`` of a (z, y, x) array as a picture (row, column); nothing is copied."""
        picture = np.moveaxis(array, self.through, 0)[index]
        return np.asarray(picture if self.through == 0 else picture[::-1])

    def pixel(self, place: Place) -> tuple[int, int]:
        """The pixel (row, column) of a voxel, in the section that holds it."""
        row, column = self.axes
        return self._upright(place[row]), place[column]

    def voxel(self, pixel: tuple[int, int], place: Place) -> Place:
        """The voxel of a pixel (row, column) in the section through ``place``."""
        found = list(place)
        row, column = self.axes
        found[row], found[column] = self._upright(pixel[0]), pixel[1]
        return found[0], found[1], found[2]

    def scrolled(self, place: Place, steps: int) -> Place:
        """The voxel so many sections further on."""
        found = list(place)
        found[self.through] = max(0, min(found[self.through] + steps, self.count - 1))
        return found[0], found[1], found[2]

    def _upright(self, row: int) -> int:
        return row if self.through == 0 else self.size[0] - 1 - row


def outline(labels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Keep the pixels of a picture's lesions that have background, or the picture's end, beside them: 1, else 0."""
    inside = np.pad(labels != 0, 1)
    core = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    return np.asarray(inside[1:-1, 1:-1] & ~core, np.uint8)
