"""A data set as the Medical Segmentation Decathlon laid it out, which MONAI and others read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.dataset import ENDING, DatasetCase, Progress, Written, write_cases
from napari_lesionseg.volumes.export.nnunet import LABEL_NAMES
from napari_lesionseg.volumes.export.whole_folder import whole_folder

DEFAULT_NAME: Final = "Task501_Lesions"
_NAME = re.compile(r"Task\d{2,3}_[A-Za-z0-9]+")


def write_msd(
    folder: str | Path,
    cases: Iterable[DatasetCase],
    *,
    label_names: Mapping[int, str] = LABEL_NAMES,
    progress: Progress | None = None,
) -> Written:
    """Write a data set with the decathlon's ``dataset.json``; it appears whole or not at all.

    Parameters
    ----------
    folder
        A new folder, named as in the decathlon (``Task501_Lesions``).
    cases
        Training cases with a mask, and test cases, whose labels the decathlon does not hand out.
    label_names
        What the labels are called; ``ignore`` is added above them for voxels that nobody reviewed.
    progress
        Called with (cases done, cases in all); an exception that it raises ends the export, and nothing is left.

    Raises
    ------
    LesionsegError
        If the folder exists or is named otherwise, or a case cannot be written (see ``write_cases``).

    Notes
    -----
    Keys as in Antonelli et al., The Medical Segmentation Decathlon, Nature Communications 13:4128 (2022).
    """
    folder = Path(folder)
    if not _NAME.fullmatch(folder.name):
        raise LesionsegError(f"{folder.name} is no name for a decathlon task; name the folder like {DEFAULT_NAME}.")
    with whole_folder(folder) as temporary:
        written = write_cases(temporary, tuple(cases), "", test_labels=False, progress=progress)
        described = _description(folder.name.split("_")[1], written, written.label_names(label_names))
        write_atomically(temporary / "dataset.json", (json.dumps(described, indent=1) + "\n").encode())
    return written


def _description(name: str, written: Written, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"Lesions in chest CT; {written.lossy} of the scans went through lossy compression.",
        "reference": "",
        "licence": "",
        "release": "",
        "tensorImageSize": "3D",
        "modality": {"0": "CT" if written.intensity == "HU" else "grey"},
        "labels": {str(label): title for label, title in names.items()},
        "numTraining": len(written.patients),
        "numTest": len(written.test),
        "training": [
            {"image": f"./imagesTr/{case}{ENDING}", "label": f"./labelsTr/{case}{ENDING}"} for case in written.patients
        ],
        "test": [f"./imagesTs/{case}{ENDING}" for case in written.test],
    }
