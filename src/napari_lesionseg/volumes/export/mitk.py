"""A folder for MITK's segmentation task list: scans, masks to start with, and what people have finished."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.dataset import DatasetCase, Progress
from napari_lesionseg.volumes.export.mask import refuse_other_grid
from napari_lesionseg.volumes.export.nrrd import write_nrrd
from napari_lesionseg.volumes.export.segments import LESION, Segment, default_segments
from napari_lesionseg.volumes.export.whole_folder import whole_folder

DEFAULT_NAME: Final = "mitk-tasks"
FILE: Final = "tasks.json"
VERSION: Final = 3
_KEY: Final = "org.mitk.multilabel.segmentation"


def write_task_list(folder: str | Path, cases: Sequence[DatasetCase], *, progress: Progress | None = None) -> None:
    """Write ``tasks.json`` with a task for each case, and all files it names by relative paths; all of it or nothing.

    A case whose every slice is reviewed gets its mask as the task's result, which MITK shows as done; the mask of
    another case is the segmentation that the task starts with; a case without a mask starts empty.

    Parameters
    ----------
    folder
        A new folder; its parts can be moved together.
    cases
        Under neutral ids.
    progress
        Called with (cases done, cases in all); an exception that it raises ends the export, and nothing is left.

    Raises
    ------
    LesionsegError
        If the folder exists, or a file cannot be written or does not read back equal.

    Notes
    -----
    Keys as in MITK's documentation, "MITK Segmentation Task Lists", version 3 (MITK 2024.12 and later); masks as MITK's
    ``MultiLabelSegmentationIO`` writes them: an NRRD whose header says what the labels are.
    """
    report = progress or (lambda done, total: None)
    tasks: list[dict[str, str]] = []
    with whole_folder(Path(folder)) as temporary:
        for name in ("images", "segmentations", "results"):
            (temporary / name).mkdir()
        for done, case in enumerate(cases):
            report(done, len(cases))
            tasks.append(_write_case(temporary, case))
        report(len(cases), len(cases))
        _write_json(temporary / "labels.json", [{"name": LESION.name, "color": f"#{bytes(LESION.colour).hex()}"}])
        _write_json(temporary / FILE, _task_list(tasks))


def _task_list(tasks: list[dict[str, str]]) -> Mapping[str, Any]:
    return {
        "FileFormat": "MITK Segmentation Task List",
        "Version": VERSION,
        "Name": "Lesions in chest CT",
        "Defaults": {"LabelName": LESION.name, "LabelNameSuggestions": "labels.json", "Dynamic": False},
        "Tasks": tasks,
    }


def _write_case(folder: Path, case: DatasetCase) -> dict[str, str]:
    scan, mask = case.read_scan(), case.read_mask()
    task = {"Name": case.id, "Image": f"images/{case.id}.nii.gz", "Result": f"results/{case.id}.nrrd"}
    nifti.write_scan(folder / task["Image"], scan)
    if mask is None:
        return task
    refuse_other_grid(mask, scan)
    if case.reviewed is not None:
        task["Segmentation"] = f"segmentations/{case.id}.nrrd"
    target = folder / task.get("Segmentation", task["Result"])
    write_nrrd(target, mask, scan, fields=_label_fields(default_segments(mask)))
    return task


def _label_fields(segments: Sequence[Segment]) -> dict[str, str]:
    """The header fields by which MITK knows a segmentation and its labels."""
    labels = [
        {
            "name": segment.name,
            "value": segment.label,
            "color": {"type": "ColorProperty", "value": [part / 255 for part in segment.colour]},
            "locked": True,
            "opacity": 0.6,
            "visible": True,
        }
        for segment in segments
    ]
    return {
        "modality": _KEY,
        f"{_KEY}.version": "1",
        f"{_KEY}.labelgroups": json.dumps([{"labels": labels}], separators=(",", ":")),
        f"{_KEY}.unlabeledlabellock": "0",
    }


def _write_json(path: Path, value: object) -> None:
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())
