"""The separate pieces in which two readings differ, largest first, and the lesion at a voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cc3d
import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.agreement_map import BOTH, ONLY_A
from napari_lesionseg.review.lesions import label_lesions
from napari_lesionseg.review.surfaces import bounding_box

Box = tuple[slice, slice, slice]
Side = Literal["A", "B"]
Voxel = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Disagreement:
    """A 26-connected piece that only one of two readings marks.

    Parameters
    ----------
    side
        Which of them.
    voxels
        How many.
    place
        One of them (z, y, x): in the slice that has the most, nearest to their middle there.
    box
        The smallest box around it (z, y, x).
    inside
        Which voxels of the box it has, bool.
    """

    side: Side
    voxels: int
    place: Voxel
    box: Box
    inside: npt.NDArray[np.bool_]


def find_disagreements(map_: npt.NDArray[np.uint8]) -> list[Disagreement]:
    """Find all pieces of an agreement map (z, y, x) that only one reading marks, largest first."""
    frame = bounding_box(map_)
    sides = np.where(map_[frame] == BOTH, np.uint8(0), map_[frame])
    if not sides.any():
        return []
    pieces, count = cc3d.connected_components(sides, connectivity=26, return_N=True)  # Each within one label.
    boxes = cc3d.statistics(pieces)["bounding_boxes"]
    found = [_describe(sides, pieces, label, boxes[label], frame) for label in range(1, count + 1)]
    return sorted(found, key=lambda one: (-one.voxels, one.place))


def lesion_at(map_: npt.NDArray[np.uint8], voxel: Voxel) -> tuple[Box, npt.NDArray[np.bool_]] | None:
    """The 26-connected lesion of the two readings together at ``voxel`` (z, y, x).

    Returns
    -------
    A box, and which of its voxels are in the lesion (bool); None beside all lesions.
    """
    if not all(0 <= at < length for at, length in zip(voxel, map_.shape, strict=True)) or not map_[voxel]:
        return None
    frame = bounding_box(map_)
    pieces, _ = label_lesions(map_[frame])
    label = int(pieces[tuple(at - one.start for at, one in zip(voxel, frame, strict=True))])
    box = cc3d.statistics(pieces)["bounding_boxes"][label]
    return _moved(box, frame), pieces[box] == label


def _describe(sides: npt.NDArray[np.uint8], pieces: npt.NDArray[Any], label: int, box: Box, frame: Box) -> Disagreement:
    inside = pieces[box] == label
    moved = _moved(box, frame)
    z = int(np.argmax(inside.sum(axis=(1, 2))))
    rows, columns = np.nonzero(inside[z])
    middle = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    at = z, int(rows[middle]), int(columns[middle])
    side: Side = "A" if sides[box][at] == ONLY_A else "B"
    z0, y0, x0 = (one.start for one in moved)
    return Disagreement(side, int(inside.sum()), (z0 + at[0], y0 + at[1], x0 + at[2]), moved, inside)


def _moved(box: Box, frame: Box) -> Box:
    z, y, x = (slice(int(one.start + by.start), int(one.stop + by.start)) for one, by in zip(box, frame, strict=True))
    return z, y, x
