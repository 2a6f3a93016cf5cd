"""MITK's segmentation task list as a source: each task's image, what was drawn, and what it was to start with.

Format as documented by MITK ("MITK Segmentation Task Lists") and read by its ``mitkSegmentationTaskListIO.cpp``: a
JSON object with ``FileFormat`` and ``Version`` (2 added forms, 3 scenes), ``Tasks``, and ``Defaults`` that hold for
tasks which do not say otherwise, but never a ``Result``. Paths are absolute or relative to the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.found import Found, FoundMask, FoundScan, LeftOut
from napari_lesionseg.study.source_json import mapping, read_object, text

FILE_FORMAT: Final = "MITK Segmentation Task List"
VERSIONS: Final = (1, 2, 3)


def find_in_task_list(path: Path) -> Found:
    """Offer the image of each task with its masks: the result, if it is there, as a correction, else the start.

    A result is what somebody accepted in MITK. The segmentation that a task starts with is a prediction: nobody
    vouches for it. Several tasks on one image give one scan with all their masks.

    Parameters
    ----------
    path
        The task list, a JSON file.

    Raises
    ------
    LesionsegError
        If the file is no task list, of a version that is not known here, or breaks the rules of the format.
    """
    whole = read_object(path, "a segmentation task list of MITK")
    tasks = _check(path, whole)
    defaults = mapping(whole.get("Defaults"))
    found: dict[Path, list[FoundMask]] = {}
    left_out: list[LeftOut] = []
    for number, task in enumerate(tasks, start=1):
        values = defaults | mapping(task)
        image, result = text(values.get("Image")), text(values.get("Result"))
        if not image:
            left_out.append(LeftOut(path, f"task {number} shows a scene of MITK, which is not read here"))
            continue
        if not result:
            raise LesionsegError(f"Task {number} of {path} has no Result, which every task needs; add one in MITK.")
        scan = _place(path, image)
        if scan is None or not scan.exists():
            left_out.append(LeftOut(scan or path, f"the image of task {number}, which is not there"))
            continue
        if values.get("Dynamic") is True:
            left_out.append(LeftOut(scan, f"task {number} is about a scan that changes with time"))
            continue
        found.setdefault(scan, []).extend(_masks(path, number, values, left_out))
    return Found(tuple(FoundScan(scan, tuple(masks)) for scan, masks in found.items()), tuple(left_out))


def is_task_list(path: Path) -> bool:
    """Whether a file says that it is a task list of MITK; False for any other."""
    try:
        return path.suffix.lower() == ".json" and read_object(path, "").get("FileFormat") == FILE_FORMAT
    except LesionsegError:
        return False


def _check(path: Path, whole: dict[str, Any]) -> list[object]:
    version, tasks = whole.get("Version"), whole.get("Tasks")
    if whole.get("FileFormat") != FILE_FORMAT:
        raise LesionsegError(f"{path} is not a segmentation task list of MITK; choose another file.")
    if version not in VERSIONS or isinstance(version, bool):
        raise LesionsegError(f"{path} has version {version!r}, known here are 1 to 3; save it so in MITK.")
    if not isinstance(tasks, list):
        raise LesionsegError(f"{path} has no list of tasks; save it again in MITK.")
    if "Result" in mapping(whole.get("Defaults")):
        raise LesionsegError(f"{path} has one Result for all tasks, which MITK does not allow; give each its own.")
    return tasks


def _masks(path: Path, number: int, values: dict[str, Any], left_out: list[LeftOut]) -> list[FoundMask]:
    """The result of a task, else the segmentation it starts with."""
    named = f"task {number}" + (f" ({values['Name']})" if text(values.get("Name")) else "")
    result, start = _place(path, text(values.get("Result"))), _place(path, text(values.get("Segmentation")))
    if result is not None and result.is_file():
        return [FoundMask(result, "correction", f"the result of {named}", reviewer="MITK")]
    if start is not None and start.is_file():
        return [FoundMask(start, "prediction", f"what {named} starts with; nobody has accepted it", model="MITK")]
    if start is not None:
        left_out.append(LeftOut(start, f"what {named} starts with, which is not there"))
    return []


def _place(path: Path, noted: str) -> Path | None:
    """Where a path of the task list leads; both kinds of slashes are read."""
    if not noted or "\0" in noted:
        return None
    place = path.parent / noted
    return place if place.exists() or "\\" not in noted else path.parent / noted.replace("\\", "/")
