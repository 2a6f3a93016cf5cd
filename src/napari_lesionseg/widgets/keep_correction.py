"""Put the corrected scan into a study, where the trainer finds it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume, nifti
from napari_lesionseg.widgets.layer_styles import scan_name


def keep_correction(study_folder: Path, scan: Volume, mask: Mask, corrected: Iterable[int], model: str) -> str:
    """Add ``mask`` as a correction of ``scan`` to the study, which is made if there is none; return the case's id.

    A scan that is in the study already, by its content, keeps its case. A generated scan is written
    into the study first.

    Parameters
    ----------
    corrected
        Display slices (z) that a human vouches for.
    model
        The model that made the prediction that was corrected.

    Raises
    ------
    LesionsegError
        If nothing is corrected, or the study or the scan cannot be used.
    """
    from napari_lesionseg.study.files import sha256_of
    from napari_lesionseg.study.store import Study

    slices = sorted(corrected)
    if not slices:
        raise LesionsegError("No slice is corrected yet, so there is nothing to learn; correct some slices first.")
    has_study = (study_folder / "study.db").is_file()
    study = Study.open(study_folder) if has_study else Study.create(study_folder)
    path = scan.source if scan.source is not None else _write_generated(study_folder, scan)
    sha256 = sha256_of(path)
    known = {case.id: case.sha256 for case in study.cases()}
    case_id = next((name for name, sha in known.items() if sha == sha256), None)
    if case_id is None:
        case_id = _free_name(path, set(known))
        study.add_case(case_id, case_id, path, split="train")
    study.add_revision(case_id, "correction", mask, model=model, corrected_slices=slices)
    return case_id


def new_run_folder(study_folder: Path) -> Path:
    """A folder for the next training run in the study."""
    return study_folder / "runs" / f"adapt-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _write_generated(study_folder: Path, scan: Volume) -> Path:
    path = study_folder / "scans" / f"{scan_name(scan)}.nii.gz"
    nifti.write_scan(path, scan)
    return path


def _free_name(path: Path, taken: set[str]) -> str:
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:56] or "case"
    lower = {name.lower() for name in taken}
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(lower) + 2))
    return next(name for name in names if name.lower() not in lower)
