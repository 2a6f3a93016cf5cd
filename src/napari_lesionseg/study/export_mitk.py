"""A study as a task list for MITK: every case, with what is known of its lesions so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from napari_lesionseg.study.gold import find_gold
from napari_lesionseg.study.labels import read_labels
from napari_lesionseg.study.records import Case, Role
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.export.dataset import DatasetCase

_STARTS: Final[tuple[Role, ...]] = ("correction", "truth", "prediction")


def task_case(study: Study, case: Case, name: str, scan: Callable[[], Volume]) -> DatasetCase:
    """Make the task of a case: done where a person vouches for every slice, else with a mask to start from.

    The mask to start from is the newest correction, else truth, else prediction.
    """
    gold = find_gold(study, case)
    if gold is not None and gold.reviewed is None:
        return DatasetCase(name, case.patient, scan, gold.read)
    start = next((kept for role in _STARTS if (kept := study.latest(case.id, role)) is not None), None)
    if start is None:
        return DatasetCase(name, case.patient, scan, None)
    return DatasetCase(name, case.patient, scan, lambda: Mask(read_labels(case, start), case.geometry), reviewed=())
