"""What a model sees, from a lower threshold on, in a box or in one piece around a click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.tools.given import Edited

CLICK = 3  # Voxels: a shorter drag is a click.
Point = tuple[int, int]  # y, x in voxels.
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """Where a model is asked.

    Parameters
    ----------
    box
        Display slices, rows and columns of the scan.
    click
        The voxel (z, y, x) that was clicked; None if the box was drawn.
    """

    box: tuple[slice, slice, slice]
    click: tuple[int, int, int] | None = None

    @property
    def slices(self) -> range:
        """The display slices (z) to look at."""
        return range(self.box[0].start, self.box[0].stop)

    @property
    def tool(self) -> str:
        """What the step is called."""
        return "model in box" if self.click is None else "model at click"

    @property
    def words(self) -> str:
        """For a sentence."""
        return "in the box" if self.click is None else "at the click"


def place(shape: tuple[int, ...], z: int, drag: tuple[Point, Point], reach: int) -> Place:
    """Find where the reviewer wants to ask, from the ends of a drag on slice ``z``.

    Parameters
    ----------
    shape
        Of the scan, (z, y, x).
    drag
        Where the mouse was pressed and let go.
    reach
        So many slices on either side are looked at, too.

    Raises
    ------
    LesionsegError
        If it lies outside the scan.
    """
    (low_y, high_y), (low_x, high_x) = (sorted(ends) for ends in zip(*drag, strict=True))
    if high_y < 0 or high_x < 0 or low_y >= shape[1] or low_x >= shape[2]:
        raise LesionsegError("That is beside the scan; click a lesion in the scan, or drag a box over it.")
    slab = slice(max(0, z - reach), min(shape[0], z + reach + 1))
    if max(high_y - low_y, high_x - low_x) < CLICK:
        y, x = (min(max(at, 0), side - 1) for at, side in zip(drag[0], shape[1:], strict=True))
        return Place((slab, slice(0, shape[1]), slice(0, shape[2])), (z, y, x))
    rows, columns = slice(max(0, low_y), high_y + 1), slice(max(0, low_x), high_x + 1)
    return Place((slab, rows, columns))


def answer(mask: Labels, where: Place, probability: npt.NDArray[np.uint8], threshold: float) -> Edited:
    """Add what the model sees to the mask: all of it in a box, or the 26-connected piece that was clicked.

    Parameters
    ----------
    mask
        Labels (z, y, x) of the scan.
    probability
        uint8 (z, y, x), p·255, of the slices of ``where`` only.
    threshold
        Probability from which a voxel is lesion, 0 to 1.

    Returns
    -------
    Edited
        The display slices that change.

    Raises
    ------
    LesionsegError
        If the model sees nothing there, or nothing that the mask does not have.
    """
    from napari_lesionseg.inference.postprocess import threshold_probability

    seen = threshold_probability(probability[(slice(None), *where.box[1:])], threshold).view(np.bool_)
    if where.click is not None:
        seen = _piece(seen, (where.click[0] - where.slices.start, *where.click[1:]))
    if not seen.any():
        raise LesionsegError(
            f"The model sees no lesion {where.words}, not even from {threshold:.2f} on; lower the number, or draw it."
        )
    new = seen & (mask[where.box] == 0)
    if not new.any():
        raise LesionsegError(f"All that the model sees {where.words} from {threshold:.2f} on is in the mask already.")
    edited: Edited = {}
    for row, z in enumerate(where.slices):
        if new[row].any():
            edited[z] = mask[z].copy()
            edited[z][where.box[1:]][new[row]] = 1
    return edited


def _piece(seen: Flags, at: tuple[int, int, int]) -> Flags:
    """The 26-connected piece of ``seen`` that holds a voxel; nothing if the voxel is not seen."""
    from napari_lesionseg.review.lesions import label_lesions  # It brings cc3d: not while the dock opens.

    if not seen[at]:
        return np.zeros_like(seen)
    pieces, _ = label_lesions(seen)
    piece: Flags = pieces == pieces[at]
    return piece
