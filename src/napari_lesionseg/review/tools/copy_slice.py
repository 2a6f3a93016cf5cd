"""Copy the slice above or below."""

from __future__ import annotations

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.boxes import in_words, only_changed
from napari_lesionseg.review.tools.given import Edited, Given


def copy_from_neighbour(given: Given, step: int) -> Edited:
    """Copy the slice ``step`` beyond the slab (1: above, −1: below) into every slice of the slab.

    Raises
    ------
    LesionsegError
        If the scan ends before that slice, or it holds no lesion, or the slab is the same already.
    """
    source = (given.slab[-1] if step > 0 else given.slab[0]) + step
    here, side = in_words(given.slab), "above" if step > 0 else "below"
    if not 0 <= source < len(given.mask):
        raise LesionsegError(f"There is no neighbour {side} {here}; copy from the other side.")
    if not given.mask[source].any():
        raise LesionsegError(f"Slice {source} holds no lesion to copy; copy from the other side, or draw there first.")
    copies = ((z, given.mask[source].copy()) for z in given.slab)
    return only_changed(given, copies, f"There is nothing to copy: slice {source} is the same as {here}.")
