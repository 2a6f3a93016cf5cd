"""A study of generated chest CT: real files, known truth, nobody's data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.files import make_folder
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.phantom import make_case

HIDDEN_TRUTH: Final = "hidden_truth"


def write_phantom_study(
    folder: str | Path,
    patients: int,
    unlabelled: int = 0,
    shape: tuple[int, int, int] = (64, 256, 256),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Study:
    """Generate a study of ``patients`` labelled and ``unlabelled`` further patients, one scan each.

    Scans are written to ``scans/``. A labelled patient's truth is a revision, and the patient joins a
    split by the usual rule. An unlabelled patient is in ``train`` and has no revision: the truth lies in
    ``hidden_truth/<case>.nii.gz``, which the store does not know, for experiments that measure what was
    learnt without it.

    Parameters
    ----------
    folder
        A new or empty folder.
    patients, unlabelled
        How many patients; they are named ``phantom-0001`` and on, the unlabelled last.
    shape
        Voxels (z, y, x) of every scan.
    seed
        The same seed gives the same scans; a patient does not depend on how many others there are.
    progress
        Called with (patients done, patients in all) before the first and after each.

    Raises
    ------
    LesionsegError
        If there would be no patient, or the folder is not empty or cannot be written to. What was
        written before an error or an interruption is removed.
    """
    total = patients + unlabelled
    if patients < 0 or unlabelled < 0 or total == 0:
        raise LesionsegError("A phantom study needs at least one patient; ask for 1 or more.")
    if seed < 0:
        raise LesionsegError(f"The seed {seed} is negative; choose 0 or a larger whole number.")
    study = Study.create(folder, seed=seed)
    try:
        for index in range(total):
            if progress is not None:
                progress(index, total)
            _write_patient(study, index, shape, labelled=index < patients)
    except BaseException:
        _discard(study.folder)
        raise
    if progress is not None:
        progress(total, total)
    return study


def _write_patient(study: Study, index: int, shape: tuple[int, int, int], *, labelled: bool) -> None:
    case_id = f"phantom-{index + 1:04d}"
    phantom = make_case(_seed_of(study.seed, index), shape)
    make_folder(study.folder / "scans")
    scan = study.folder / "scans" / f"{case_id}.nii.gz"
    nifti.write_scan(scan, phantom.scan)
    study.add_case(case_id, case_id, scan, split=None if labelled else "train")
    if labelled:
        study.add_revision(case_id, "truth", phantom.truth)
    else:
        nifti.write_mask(study.folder / HIDDEN_TRUTH / f"{case_id}.nii.gz", phantom.truth)


def _seed_of(seed: int, index: int) -> int:
    """Mix, so that neighbouring study seeds do not share patients."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1)[0])


def _discard(folder: Path) -> None:
    """Remove what this module and the store made, and nothing else."""
    for made in ("scans", HIDDEN_TRUTH, "masks", "models", "runs", "exports"):
        shutil.rmtree(folder / made, ignore_errors=True)
    for file in folder.glob("study.db*"):
        file.unlink(missing_ok=True)
