"""Marked voxels of a scan grouped into regions, slice by slice: little memory, and no pause for other threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.geometry import Geometry

Marks = Callable[[int], npt.NDArray[np.bool_]]
"""Which voxels (y, x) of a display slice (z) are marked."""
Indices = npt.NDArray[np.int64]
Table = npt.NDArray[np.float64]
BLOCK_MM: Final = 2.5  # Marks that are nearer to each other in a slice are one region.
KEPT: Final = 8_000_000  # Marked voxels whose places are kept rather than looked for again: 16 bytes each.


class Regions:
    """26-connected regions of blocks of about 2.5 mm in each slice.

    Components of single voxels would take seconds on a large scan, in which no other thread can run.

    Parameters
    ----------
    marks
        What is marked; called several times with each slice.
    geometry
        The scan's grid.
    share
        A block belongs to a region if this share of its voxels is marked; with 0, one voxel will do.
    """

    def __init__(self, marks: Marks, geometry: Geometry, share: float = 0.0) -> None:
        import cc3d  # Not while the dock opens.

        self._marks = marks
        self.depth, height, width = geometry.display_shape
        _, row_mm, column_mm = geometry.spacing
        self._block = max(1, round(BLOCK_MM / row_mm)), max(1, round(BLOCK_MM / column_mm))
        self._width = width
        rows, columns = -(-height // self._block[0]), -(-width // self._block[1])
        inside = np.zeros((self.depth, rows, columns), np.uint8)
        needed = max(1, math.ceil(share * self._block[0] * self._block[1]))
        for z in range(self.depth):
            slice_marks = marks(z)
            if slice_marks.any():
                inside[z] = block_sums(slice_marks, self._block) >= needed
        self._parts: npt.NDArray[Any] = cc3d.connected_components(inside, connectivity=26)
        self.count = int(self._parts.max(initial=0))
        self._slices = [z for z in range(self.depth) if inside[z].any()]
        self._kept: dict[int, tuple[Indices, Indices]] = {}
        self._room = KEPT

    def voxels(self, z: int) -> tuple[Indices, Indices]:
        """The marked voxels of slice ``z`` that are in a region: places in the ravelled slice, and regions from 1."""
        if z in self._kept:
            return self._kept[z]
        flat = np.flatnonzero(self._marks(z))
        row, column = np.divmod(flat, self._width)
        part = self._parts[z][row // self._block[0], column // self._block[1]].astype(np.int64)
        found = flat[part > 0], part[part > 0]
        self._room -= len(found[0])
        if self._room >= 0:
            self._kept[z] = found
        return found

    def table(self, weigh: Callable[[int, Indices], npt.NDArray[Any]] | None = None) -> Table:
        """Sum over the voxels of each region (from 1; row 0 is empty) in each slice: (regions + 1, z).

        Parameters
        ----------
        weigh
            The weight of voxels, by slice and places in the ravelled slice; None counts them.
        """
        sums = np.zeros((self.count + 1, self.depth))
        for z in self._slices:
            flat, part = self.voxels(z)
            weights = None if weigh is None else weigh(z, flat)
            sums[:, z] = np.bincount(part, weights, self.count + 1)
        return sums

    def middle(self, region: int, z: int, wanted: Callable[[int, Indices], npt.NDArray[Any]]) -> tuple[int, int, int]:
        """The voxel (z, y, x) of a region in slice ``z``, of those that are wanted the nearest to their middle."""
        flat, part = self.voxels(z)
        flat = flat[part == region]
        chosen = wanted(z, flat) > 0
        flat = flat[chosen] if chosen.any() else flat
        row, column = np.divmod(flat, self._width)
        nearest = np.argmin((row - row.mean()) ** 2 + (column - column.mean()) ** 2)
        return z, int(row[nearest]), int(column[nearest])


def block_sums(marks: npt.NDArray[np.bool_], block: tuple[int, int]) -> npt.NDArray[np.uint16]:
    """Count the marks (y, x) in blocks of rows and columns; the last ones may be cut off by the border."""
    tall, wide = block
    lines = np.zeros((-(-marks.shape[0] // tall), marks.shape[1]), np.uint8 if tall < 256 else np.uint16)
    for start in range(tall):
        part = marks[start::tall]
        lines[: len(part)] += part.view(np.uint8)
    sums = np.zeros((len(lines), -(-marks.shape[1] // wide)), np.uint16)
    for start in range(wide):
        columns = lines[:, start::wide]
        sums[:, : columns.shape[1]] += columns
    return sums
