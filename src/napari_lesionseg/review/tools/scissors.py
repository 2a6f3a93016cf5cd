"""Lasso and scissors: add or remove what a drawn outline encloses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import in_words, redrawn
from napari_lesionseg.review.tools.gates import Gate
from napari_lesionseg.review.tools.given import Edited, Given


def scissors(
    given: Given, outline: Sequence[tuple[float, float]], *, add: bool, label: int = 1, gate: Gate | None = None
) -> Edited:
    """Add or remove the voxels whose centre lies inside ``outline``, through the slab.

    Parameters
    ----------
    outline
        Corners (y, x) in voxels, of a polygon that closes itself.
    add
        Add lesion, or remove it.
    gate
        Only voxels it lets through are added or removed.

    Raises
    ------
    LesionsegError
        If the outline has fewer than three corners, or nothing changes.
    """
    from skimage.draw import polygon

    if len(outline) < 3:
        raise LesionsegError("The outline has fewer than three corners; draw round the place.")
    rows, columns = np.asarray(outline, float).T
    y, x = polygon(rows, columns, given.mask.shape[1:])
    verb = "add" if add else "remove"
    nothing = f"There is nothing to {verb} inside the outline in {in_words(given.slab)}; draw round another place."
    if not len(y):
        raise LesionsegError(nothing)
    box = (slice(given.slab.start, given.slab.stop), slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1))
    inside = np.zeros(tuple(side.stop - side.start for side in box), bool)
    inside[:, y - y.min(), x - x.min()] = True
    if gate is not None:
        z, y, x = np.nonzero(inside)
        inside[z, y, x] = gate(z + box[0].start, y + box[1].start, x + box[2].start)
    lesion = given.mask[box] != 0
    return redrawn(given, box, lesion | inside if add else lesion & ~inside, nothing, label)
