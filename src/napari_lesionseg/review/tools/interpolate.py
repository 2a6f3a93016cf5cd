"""Interpolate between painted slices, by shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.review.tools.boxes import Bools, in_words, redraw_slice
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_of

Ends = tuple[Bools, Bools]
"""The shapes (y, x) at both ends of a gap."""


def interpolate(given: Given, most_mm: float = 40.0, label: int = 1) -> Edited:
    """Draw what is missing between painted slices.

    A gap is where a piece of lesion ends in one slice, and lesion lies over it again at least two slices on; other
    lesions in the slices between do not matter. In one slice, the gaps that it lies in or at the end of are filled,
    with all their slices; in a slab, the slab's slices of all gaps.

    Parameters
    ----------
    most_mm
        Gaps that are longer are not filled: that is another lesion.

    Raises
    ------
    LesionsegError
        If there is no gap.

    Notes
    -----
    The signed distances to both outlines are weighted by how near they are (Raya and Udupa, Shape-based interpolation
    of multidimensional objects, IEEE Trans. Med. Imaging 9, 1990). A single piece at either end is first laid over the
    other by its centre, so that a lesion that runs askew is followed.
    """
    drawn: dict[int, Labels] = {}
    for (low, high), ends in _gaps(given, most_mm).items():
        _fill(given, (low, high), ends, drawn, label)
    if not drawn:
        raise LesionsegError(
            f"There is no gap of at most {most_mm:g} mm to fill at {in_words(given.slab)}; "
            "paint the lesion in a slice below and in one above."
        )
    return dict(sorted(drawn.items()))


def _gaps(given: Given, most_mm: float) -> dict[tuple[int, int], Ends]:
    """The gaps to fill, by the painted slices at their ends."""
    longest = int(most_mm / given.scan.geometry.spacing[0] + 1e-6)
    gaps: dict[tuple[int, int], Ends] = {}
    for low in range(max(0, given.slab.start - longest), given.slab.stop):
        for piece in _ending(given, low):
            place = ndimage.find_objects(piece.view(np.uint8))[0]
            here = piece[place]
            for high in range(low + 2, min(low + longest + 1, len(given.mask))):
                if (given.mask[high][place].astype(bool) & here).any():
                    if _filled_in(given, low, high):
                        start, end = gaps.get((low, high), (False, False))
                        gaps[low, high] = start | piece, end | _over(given.mask[high], piece)
                    break
    return gaps


def _ending(given: Given, z: int) -> list[Bools]:
    """The 8-connected pieces of slice ``z`` over which the next slice is empty."""
    lesion = given.mask[z] != 0
    if z + 1 >= len(given.mask) or not lesion.any():
        return []
    pieces, voxels = pieces_of(lesion[None])
    goes_on = np.unique(pieces[0][given.mask[z + 1] != 0])
    return [pieces[0] == piece for piece in range(1, len(voxels)) if piece not in goes_on]


def _over(labels: Labels, piece: Bools) -> Bools:
    """The pieces of a slice that lie over ``piece``, whole."""
    pieces, voxels = pieces_of((labels != 0)[None])
    wanted = np.zeros(len(voxels), bool)
    wanted[pieces[0][piece]] = True
    wanted[0] = False
    found: Bools = wanted[pieces[0]]
    return found


def _filled_in(given: Given, low: int, high: int) -> list[int]:
    """Which slices of a gap are to be filled."""
    if len(given.slab) == 1:
        return list(range(low + 1, high)) if low <= given.z <= high else []
    return [z for z in range(low + 1, high) if z in given.slab]


def _fill(given: Given, gap: tuple[int, int], ends: Ends, drawn: dict[int, Labels], label: int) -> None:
    _, y, x = bounding_box(np.stack(ends))
    place = slice(max(0, y.start - 1), y.stop + 1), slice(max(0, x.start - 1), x.stop + 1)
    start, end = (shape[place] for shape in ends)
    depths = _depth(start, given), _depth(end, given)
    centres = np.array([ndimage.center_of_mass(shape) for shape in (start, end)])
    apart = centres[1] - centres[0] if all(len(pieces_of(shape[None])[1]) == 2 for shape in (start, end)) else None
    for z in _filled_in(given, *gap):
        share = (z - gap[0]) / (gap[1] - gap[0])
        first, second = depths
        if apart is not None:  # Both centres go to where the centre is in this slice.
            first = ndimage.shift(first, share * apart, order=1, mode="nearest")
            second = ndimage.shift(second, (share - 1) * apart, order=1, mode="nearest")
        old = drawn.get(z, given.mask[z])
        lesion = ((1 - share) * first + share * second > 0) | (old[place] != 0)
        new = redraw_slice(old, lesion, place, label)
        if new is not None:
            drawn[z] = new


def _depth(shape: Bools, given: Given) -> npt.NDArray[np.float64]:
    """How deep each voxel lies within ``shape`` (y, x), in mm; below 0 outside."""
    spacing = given.scan.geometry.spacing[1:]
    inside, outside = (ndimage.distance_transform_edt(side, sampling=spacing) for side in (shape, ~shape))
    depth: npt.NDArray[np.float64] = inside - outside
    return depth
