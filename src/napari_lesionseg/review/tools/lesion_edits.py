"""Whole lesions: taken out, given another label, merged, split, cut; in all slices they reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.tools.boxes import Bools, Box, Voxel, slab_box
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_at

Part = tuple[Box, Bools]
"""A box of the scan, and what of it is meant."""
MOST_LABELS = 255


def lesion_at(given: Given, place: Voxel) -> Part:
    """Find the lesion (26-connected voxels of one label) at a voxel.

    Raises
    ------
    LesionsegError
        If the mask has no lesion there.
    """
    label = given.mask[place]
    if label == 0:
        raise LesionsegError("That lesion is not in the mask any more; choose another one.")
    whole = replace(given, slab=range(len(given.mask)))
    return pieces_at(lambda box: given.mask[box] == label, np.array([place]), slab_box(whole))


def holds(part: Part, place: Voxel) -> bool:
    """Whether a voxel belongs to a part."""
    box, inside = part
    at = tuple(one - side.start for one, side in zip(place, box, strict=True))
    return all(0 <= one < size for one, size in zip(at, inside.shape, strict=True)) and bool(inside[at])


def relabel(given: Given, places: Sequence[Voxel], label: int) -> Edited:
    """Give the lesions at ``places`` another label; 0 takes them out.

    Raises
    ------
    LesionsegError
        If there is no lesion, or all have that label.
    """
    parts = [(lesion_at(given, place), label) for place in places]
    return _written(given, parts, f"The label is {label} already; choose another label.")


def merge(given: Given, places: Sequence[Voxel], bridge: bool) -> Edited:
    """Give lesions the label of the largest of them, and join them, if wanted, by a line of voxels.

    Lesions that do not touch stay two unless they are bridged. The bridge is one voxel thick, straight between
    two voxels of the lesions that lie near each other, and has their label.

    Raises
    ------
    LesionsegError
        If there are fewer than two lesions, or they have one label and no bridge is wanted.
    """
    parts = _different(given, places)
    largest = max(range(len(parts)), key=lambda i: np.count_nonzero(parts[i][1]))
    label = int(given.mask[_first(parts[largest])])
    lines = [_line(parts[largest], part) for i, part in enumerate(parts) if i != largest] if bridge else []
    changed = [(part, label) for part in (*parts, *lines)]
    return _written(given, changed, "The lesions have one label already; tick Bridge to join them.")


def split(given: Given, place: Voxel, count: int) -> Edited:
    """Divide the lesion at ``place`` into ``count`` parts with labels of their own; the largest keeps its label.

    Watershed on the distance to the lesion's border: from as many of its thickest places, each outside of the
    thickness of those before it, down to where two parts meet, which is where the lesion is narrow.

    Raises
    ------
    LesionsegError
        If there is no lesion, or it has not so many thick places.
    """
    part = lesion_at(given, place)
    basins = _basins(part, count, given.scan.geometry.spacing)
    order = np.argsort(np.bincount(basins.ravel(), minlength=count + 1)[1:])[::-1] + 1
    labels = [int(given.mask[place]), *free_labels(given.mask, count - 1)]
    return _written(given, [((part[0], basins == at), label) for at, label in zip(order, labels, strict=True)])


def cut(given: Given, place: Voxel) -> Edited:
    """Divide the lesion at ``place`` below the slice looked at: from that slice upward it gets a label of its own.

    Raises
    ------
    LesionsegError
        If there is no lesion, or all of it is on one side of the cut.
    """
    box, inside = lesion_at(given, place)
    above = inside.copy()
    above[: max(0, given.z - box[0].start)] = False
    if above.any() and not np.array_equal(above, inside):
        return _written(given, [((box, above), free_labels(given.mask, 1)[0])])
    raise LesionsegError(
        f"The whole lesion lies on one side of slice {given.z}; go to the lowest slice that should be cut off."
    )


def free_labels(mask: Labels, count: int) -> list[int]:
    """The lowest labels that a mask (z, y, x) does not use.

    Raises
    ------
    LesionsegError
        If there are not so many.
    """
    used = np.zeros(MOST_LABELS + 1, bool)
    for one in mask:
        used[one[one != 0]] = True
    free = [label for label in range(1, MOST_LABELS + 1) if not used[label]][:count]
    if len(free) < count:
        raise LesionsegError(f"All {MOST_LABELS} labels are used; give some lesions one label first.")
    return free


def _different(given: Given, places: Sequence[Voxel]) -> list[Part]:
    parts: list[Part] = []
    for place in places:
        if not any(holds(part, place) for part in parts):
            parts.append(lesion_at(given, place))
    if len(parts) < 2:
        raise LesionsegError("Merging needs two lesions; choose a second one with Ctrl held down.")
    return parts


def _first(part: Part) -> Voxel:
    z, y, x = _voxels(part)[0]
    return int(z), int(y), int(x)


def _voxels(part: Part) -> npt.NDArray[np.int64]:
    """Places (n, 3) in the scan."""
    return np.asarray(np.argwhere(part[1]) + [side.start for side in part[0]], np.int64)


def _line(one: Part, other: Part) -> Part:
    """The voxels between two lesions, from end to end."""
    ours, theirs = _voxels(one), _voxels(other)
    start = ours[_nearest(ours, theirs.mean(axis=0))]
    for _ in range(8):  # From one to the other and back, ever nearer; few steps are enough.
        end = theirs[_nearest(theirs, start)]
        start = ours[_nearest(ours, end)]
    steps = int(np.abs(end - start).max()) + 1
    line = np.rint(np.linspace(start, end, steps)).astype(np.int64)
    low, high = line.min(axis=0), line.max(axis=0) + 1
    inside = np.zeros(high - low, bool)
    inside[tuple((line - low).T)] = True
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return (z, y, x), inside


def _nearest(voxels: npt.NDArray[np.int64], to: npt.NDArray[Any]) -> int:
    return int(((voxels - to) ** 2).sum(axis=1).argmin())


def _basins(part: Part, count: int, spacing: tuple[float, float, float]) -> npt.NDArray[np.int32]:
    """Number every voxel of a lesion from 1 to ``count``."""
    from scipy import ndimage  # Not while the dock opens.
    from skimage.segmentation import watershed

    inside = np.pad(part[1], 1)
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    markers = np.zeros(inside.shape, np.int32)
    left = depth.copy()
    voxels = np.argwhere(inside)
    for number in range(1, count + 1):
        top = np.unravel_index(int(left.argmax()), left.shape)
        if left[top] <= 0:
            raise LesionsegError(f"The lesion has no {count} thick places to split it by; ask for fewer parts.")
        markers[top] = number
        near = (((voxels - np.array(top)) * spacing) ** 2).sum(axis=1) <= (2 * depth[top]) ** 2
        left[tuple(voxels[near].T)] = 0
    basins = watershed(-depth, markers, connectivity=np.ones((3, 3, 3)), mask=inside)
    return np.asarray(basins[1:-1, 1:-1, 1:-1], np.int32)


def _written(given: Given, changes: Iterable[tuple[Part, int]], nothing: str = "No voxel would change.") -> Edited:
    """The slices in which something changes."""
    edited: Edited = {}
    for (box, inside), label in changes:
        for at, z in enumerate(range(box[0].start, box[0].stop)):
            if inside[at].any() and (given.mask[z][box[1:]][inside[at]] != label).any():
                new = edited.setdefault(z, given.mask[z].copy())
                new[box[1:]][inside[at]] = label
    if not edited:
        raise LesionsegError(nothing)
    return edited
