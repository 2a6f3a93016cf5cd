"""Go back to the prediction: slices, or one lesion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.tools.boxes import (
    Bools,
    Box,
    Voxel,
    check_voxel,
    in_words,
    only_changed,
    redrawn,
    slab_box,
)
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_at


def reset_slices(given: Given) -> Edited:
    """Give every slice of the slab as the model predicted it, at the threshold of now.

    Raises
    ------
    LesionsegError
        If there is no prediction, or the slices are as predicted.
    """
    probability = _prediction(given)
    slices = ((z, threshold_probability(probability[z], given.threshold)) for z in given.slab)
    return only_changed(given, slices, f"Nothing differs from the prediction in {in_words(given.slab)}.")


def reset_lesion(given: Given, voxel: Voxel) -> Edited:
    """Give the lesion at ``voxel`` as the model predicted it, in all slices it reaches, not in the slab alone.

    That lesion is the 26-connected piece, through the voxel, of what is lesion in the mask or the prediction.

    Raises
    ------
    LesionsegError
        If there is no prediction, neither holds lesion at the voxel, or the lesion is as predicted.
    """
    probability = _prediction(given)
    check_voxel(given, voxel)
    whole = replace(given, slab=range(len(given.mask)))

    def predicted(box: Box) -> Bools:
        return threshold_probability(probability[box], given.threshold).view(bool)

    box, lesion = pieces_at(lambda box: predicted(box) | (given.mask[box] != 0), np.array([voxel]), slab_box(whole))
    if not lesion.any():
        raise LesionsegError("Neither the mask nor the prediction holds lesion here; click on a lesion.")
    back = np.where(lesion, predicted(box), given.mask[box] != 0)
    return redrawn(whole, box, back, "This lesion is as predicted; nothing was changed.")


def _prediction(given: Given) -> Labels:
    if given.probability is None:
        raise LesionsegError("There is no prediction to go back to; segment the scan first.")
    return given.probability
