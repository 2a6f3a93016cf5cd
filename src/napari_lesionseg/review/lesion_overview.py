"""All a reviewer is shown of the lesions of a mask: what each is, whether the truth has it, and their sums."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.counted_lesions import Counted, Known, Listed, Match
from napari_lesionseg.review.lung_sides import LungSides, find_sides
from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.review.tools.boxes import Box
from napari_lesionseg.volumes.volume import Mask


@dataclass(frozen=True)
class Overview:
    """The lesions of a mask.

    Parameters
    ----------
    lesions
        Those of the mask, the largest first, then those it misses.
    total_ml
        Of the mask.
    right_ml, left_ml
        What of it lies in, or nearest to, each lung; None where the lungs are not known.
    lung_ml
        Of the lungs together with all lesion in the mask; None where they are not known.
    """

    lesions: tuple[Listed, ...] = field(default=())
    total_ml: float = 0.0
    right_ml: float | None = None
    left_ml: float | None = None
    lung_ml: float | None = None

    @property
    def lung_share(self) -> float | None:
        """Share (0 to 1) of the lungs that is lesion; None where the lungs are not known."""
        return self.total_ml / self.lung_ml if self.lung_ml else None


def overview(mask: Mask, known: Known) -> Overview:
    """List the lesions of ``mask`` (26-connected voxels of one label) and add them up.

    The mask may be changed meanwhile: the answer is then of no use, but there is one.
    """
    box = bounding_box(mask.array)
    labels = mask.array[box].copy()
    sides = None if known.lungs is None else find_sides(known.lungs)
    ours = Counted(box, labels)
    listed = ours.listed(known, sides, _matches(ours, known.truth))
    if known.truth is not None:
        listed += _missed(mask, known, known.truth, sides)
    voxel_ml = mask.geometry.voxel_ml
    right = ours.right_voxels(sides)
    numbered = (replace(one, number=number) for number, one in enumerate(listed, 1))
    return Overview(
        tuple(numbered),
        total_ml=ours.total * voxel_ml,
        right_ml=None if right is None else right * voxel_ml,
        left_ml=None if right is None else (ours.total - right) * voxel_ml,
        lung_ml=None if known.lungs is None else _lung_voxels(known.lungs, box, labels) * voxel_ml,
    )


def _matches(ours: Counted, truth: Mask | None) -> list[Match]:
    if truth is None:
        return [""] * len(ours.voxels)
    touched = np.bincount(ours.of, truth.array[ours.at] != 0, len(ours.voxels)) > 0
    return ["matched" if one else "false" for one in touched]


def _missed(mask: Mask, known: Known, truth: Mask, sides: LungSides | None) -> list[Listed]:
    """The lesions of the truth of which the mask has no voxel."""
    box = bounding_box(truth.array)
    labels = truth.array[box]
    theirs = Counted(box, labels)
    found = _matches(theirs, mask)
    return [
        one for one in theirs.listed(known, sides, ["missed"] * len(found)) if found[theirs.lesion_of(one)] == "false"
    ]


def _lung_voxels(lungs: Mask, box: Box, labels: npt.NDArray[Any]) -> int:
    """Voxels of the lungs together with the lesions in them: a lesion the lungs leave out is lung all the same."""
    beside = np.count_nonzero((labels != 0) & (lungs.array[box] == 0))
    return int(np.count_nonzero(lungs.array)) + int(beside)
