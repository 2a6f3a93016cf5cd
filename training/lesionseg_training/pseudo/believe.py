"""From the predictions of several members to a pseudo-label: per voxel, per lesion, per slice, per patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from lesionseg_training.pseudo.bands import BACKGROUND, IGNORE, LESION, Bands
from napari_lesionseg.review.components import Box, components_by_box

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rules:
    """What a lesion, and a slice, must be to be believed.

    Parameters
    ----------
    top
        Mean probability that some voxel of a lesion reaches.
    smallest_ml
        Volume of a lesion.
    slices
        Slices that a lesion spans.
    agreement
        IoU with what each member marks there, at p ≥ 0.5.
    empty
        Probability that no member reaches anywhere on a slice that is believed to be without lesion.
    """

    top: float = 0.8
    smallest_ml: float = 0.1
    slices: int = 2
    agreement: float = 0.3
    empty: float = 0.2


@dataclass(frozen=True, eq=False)
class Believed:
    """A pseudo-label of one scan.

    Parameters
    ----------
    labels
        uint8 (z, y, x): 0 background, 1 lesion, 255 ignored; whole slices are ignored where nothing is certain.
    positive, negative, doubtful
        (z,) slices that hold a believed lesion and can be learned from; that are believed to be empty; that have lung
        and are neither: a person should look.
    lesions, dropped
        How many lesions are believed, and how many are not.
    stability
        Mean Dice between members over the slices that any of them marks; None where none marks any.
    """

    labels: Bytes
    positive: Bools
    negative: Bools
    doubtful: Bools
    lesions: int
    dropped: int
    stability: float | None


def believe(
    members: Sequence[Bytes], bands: Bands, rules: Rules, voxel_ml: float, lungs: npt.NDArray[np.uint8] | None = None
) -> Believed:
    """Decide what of a prediction is believed.

    Parameters
    ----------
    members
        p·255 (z, y, x) of each member of an ensemble; one member agrees with itself.
    lungs
        Where the lungs are known, slices without them are believed of nothing.
    """
    mean = np.rint(np.mean(members, axis=0)).astype(np.uint8) if len(members) > 1 else members[0]
    labels = bands.label(mean)
    marks = [member >= 128 for member in members]
    kept, dropped = _lesions(labels, mean, marks, rules, voxel_ml)
    has_lung = np.ones(len(mean), np.bool_) if lungs is None else lungs.any(axis=(1, 2))
    positive: Bools = (labels == LESION).any(axis=(1, 2)) & has_lung
    quiet = np.max([member.max(axis=(1, 2)) for member in members], axis=0) < rules.empty * 255
    negative: Bools = quiet & has_lung & ~positive
    labels[negative] = BACKGROUND
    labels[~positive & ~negative] = IGNORE
    return Believed(labels, positive, negative, has_lung & ~positive & ~negative, kept, dropped, stability(marks))


def stability(marks: Sequence[Bools]) -> float | None:
    """Mean Dice between members over the slices that any of them marks; None if none does, for that is no agreement."""
    seen = np.any([mark.any(axis=(1, 2)) for mark in marks], axis=0)
    if not seen.any():
        return None
    if len(marks) == 1:
        return 1.0
    scores = []
    for one, other in combinations(marks, 2):
        both = int(one.sum()) + int(other.sum())
        scores.append(2 * int((one & other).sum()) / both if both else 0.0)
    return float(np.mean(scores))


def _lesions(labels: Bytes, mean: Bytes, marks: Sequence[Bools], rules: Rules, voxel_ml: float) -> tuple[int, int]:
    """Ignore the lesions in ``labels`` that break a rule; how many are kept, and how many are not."""
    components, voxels, boxes = components_by_box(labels == LESION)
    members = [_Marked(mark) for mark in marks]
    kept = 0
    for number, (count, box) in enumerate(zip(voxels.tolist(), boxes, strict=True), start=1):
        here = components[box] == number
        sure = int(mean[box][here].max()) >= rules.top * 255
        spans = here.shape[0] >= rules.slices
        large = count * voxel_ml >= rules.smallest_ml
        if sure and spans and large and all(one.iou(here, box) >= rules.agreement for one in members):
            kept += 1
        else:
            labels[box][here] = IGNORE
    return kept, len(boxes) - kept


class _Marked:
    """The lesions that one member marks."""

    def __init__(self, marks: Bools) -> None:
        self._components, self._voxels, _ = components_by_box(marks)

    def iou(self, here: Bools, box: Box) -> float:
        """IoU of a lesion with all lesions of the member that touch it."""
        touched = self._components[box][here]
        hit = int(np.count_nonzero(touched))
        theirs = int(self._voxels[np.unique(touched[touched > 0]) - 1].sum())
        return hit / (int(here.sum()) + theirs - hit) if hit else 0.0
