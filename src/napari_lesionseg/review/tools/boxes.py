"""Where an edit tool looks: boxes of the scan, so that nothing is computed on the whole of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.review.tools.given import Edited, Given

Box = tuple[slice, slice, slice]
Bools = npt.NDArray[np.bool_]
Voxel = tuple[int, int, int]
"""A voxel of the scan (z, y, x)."""
Indices = npt.NDArray[np.int64]


def in_words(slices: range) -> str:
    """``slice 12``, or ``slices 10 to 14``."""
    return f"slice {slices[0]}" if len(slices) == 1 else f"slices {slices[0]} to {slices[-1]}"


def slab_box(given: Given) -> Box:
    """All of the slab."""
    return slice(given.slab.start, given.slab.stop), slice(0, given.mask.shape[1]), slice(0, given.mask.shape[2])


def lesion_box(given: Given, margin: tuple[int, int] = (0, 0)) -> Box:
    """Find the box around all lesion of the slab, and ``margin`` voxels more along z and in the plane.

    It leaves the slab by the margin, but never the scan.

    Raises
    ------
    LesionsegError
        If the slab holds no lesion.
    """
    around, across = margin
    z = slice(max(0, given.slab.start - around), min(len(given.mask), given.slab.stop + around))
    _, y, x = bounding_box(given.mask[z])
    if y.start == y.stop or not given.mask[given.slab.start : given.slab.stop, y, x].any():
        raise LesionsegError(f"There is no lesion in {in_words(given.slab)}; draw one first, or go to another slice.")
    return z, _wider(y, across, given.mask.shape[1]), _wider(x, across, given.mask.shape[2])


def voxels_within(given: Given, mm: float) -> tuple[int, int]:
    """Count the voxels that reach ``mm`` far: along z (none if the tool works on one slice) and in the plane."""
    z, y, x = given.scan.geometry.spacing
    along = 0 if len(given.slab) == 1 else math.ceil(mm / z)
    return along, math.ceil(mm / min(y, x))


def check_voxel(given: Given, voxel: Voxel) -> None:
    """Raise LesionsegError if ``voxel`` is not one of the slab's."""
    inside = all(0 <= at < size for at, size in zip(voxel, given.mask.shape, strict=True))
    if not inside or voxel[0] not in given.slab:
        raise LesionsegError(f"The click is not on {in_words(given.slab)} of the scan; click on the picture.")


def redrawn(given: Given, box: Box, lesion: Bools, nothing: str, label: int = 1) -> Edited:
    """Make ``lesion`` the lesion of ``box``: labels that stay are kept, new voxels get ``label``.

    Parameters
    ----------
    lesion
        Bool (z, y, x), as large as the box. What lies outside the slab is left out.
    nothing
        What to tell if no voxel changes, one sentence.

    Returns
    -------
    Edited
        The slices that differ from the mask, and only those.

    Raises
    ------
    LesionsegError
        If no voxel changes.
    """
    edited = {}
    for z in given.slab:
        if box[0].start <= z < box[0].stop:
            changed = redraw_slice(given.mask[z], lesion[z - box[0].start], box[1:], label)
            if changed is not None:
                edited[z] = changed
    if not edited:
        raise LesionsegError(nothing)
    return edited


def redraw_slice(old: Labels, lesion: Bools, place: tuple[slice, slice], label: int = 1) -> Labels | None:
    """Make ``lesion`` (y, x) the lesion at ``place`` of a slice (y, x): a new array, None if no voxel changes."""
    was = old[place] != 0
    if np.array_equal(was, lesion):
        return None
    new = old.copy()
    new[place][~lesion] = 0
    new[place][lesion & ~was] = label
    return new


def only_changed(given: Given, slices: Iterable[tuple[int, Labels]], nothing: str) -> Edited:
    """Keep the slices (z; labels) that differ from the mask.

    Raises
    ------
    LesionsegError
        If none does, with the sentence ``nothing``.
    """
    edited = {z: new for z, new in slices if not np.array_equal(new, given.mask[z])}
    if not edited:
        raise LesionsegError(nothing)
    return edited


def _wider(side: slice, by: int, size: int) -> slice:
    return slice(max(0, side.start - by), min(size, side.stop + by))
