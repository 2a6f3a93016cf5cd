"""Join the mask with the truth, the prediction or the lungs, take them away from it, or keep what both hold."""

from __future__ import annotations

from typing import Final, Literal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.postprocess import threshold_probability
from napari_lesionseg.review.tools.boxes import Bools, in_words, redrawn, slab_box
from napari_lesionseg.review.tools.given import Edited, Given

Other = Literal["truth", "prediction", "lungs"]
How = Literal["union", "subtract", "intersect"]

_MISSING: Final[dict[Other, str]] = {
    "truth": "There is no truth to combine with; load one first.",
    "prediction": "There is no prediction to combine with; segment the scan first.",
    "lungs": "The lungs of this scan are not known; find them first.",
}


def combine(given: Given, other: Other, how: How, label: int = 1) -> Edited:
    """Combine every slice of the slab with what ``other`` holds there.

    Parameters
    ----------
    how
        ``"union"`` adds it, ``"subtract"`` takes it away, ``"intersect"`` keeps only what lies in both.

    Raises
    ------
    LesionsegError
        If ``other`` is not there, or nothing changes.
    """
    box = slab_box(given)
    lesion, second = given.mask[box] != 0, _voxels_of(given, other)
    combined = {"union": lesion | second, "subtract": lesion & ~second, "intersect": lesion & second}[how]
    return redrawn(given, box, combined, f"Nothing changes in {in_words(given.slab)}: {_why(how, other)}.", label)


def _voxels_of(given: Given, other: Other) -> Bools:
    box = slab_box(given)
    if other == "prediction":
        if given.probability is not None:
            return threshold_probability(given.probability[box], given.threshold).view(bool)
    else:
        mask = given.truth if other == "truth" else given.lungs
        if mask is not None:
            found: Bools = mask.array[box] != 0
            return found
    raise LesionsegError(_MISSING[other])


def _why(how: How, other: Other) -> str:
    whole = {"truth": "the truth", "prediction": "the prediction", "lungs": "the lungs"}[other]
    if how == "subtract":
        return f"the mask and {whole} do not meet"
    return f"the mask holds all of {whole}" if how == "union" else f"the mask lies within {whole}"
