"""The corrected scan in a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Mask, Volume, nifti, read_scan
from napari_lesionseg.widgets.keep_correction import keep_correction
from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path

Tiny = tuple["Volume", "Mask", np.ndarray]


def test_a_study_is_made_with_the_scan_and_the_corrected_slices(
    phantom_files: tuple[Path, Path], tmp_path: Path
) -> None:
    scan, mask = nifti.read_scan(phantom_files[0]), nifti.read_mask(phantom_files[1])
    assert keep_correction(tmp_path / "study", scan, mask, {3, 2}, "tiny") == "case-0001"
    study = Study.open(tmp_path / "study")
    (case,) = study.cases()
    revision = study.latest("case-0001", "correction")
    assert (case.scan, case.split) == (phantom_files[0], "train")
    assert (revision.corrected_slices, revision.model) == ((2, 3), "tiny")
    assert np.array_equal(nifti.read_mask(revision.path).array, mask.array)


def test_the_same_scan_stays_one_case_also_under_another_name(phantom_files: tuple[Path, Path], tmp_path: Path) -> None:
    scan, mask = nifti.read_scan(phantom_files[0]), nifti.read_mask(phantom_files[1])
    keep_correction(tmp_path / "study", scan, mask, {1}, "tiny")
    (tmp_path / "copy.nii.gz").write_bytes(phantom_files[0].read_bytes())
    again = nifti.read_scan(tmp_path / "copy.nii.gz")
    assert keep_correction(tmp_path / "study", again, mask, {1, 2}, "tiny") == "case-0001"
    study = Study.open(tmp_path / "study")
    assert len(study.cases()) == 1
    assert len(study.revisions("case-0001")) == 2


def test_another_scan_of_the_same_name_is_another_case(tiny: Tiny, tmp_path: Path) -> None:
    cases = []
    for number in (1, 2):
        path = tmp_path / str(number) / "scan one.nii.gz"
        nifti.write_scan(path, Volume(tiny[0].array + number, tiny[0].geometry))
        cases.append(keep_correction(tmp_path / "study", nifti.read_scan(path), tiny[1], {1}, ""))
    assert cases == ["case-0001", "case-0002"]


def test_a_generated_scan_is_written_into_the_study(tiny: Tiny, tmp_path: Path) -> None:
    scan, mask, _ = tiny
    assert keep_correction(tmp_path / "study", scan, mask, {1}, "") == "case-0001"
    (case,) = Study.open(tmp_path / "study").cases()
    assert np.array_equal(nifti.read_scan(case.scan).array, scan.array)


def test_a_scan_from_dicom_is_written_into_the_study_once_and_without_its_folders_name(tmp_path: Path) -> None:
    scan = read_scan(make_series(tmp_path / "Doe^Jane").folder)
    mask = Mask.empty(scan.geometry)
    mask.array[2, 3, 4] = 1
    first = keep_correction(tmp_path / "study", scan, mask, {2}, "")
    assert keep_correction(tmp_path / "study", scan, mask, {2, 3}, "") == first
    (case,) = Study.open(tmp_path / "study").cases()
    assert first.startswith("case-")
    assert [path.name for path in (tmp_path / "study" / "scans").iterdir()] == [f"{first}.nii.gz"]
    kept = nifti.read_scan(case.scan)
    assert np.array_equal(kept.array, scan.array)
    assert kept.geometry.same_grid(scan.geometry)
    assert len(Study.open(tmp_path / "study").revisions(first)) == 2


def test_nothing_corrected_is_nothing_to_learn(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="No slice is corrected yet"):
        keep_correction(tmp_path / "study", tiny[0], tiny[1], (), "")
    assert not (tmp_path / "study").exists()
