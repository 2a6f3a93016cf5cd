"""Go back to the prediction: slices, or one lesion."""

from __future__ import annotations

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.review.tools.boxes import in_words, only_changed
from napari_lesionseg.review.tools.given import Edited, Given


def reset_slices(given: Given) -> Edited:
    """Give every slice of the slab as the model predicted it, at the threshold of now.

    Raises
    ------
    LesionsegError
        If there is no prediction, or the slices are as predicted.
    """
    if given.probability is None:
        raise LesionsegError("There is no prediction to go back to; segment the scan first.")
    slices = ((z, threshold_probability(given.probability[z], given.threshold)) for z in given.slab)
    return only_changed(given, slices, f"{in_words(given.slab).capitalize()} is as predicted; nothing was changed.")
