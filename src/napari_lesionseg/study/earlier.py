"""What another model predicted of a case before."""

from __future__ import annotations

import numpy as np

from napari_lesionseg.review.evidence import LastModel
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.store import Study


def earlier_prediction(study: Study, case_id: str) -> LastModel | None:
    """Return the newest prediction of another model than that of the newest one; None if there is none.

    Only masks are kept: the probability is 1 where that model marked lesion, and 0 elsewhere.

    Raises
    ------
    LesionsegError
        If there is no such case, or the mask cannot be read.
    """
    predictions = [one for one in study.revisions(case_id) if one.role == "prediction"]
    earlier = [one for one in predictions if one.model != predictions[-1].model]
    if not earlier:
        return None
    labels = read_labels(study.case(case_id), earlier[-1])
    return LastModel(np.where(labels != 0, np.uint8(255), np.uint8(0)), 0.5, earlier[-1].model)
