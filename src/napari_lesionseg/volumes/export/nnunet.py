"""A data set as nnU-Net v2 reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.dataset import ENDING, DatasetCase, Progress, Written, write_cases
from napari_lesionseg.volumes.export.folds import patient_folds
from napari_lesionseg.volumes.export.whole_folder import whole_folder

DEFAULT_NAME: Final = "Dataset501_Lesions"
LABEL_NAMES: Final = {1: "lesion"}
_NAME = re.compile(r"Dataset\d{3}_[A-Za-z0-9]+")

_README = """\
# Lesions in chest CT, for nnU-Net v2

Put this folder into the folder that `nnUNet_raw` names, then:

    nnUNetv2_plan_and_preprocess -d {number} --verify_dataset_integrity
    nnUNetv2_train {number} 3d_fullres 0

{folds}
{ignored}{lossy}The names of the cases are neutral. Which case is whose is known only where the data set was made.
"""
_FOLDS = """\
`splits_final.json` has five folds by patient: no patient is on both sides of one. nnU-Net copies it to
`nnUNet_preprocessed/{name}/` when it preprocesses; if yours does not, copy it there before training, or
nnU-Net makes folds of its own that may part a patient.
"""
_ONE_PATIENT = """\
All training cases are of one patient, so there are no folds: train with `all` in place of `0`, and validate on others.
"""
_IGNORED = "The label `ignore` marks slices that nobody reviewed; nnU-Net neither learns from them nor counts them.\n"
_LOSSY = "{count} of the scans went through lossy compression; the headers of their files say so.\n"


def write_nnunet(
    folder: str | Path,
    cases: Iterable[DatasetCase],
    *,
    label_names: Mapping[int, str] = LABEL_NAMES,
    progress: Progress | None = None,
) -> Written:
    """Write a raw data set of nnU-Net v2; it appears whole or not at all.

    Parameters
    ----------
    folder
        A new folder, named as nnU-Net wants it (``Dataset501_Lesions``).
    cases
        Training cases with a mask, and test cases with or without.
    label_names
        What the labels are called; a label that is not named is ``lesion-2`` and so on.
    progress
        Called with (cases done, cases in all); an exception that it raises ends the export, and nothing is left.

    Raises
    ------
    LesionsegError
        If the folder exists or is named otherwise, or a case cannot be written (see ``write_cases``).

    Notes
    -----
    Format: nnU-Net's ``documentation/dataset_format.md``, ``ignore_label.md`` and ``manual_data_splits.md``.
    """
    folder = Path(folder)
    if not _NAME.fullmatch(folder.name):
        raise LesionsegError(f"{folder.name} is no name for nnU-Net; name the folder like {DEFAULT_NAME}.")
    with whole_folder(folder) as temporary:
        written = write_cases(temporary, tuple(cases), "_0000", test_labels=True, progress=progress)
        names = written.label_names(label_names)
        folds = patient_folds(written.patients)
        _write_json(temporary / "dataset.json", _description(folder.name, written, names))
        if folds:
            _write_json(temporary / "splits_final.json", folds)
        write_atomically(temporary / "README.md", _readme(folder.name, written, bool(folds)).encode())
    return written


def _description(name: str, written: Written, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        # "CT" chooses nnU-Net's normalization for Hounsfield units, any other name its z-score.
        "channel_names": {"0": "CT" if written.intensity == "HU" else "grey"},
        "labels": {title: label for label, title in names.items()},
        "numTraining": len(written.patients),
        "file_ending": ENDING,
        "name": name,
        "description": f"Lesions in chest CT; {written.lossy} of the scans went through lossy compression.",
    }


def _readme(name: str, written: Written, folds: bool) -> str:
    return _README.format(
        number=int(name[7:10]),
        folds=_FOLDS.format(name=name) if folds else _ONE_PATIENT,
        ignored=_IGNORED if written.labels[1] else "",
        lossy=_LOSSY.format(count=written.lossy) if written.lossy else "",
    )


def _write_json(path: Path, value: object) -> None:
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())
