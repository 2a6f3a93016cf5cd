"""Put the corrected scan into a study, where the trainer finds it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.names import next_name


def keep_correction(study_folder: Path, scan: Volume, mask: Mask, corrected: Iterable[int], model: str) -> str:
    """Add ``mask`` as a correction of ``scan`` to the study, which is made if there is none; return the case's id.

    A scan that is in the study already, by its content, keeps its case. A scan that is not a NIfTI file as it
    stands (from DICOM, generated, or placed in space by its user) is written into the study first.

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
    from napari_lesionseg.study.rows import NEUTRAL
    from napari_lesionseg.study.store import Study

    slices = sorted(corrected)
    if not slices:
        raise LesionsegError("No slice is corrected yet, so there is nothing to learn; correct some slices first.")
    has_study = (study_folder / "study.db").is_file()
    study = Study.open(study_folder) if has_study else Study.create(study_folder)
    own = scan.source if _is_usable_file(scan) else None
    path = own or _write_new(study_folder, scan)
    sha256 = sha256_of(path)
    known = {case.id: case.sha256 for case in study.cases()}
    case_id = next((name for name, sha in known.items() if sha == sha256), None)
    if case_id is None:
        case_id = next_name(NEUTRAL, [*known, *(case.patient for case in study.cases())])
        if own is None:
            path = path.rename(path.with_name(f"{case_id}.nii.gz"))
        study.add_case(case_id, case_id, path, split="train")
    elif own is None:
        path.unlink()
    study.add_revision(case_id, "correction", mask, model=model, corrected_slices=slices)
    return case_id


def new_run_folder(study_folder: Path) -> Path:
    """A folder for the next training run in the study."""
    return study_folder / "runs" / f"adapt-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _is_usable_file(scan: Volume) -> bool:
    """Whether the scan's file, read again without any help, is the scan that was corrected."""
    from napari_lesionseg.volumes.read import read_scan

    if scan.source is None or scan.dicom is not None or not scan.source.name.lower().endswith((".nii", ".nii.gz")):
        return False
    try:
        return read_scan(scan.source).geometry.same_grid(scan.geometry)
    except GeometryQuestion:
        return False


def _write_new(study_folder: Path, scan: Volume) -> Path:
    from napari_lesionseg.volumes import nifti

    path = study_folder / "scans" / f"new-{uuid4().hex}.nii.gz"
    nifti.write_scan(path, scan)
    return path
