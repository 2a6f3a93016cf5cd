"""A study as a training data set for other tools, under neutral names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.export_mitk import task_case
from napari_lesionseg.study.gold import Gold, find_gold
from napari_lesionseg.study.records import Case
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.export import mitk, msd, nnunet
from napari_lesionseg.volumes.export.dataset import DatasetCase, Progress
from napari_lesionseg.volumes.read import read_scan

if TYPE_CHECKING:
    from napari_lesionseg.volumes.pseudonyms import Pseudonyms

_KINDS: Final = {
    "nnunet": (nnunet.write_nnunet, nnunet.DEFAULT_NAME, re.compile(r"Dataset\d{3}_\w+")),
    "msd": (msd.write_msd, msd.DEFAULT_NAME, re.compile(r"Task\d{2,3}_\w+")),
}
FORMATS: Final = (*_KINDS, "mitk")


@dataclass(frozen=True)
class ExportedStudy:
    """What was exported.

    Parameters
    ----------
    folder
        The data set.
    train, test
        How many cases it has.
    left_out
        Cases of the study that are not in it, because no person vouches for any of their slices.
    """

    folder: Path
    train: int
    test: int
    left_out: tuple[str, ...]


def export_study(
    study: Study,
    folder: str | Path,
    format: str,
    *,
    pseudonyms: Pseudonyms | None = None,
    progress: Progress | None = None,
) -> ExportedStudy:
    """Write a study as a data set of nnU-Net v2 or of the decathlon, or as tasks for MITK; whole or not at all.

    The test split becomes the test cases, with or without labels; all other splits the training cases, with folds by
    patient. The labels are those of ``find_gold``; slices that nobody vouches for are marked to be ignored. MITK gets
    every case (see ``task_case``), for its tasks are still to be done.

    Parameters
    ----------
    folder
        A new folder. Named as the format wants it (``Dataset501_Lesions``, ``Task501_Lesions``) it becomes the data
        set; under any other name it gets one inside.
    format
        ``"nnunet"``, ``"msd"`` or ``"mitk"``.
    pseudonyms
        The names of the cases in the data set; a map that lies outside of it. Left out, ``case-0001`` and on, by
        the order in which cases were added to the study.
    progress
        Called with (cases done, cases in all); an exception that it raises ends the export, and nothing is left.

    Raises
    ------
    LesionsegError
        If the format is unknown, the folder exists, no case can be learnt from, a scan or mask is missing or has
        changed, or a file cannot be written or does not read back equal.
    """
    if format not in FORMATS:
        raise LesionsegError(f"There is no data set format {format!r}; choose one of {', '.join(FORMATS)}.")
    folder = Path(folder).resolve()
    if format == "mitk":
        return _export_tasks(study, folder, pseudonyms, progress)
    write, default_name, pattern = _KINDS[format]
    target = folder if pattern.fullmatch(folder.name) else folder / default_name
    cases, left_out = [], []
    for number, case in enumerate(study.cases(), start=1):
        gold = find_gold(study, case)
        if gold is None and case.split != "test":
            left_out.append(case.id)
            continue
        name = _neutral(pseudonyms, case, number)
        cases.append(_to_dataset(study, case, gold, name))
    if pseudonyms is not None:
        pseudonyms.save()  # First: a data set whose names nobody can trace back would be of no use.
    written = write(target, cases, progress=progress)
    return ExportedStudy(target, len(written.patients), len(written.test), tuple(left_out))


def _export_tasks(
    study: Study, folder: Path, pseudonyms: Pseudonyms | None, progress: Progress | None
) -> ExportedStudy:
    cases = [
        task_case(study, case, _neutral(pseudonyms, case, number), _scan_reader(study, case))
        for number, case in enumerate(study.cases(), start=1)
    ]
    if not cases:
        raise LesionsegError(f"The study {study.folder} has no case to make a task of; add scans first.")
    if pseudonyms is not None:
        pseudonyms.save()
    mitk.write_task_list(folder, cases, progress=progress)
    test = sum(case.split == "test" for case in study.cases())
    return ExportedStudy(folder, len(cases) - test, test, ())


def _neutral(pseudonyms: Pseudonyms | None, case: Case, number: int) -> str:
    return pseudonyms.name(case.id) if pseudonyms is not None else f"case-{number:04d}"


def _to_dataset(study: Study, case: Case, gold: Gold | None, name: str) -> DatasetCase:
    return DatasetCase(
        id=name,
        patient=case.patient,
        scan=_scan_reader(study, case),
        mask=gold.read if gold is not None else None,
        reviewed=gold.reviewed if gold is not None else None,
        split="test" if case.split == "test" else "train",
    )


def _scan_reader(study: Study, case: Case) -> Callable[[], Volume]:
    def read() -> Volume:
        study.check_scan(case)
        scan = read_scan(case.scan)
        if not scan.geometry.same_grid(case.geometry):
            raise LesionsegError(
                f"The scan of case {case.id} lies on another grid than when it was added; add it anew."
            )
        return scan

    return read
