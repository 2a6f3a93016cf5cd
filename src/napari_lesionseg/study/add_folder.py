"""Add a whole source to a study: look first, then do what the table says; safe to run again at any time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import Found
from napari_lesionseg.study.glance import Glances
from napari_lesionseg.study.mitk import find_in_task_list
from napari_lesionseg.study.monai_label import FILE as DATASTORE
from napari_lesionseg.study.monai_label import find_in_datastore
from napari_lesionseg.study.other_study import find_in_study
from napari_lesionseg.study.pairing import pair_folder
from napari_lesionseg.study.plan import Plan, Progress, Row, make_plan
from napari_lesionseg.study.store import DATABASE, Study
from napari_lesionseg.volumes.read import read_mask

Patients = Literal["auto", "scan"]


@dataclass(frozen=True)
class Added:
    """What was done.

    Parameters
    ----------
    cases, masks, relinked
        Ids of new cases, how many masks were kept, and ids of cases whose scan was found again.
    """

    cases: tuple[str, ...]
    masks: int
    relinked: tuple[str, ...]


def plan_folder(
    study: Study,
    source: str | Path,
    *,
    copy: bool = False,
    patients: Patients = "auto",
    progress: Progress | None = None,
) -> Plan:
    """Find out what ``source`` would add to ``study``; nothing is changed.

    Parameters
    ----------
    source
        A folder of scans and masks, another study, a datastore of MONAI Label (its folder or its
        ``datastore_v2.json``), or a segmentation task list of MITK (a JSON file).
    copy
        Copy new scans into the study; needed for scans of several files, such as DICOM series.
    patients
        In a folder: ``auto`` takes scans in one folder for one patient's where the layout is one folder a patient,
        ``scan`` takes each scan for a patient of its own.
    progress
        Called with (files read, files in all); an exception that it raises ends the search.

    Raises
    ------
    LesionsegError
        If there is no such source, it is the study itself, or the database of either cannot be read.
    """
    source, glances = Path(source).resolve(), Glances()
    found = _find(study, source, glances, progress)
    if patients == "scan" and (source / DATABASE).exists():
        raise LesionsegError("Another study knows its patients; leave --patients out.")
    if patients == "scan":
        found = Found(tuple(replace(scan, group="") for scan in found.scans), found.left_out)
    root = source if source.is_dir() else source.parent
    return make_plan(study, found, glances, source=root, copy=copy, progress=progress)


def carry_out(study: Study, plan: Plan, *, progress: Progress | None = None) -> Added:
    """Do what the plan says, row by row; what was done stays done if it is interrupted, and the rest can be run again.

    Raises
    ------
    LesionsegError
        If a file changed since the plan was made, or cannot be read or written.
    """
    rows = [row for row in plan.rows if row.action in ("add", "add masks", "relink")]
    cases, relinked, masks = [], [], 0
    groups: dict[str, str] = {}
    for done, row in enumerate(rows):
        if progress is not None:
            progress(done, len(rows))
        if row.action == "add":
            case_id = _add(study, row, groups, copy=plan.copy)
            cases.append(case_id)
        else:
            case_id = row.case or ""
        if row.action == "relink":
            study.relink_case(case_id, row.file)
            relinked.append(case_id)
        masks += _keep_masks(study, case_id, row)
    if progress is not None:
        progress(len(rows), len(rows))
    return Added(tuple(cases), masks, tuple(relinked))


def _find(study: Study, source: Path, glances: Glances, progress: Progress | None) -> Found:
    if source == study.folder:
        raise LesionsegError(f"{source} is the study itself; choose the folder that has the new scans.")
    if (source / DATABASE).is_file():
        return find_in_study(Study.open(source))
    if source.name == DATASTORE or (source / DATASTORE).is_file():
        return find_in_datastore(source if source.is_file() else source / DATASTORE)
    if source.is_file() and source.suffix.lower() == ".json":
        return find_in_task_list(source)
    if not source.is_dir():
        what = "is no folder, study, datastore or task list" if source.exists() else "does not exist"
        raise LesionsegError(f"{source} {what}; choose the folder that has the scans.")
    return pair_folder(source, glances, spared=study.folder, progress=progress)


def _add(study: Study, row: Row, groups: dict[str, str], *, copy: bool) -> str:
    patient = row.patient or groups.get(row.group)
    case = study.add_case(row.case, patient, row.file, copy=copy)
    if row.group:
        groups.setdefault(row.group, case.patient)
    return case.id


def _keep_masks(study: Study, case_id: str, row: Row) -> int:
    grid = study.case(case_id).geometry
    for mask in row.masks:
        study.add_revision(
            case_id,
            mask.role,
            read_mask(mask.path, like=grid),
            reviewer=mask.reviewer,
            model=mask.model,
            corrected_slices=mask.slices,
        )
    return len(row.masks)
