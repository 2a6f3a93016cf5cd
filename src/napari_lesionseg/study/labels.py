"""The labels of a kept mask, free to be drawn on."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.records import Case, Revision
from napari_lesionseg.volumes.read import read_mask


def read_labels(case: Case, revision: Revision | None) -> Labels:
    """Read a revision into a new array (z, y, x) that is free to be drawn on; zeros without one.

    Raises
    ------
    LesionsegError
        If the file is missing, is no longer the one that was kept, or holds labels outside 0 to 255.
    """
    if revision is None:
        return np.zeros(case.geometry.display_shape, np.uint8)
    if sha256_of(revision.path) != revision.sha256:
        raise LesionsegError(
            f"{revision.path} is no longer the mask that was kept for case {case.id}; restore it from a backup."
        )
    array = read_mask(revision.path, like=case.geometry).array
    if array.size and (array.min() < 0 or array.max() > 255):
        raise LesionsegError(f"{revision.path} holds labels outside 0 to 255; begin case {case.id} from another mask.")
    return np.array(array, np.uint8, order="C")
