"""Which labels of a case a person vouches for, slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.read import read_mask


@dataclass(frozen=True, eq=False)
class Gold:
    """The best labels of a case.

    Parameters
    ----------
    read
        Reads the mask.
    reviewed
        Display z of the slices a person vouches for; None means every slice.
    """

    read: Callable[[], Mask]
    reviewed: tuple[int, ...] | None


def find_gold(study: Study, case: Case) -> Gold | None:
    """Choose the labels to learn from, or in the test split to judge by; None if no person vouches for any.

    To learn from: in slices that the latest correction vouches for the correction, which was drawn on top of all that
    was known; elsewhere the latest truth. To judge by: the latest truth alone, for a model helped to draw a
    correction and would be judged by itself; the correction only where there is no truth. Predictions and pseudo
    labels are nobody's word.
    """
    truth, correction = _vouched(study.latest(case.id, "truth")), _vouched(study.latest(case.id, "correction"))
    if truth is None or correction is None:
        return _alone(case, truth or correction)
    if case.split == "test":
        return _alone(case, truth)
    if correction.corrected_slices is None:
        return _alone(case, correction)
    slices = correction.corrected_slices
    known = None if truth.corrected_slices is None else tuple(sorted({*truth.corrected_slices, *slices}))
    return Gold(lambda: _merged(_read(case, truth), _read(case, correction), slices), known)


def _vouched(revision: Revision | None) -> Revision | None:
    """The revision, unless no slice of it has been looked at."""
    return None if revision is None or revision.corrected_slices == () else revision


def _alone(case: Case, revision: Revision | None) -> Gold | None:
    return None if revision is None else Gold(lambda: _read(case, revision), revision.corrected_slices)


def _merged(truth: Mask, correction: Mask, slices: tuple[int, ...]) -> Mask:
    """The truth with ``slices`` of the correction."""
    labels = truth.array.copy()
    labels[list(slices)] = correction.array[list(slices)]
    return Mask(labels, truth.geometry)


def _read(case: Case, revision: Revision) -> Mask:
    if sha256_of(revision.path) != revision.sha256:
        raise LesionsegError(
            f"{revision.path} is no longer the mask that was kept for case {case.id}; restore it from a backup."
        )
    return read_mask(revision.path, like=case.geometry)
