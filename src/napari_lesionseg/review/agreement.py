"""How far two readings of one scan agree."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lesionseg.review.evaluate import check_grid, lesion_scores
from napari_lesionseg.review.metrics import slice_scores
from napari_lesionseg.volumes.volume import Mask


@dataclass(frozen=True)
class Agreement:
    """Two readings, A and B, in figures; swapping them changes no more than which is which.

    Parameters
    ----------
    dice
        Of all voxels of the scan; None where both are empty.
    lesion_f1
        From the share of the lesions of each (26-connected, at least 0.1 ml) that the other touches, as in
        ``evaluate``; None where neither has a lesion.
    volume_a_ml, volume_b_ml
        Volume of all lesion voxels.
    difference_ml
        ``volume_b_ml`` less ``volume_a_ml``.
    """

    dice: float | None
    lesion_f1: float | None
    volume_a_ml: float
    volume_b_ml: float
    difference_ml: float


def measure_agreement(a: Mask, b: Mask) -> Agreement:
    """Compare two readings; every non-zero label is lesion.

    Raises
    ------
    LesionsegError
        If they do not lie on one grid.
    """
    check_grid(a, b)
    dice = slice_scores(a.array, b.array).scan.dice
    volume_a, volume_b = a.volume_ml, b.volume_ml
    return Agreement(dice, lesion_scores(a, b)["lesion_f1"], volume_a, volume_b, volume_b - volume_a)
