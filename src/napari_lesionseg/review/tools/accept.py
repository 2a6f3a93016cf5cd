"""Accept a missed lesion where the model says more than so much: one click."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.review.tools.boxes import Bools, Box, Voxel, check_voxel, in_words, redrawn, slab_box
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_at


def accept_at(given: Given, voxel: Voxel, t: float | None = None, label: int = 1) -> Edited:
    """Add the connected piece of probability ``t`` and more that holds ``voxel``, as far as it lies in the slab.

    26-connected; give the whole scan as slab to accept all of a lesion.

    Parameters
    ----------
    t
        Probability, 0 to 1; by default half the threshold of now.

    Raises
    ------
    LesionsegError
        If there is no prediction, it says less than ``t`` at the voxel, or all of the piece is lesion already.
    """
    check_voxel(given, voxel)
    if given.probability is None:
        raise LesionsegError("There is no prediction to accept from; segment the scan first.")
    probability = given.probability
    least = given.threshold / 2 if t is None else t

    def likely(box: Box) -> Bools:
        return threshold_probability(probability[box], least).view(bool)

    if not likely(tuple(slice(at, at + 1) for at in voxel)).all():  # type: ignore[arg-type]
        raise LesionsegError(
            f"The model says {probability[voxel] / 2.55:.0f} % here, less than {100 * least:.0f} %; "
            "click on another place, or lower the limit."
        )
    box, piece = pieces_at(likely, np.array([voxel]), slab_box(given))
    nothing = f"All the model says here is lesion already in {in_words(given.slab)}."
    return redrawn(given, box, piece | (given.mask[box] != 0), nothing, label)
