"""Islands: keep or remove whole pieces of lesion; 26-connected in a slab, 8-connected in a slice."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import Voxel, check_voxel, in_words, lesion_box, redrawn
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_of


def keep_largest(given: Given) -> Edited:
    """Keep the largest piece in the slab, and remove the others.

    Raises
    ------
    LesionsegError
        If there is one piece only, or none.
    """
    box = lesion_box(given)
    pieces, voxels = pieces_of(given.mask[box] != 0)
    largest = int(np.argmax(voxels[1:])) + 1
    return redrawn(given, box, pieces == largest, _only_one(given))


def keep_at(given: Given, voxel: Voxel) -> Edited:
    """Keep the piece in the slab that holds ``voxel``, and remove the others.

    Raises
    ------
    LesionsegError
        If there is no lesion at the voxel, or no other piece.
    """
    piece, pieces, box = _piece_at(given, voxel)
    return redrawn(given, box, pieces == piece, _only_one(given))


def remove_at(given: Given, voxel: Voxel) -> Edited:
    """Remove the piece in the slab that holds ``voxel``.

    Raises
    ------
    LesionsegError
        If there is no lesion at the voxel.
    """
    piece, pieces, box = _piece_at(given, voxel)
    return redrawn(given, box, (pieces != piece) & (pieces != 0), _only_one(given))


def remove_small(given: Given, ml: float) -> Edited:
    """Remove the pieces in the slab that are smaller than ``ml``.

    Raises
    ------
    LesionsegError
        If there is none.
    """
    box = lesion_box(given)
    pieces, voxels = pieces_of(given.mask[box] != 0)
    kept = voxels >= ml / given.scan.geometry.voxel_ml - 1e-6  # So that 100 voxels of 0.001 ml are 0.1 ml.
    kept[0] = False
    nothing = f"No piece in {in_words(given.slab)} is smaller than {ml:g} ml; choose a larger limit."
    return redrawn(given, box, kept[pieces], nothing)


def _piece_at(given: Given, voxel: Voxel) -> tuple[int, np.ndarray, tuple[slice, slice, slice]]:
    check_voxel(given, voxel)
    if not given.mask[voxel]:
        raise LesionsegError("There is no lesion at this place; click on one.")
    box = lesion_box(given)
    pieces, _ = pieces_of(given.mask[box] != 0)
    return int(pieces[tuple(at - side.start for at, side in zip(voxel, box, strict=True))]), pieces, box


def _only_one(given: Given) -> str:
    return f"There is only one piece of lesion in {in_words(given.slab)}; nothing was removed."
