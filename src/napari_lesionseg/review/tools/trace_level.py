"""Level tracing: follow the line of equal grey through a click, and fill what it encloses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import Bools, Voxel, check_voxel, in_words, redrawn, slab_box
from napari_lesionseg.review.tools.given import Edited, Given

_BLUR_MM = 0.7  # So that noise does not break the line into beads.
_NEAR = 1.5  # Voxels between the click and the line.
_LEAST_OVERLAP = 0.5  # Of the area in the next slice with that of the last one (IoU).

Line = npt.NDArray[np.float64]
Square = tuple[slice, slice]


def trace_level(given: Given, voxel: Voxel, label: int = 1) -> Edited:
    """Add what the closed line of equal grey through ``voxel`` encloses.

    Where the lungs are known, the line runs along their edge and not out of them. In a slab, the line of that grey is
    followed into the next slices for as long as their areas overlap by half.

    Raises
    ------
    LesionsegError
        If no such line is closed within the slice, or it encloses nothing new.

    Notes
    -----
    As level tracing in 3D Slicer, but between voxels and on a slice blurred by 0.7 mm.
    """
    check_voxel(given, voxel)
    z, y, x = voxel
    grey = _grey(given, z)
    level = float(grey[y, x]) - 1e-3  # So that the voxel itself is within.
    near = [line for line in _closed_lines(grey, level) if np.abs(line - (y, x)).sum(axis=1).min() <= _NEAR]
    if not near:
        raise LesionsegError("No closed line of this grey runs here; click on the edge of a lesion.")
    areas = {z: max((_enclosed(line, grey.shape) for line in near), key=np.count_nonzero)}
    for step in (-1, 1):
        at = z + step
        while at in given.slab and (area := _same_area(given, at, level, areas[at - step])) is not None:
            areas[at] = area
            at += step
    box = (slice(min(areas), max(areas) + 1), *slab_box(given)[1:])
    lesion = np.stack([areas[at] for at in sorted(areas)]) | (given.mask[box] != 0)
    return redrawn(
        given, box, lesion, f"All that the line encloses is lesion already in {in_words(given.slab)}.", label
    )


def _grey(given: Given, z: int, place: Square = (slice(None), slice(None))) -> npt.NDArray[np.float32]:
    """Grey of a slice, or of a part of it; outside the lungs, where they are known, the least there is."""
    _, dy, dx = given.scan.geometry.spacing
    blurred = ndimage.gaussian_filter(given.scan.array[z][place].astype(np.float32), (_BLUR_MM / dy, _BLUR_MM / dx))
    if given.lungs is not None:
        blurred[given.lungs.array[z][place] == 0] = blurred.min() - 1
    return np.asarray(blurred, np.float32)


def _closed_lines(grey: npt.NDArray[Any], level: float) -> list[Line]:
    from skimage.measure import find_contours

    return [line for line in find_contours(grey, level) if np.array_equal(line[0], line[-1])]


def _enclosed(line: Line, shape: tuple[int, ...]) -> Bools:
    """Give the voxels that a line encloses."""
    # It crosses the rows of the grid at its points with a whole y; there, outside and inside change. Filling a polygon
    # of thousands of corners is a hundred times as slow.
    crossings = line[:-1][line[:-1, 0] == np.rint(line[:-1, 0])]
    turns = np.zeros(shape, bool)
    np.logical_xor.at(turns, (crossings[:, 0].astype(int), np.ceil(crossings[:, 1]).astype(int)), True)
    inside: Bools = np.logical_xor.accumulate(turns, axis=1)
    return inside


def _same_area(given: Given, z: int, level: float, last: Bools) -> Bools | None:
    """The area in slice ``z`` that is most like the last one; it is looked for as far around as half its size."""
    place: Square = tuple(  # type: ignore[assignment]
        slice(max(0, side.start - (side.stop - side.start) // 2 - 3), side.stop + (side.stop - side.start) // 2 + 3)
        for side in ndimage.find_objects(last.view(np.uint8))[0]
    )
    there = last[place]
    best, overlap = None, _LEAST_OVERLAP
    for line in _closed_lines(_grey(given, z, place), level):
        if np.prod(np.ptp(line, axis=0) + 1) < _LEAST_OVERLAP * np.count_nonzero(there):
            continue  # A bead of noise; there are many.
        area = _enclosed(line, there.shape)
        iou = np.count_nonzero(area & there) / np.count_nonzero(area | there)
        if iou >= overlap:
            best, overlap = area, iou
    if best is None:
        return None
    whole = np.zeros(last.shape, bool)
    whole[place] = best
    return whole
