from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.volumes import Geometry, Mask, nifti, read_scan
from tests.volumes.dicom.make_series import make_series

MakeScan = Callable[..., Path]
MakeMask = Callable[..., Mask]


def test_a_new_study_has_its_folders_and_no_case(study: Study) -> None:
    assert {path.name for path in study.folder.iterdir()} == {"study.db", "masks", "models", "runs", "exports"}
    assert study.cases() == []
    assert study.split() == {"train": [], "calibration": [], "gate": [], "test": []}


def test_a_folder_with_files_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(LesionsegError, match="is not empty; choose a new folder"):
        Study.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_where_the_study_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LesionsegError, match="Could not make the folder"):
        Study.create(tmp_path / "file" / "study")


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match=r"is not a study \(it has no study.db\)"):
        Study.open(tmp_path)


def test_a_case_is_the_same_after_opening_the_study_again(study: Study, make_scan: MakeScan) -> None:
    added = study.add_case("c1", "p1", make_scan("one.nii.gz"), split="gate")
    (case,) = Study.open(study.folder).cases()
    assert case == added
    assert (case.id, case.patient, case.split, case.shape) == ("c1", "p1", "gate", (5, 3, 4))
    assert case.geometry.spacing == pytest.approx((2.5, 0.8, 0.7))
    assert case.sha256 == sha256_of(case.scan)


def test_cases_are_listed_in_the_order_they_came(study: Study, make_scan: MakeScan) -> None:
    for number, name in enumerate(["c2", "c10", "a"]):
        study.add_case(name, name, make_scan(f"{name}.nii", number))
    assert [case.id for case in study.cases()] == ["c2", "c10", "a"]


def test_a_scan_inside_the_study_moves_with_it_and_one_outside_stays(study: Study, make_scan: MakeScan) -> None:
    outside = make_scan("outside.nii.gz", 1)
    study.add_case("outside", "p1", outside)
    study.add_case("inside", "p2", make_scan("scans/inside.nii.gz", 2, folder=study.folder))
    moved = study.folder.with_name("moved")
    shutil.move(study.folder, moved)
    scans = {case.id: case.scan for case in Study.open(moved).cases()}
    assert scans == {"outside": outside, "inside": moved / "scans" / "inside.nii.gz"}


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_copied_scan_no_longer_needs_the_original(study: Study, make_scan: MakeScan, ending: str) -> None:
    original = make_scan("original" + ending)
    case = study.add_case("c1", "p1", original, copy=True)
    original.unlink()
    assert case.scan == study.folder / "scans" / "c1.nii.gz"
    study.check_scan(case)


def test_a_copied_scan_is_equal_and_says_nothing_of_its_patient(study: Study, tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(4, 3, 5) - 1000, np.diag([-2.0, -0.8, 0.7, 1.0]))
    image.header["descrip"] = b"MUELLER^HANS"
    image.header.set_qform(image.affine, 1)
    nib.save(image, tmp_path / "original.nii")
    case = study.add_case("c1", "p1", tmp_path / "original.nii", copy=True)
    assert np.array_equal(nib.load(case.scan).get_fdata(), image.get_fdata())
    assert np.allclose(case.geometry.affine, image.affine)
    assert b"MUELLER" not in gzip.decompress(case.scan.read_bytes())


def test_a_scan_of_many_files_has_to_be_copied(study: Study, tmp_path: Path) -> None:
    series = make_series(tmp_path / "series", 1)
    with pytest.raises(LesionsegError, match="is not a scan in one file; let it be copied"):
        study.add_case("c1", "p1", series.folder)
    case = study.add_case("c1", "p1", series.folder, copy=True)
    assert np.array_equal(nifti.read_scan(case.scan).array, read_scan(series.folder).array)
    with pytest.raises(LesionsegError, match="is the scan of case c1"):
        study.add_case("c2", "p2", series.folder, copy=True)
    assert [path.name for path in (study.folder / "scans").iterdir()] == ["c1.nii.gz"]


@pytest.mark.parametrize("bad", ["", "a b", "../a", "ä", "a" * 65, "a\n"])
def test_an_id_that_is_no_safe_file_name_is_refused(study: Study, make_scan: MakeScan, bad: str) -> None:
    scan = make_scan("one.nii.gz")
    with pytest.raises(LesionsegError, match="cannot name a case"):
        study.add_case(bad, "p1", scan)
    with pytest.raises(LesionsegError, match="cannot name a patient"):
        study.add_case("c1", bad, scan)


@pytest.mark.parametrize("again", ["case-1", "CASE-1"])
def test_a_second_case_of_one_id_is_refused_and_its_copy_not_made(
    study: Study, make_scan: MakeScan, again: str
) -> None:
    first = study.add_case("case-1", "p1", make_scan("one.nii.gz", 1), copy=True)
    with pytest.raises(LesionsegError, match="has a case case-1 already"):
        study.add_case(again, "p2", make_scan("two.nii.gz", 2), copy=True)
    study.check_scan(first)
    assert [path.name for path in (study.folder / "scans").iterdir()] == ["case-1.nii.gz"]


def test_a_second_scan_follows_its_patient_into_the_split(study: Study, make_scan: MakeScan) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz", 1), split="test")
    assert study.add_case("c2", "P1", make_scan("two.nii.gz", 2)).split == "test"
    with pytest.raises(LesionsegError, match="Patient p1 is in the split test and cannot join train"):
        study.add_case("c3", "p1", make_scan("three.nii.gz", 3), split="train")
    assert study.split() == {"train": [], "calibration": [], "gate": [], "test": ["p1"]}
    assert len(study.cases()) == 2


def test_one_file_cannot_be_two_patients_who_may_be_in_two_splits(study: Study, make_scan: MakeScan) -> None:
    scan = make_scan("one.nii.gz")
    study.add_case("c1", "p1", scan)
    again = scan.with_name("renamed.nii.gz")
    shutil.copy(scan, again)
    with pytest.raises(LesionsegError, match=r"is the scan of case c1 \(patient p1\) already"):
        study.add_case("c2", "p2", again)
    assert study.split()["calibration"] == []  # p2 has not stayed behind without a case


def test_a_scan_that_cannot_be_read_is_not_added(study: Study, tmp_path: Path) -> None:
    (tmp_path / "torn.nii.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(LesionsegError, match="torn.nii.gz"):
        study.add_case("c1", "p1", tmp_path / "torn.nii.gz")
    assert study.cases() == []


def test_a_missing_or_changed_scan_is_told_on_demand_and_does_not_hinder_listing(
    study: Study, make_scan: MakeScan
) -> None:
    gone, changed = make_scan("gone.nii", 1), make_scan("changed.nii", 2)
    study.add_case("gone", "p1", gone)
    study.add_case("changed", "p2", changed)
    gone.unlink()
    make_scan("changed.nii", 3)
    missing_case, changed_case = study.cases()
    with pytest.raises(LesionsegError, match="The scan of case gone is missing"):
        study.check_scan(missing_case)
    with pytest.raises(LesionsegError, match="case changed is no longer the file"):
        study.check_scan(changed_case)


def test_an_unknown_case_is_refused(study: Study, make_mask: MakeMask) -> None:
    for ask in (
        lambda: study.case("c9"),
        lambda: study.latest("c9", "truth"),
        lambda: study.revisions("c9"),
        lambda: study.add_revision("c9", "truth", make_mask()),
    ):
        with pytest.raises(LesionsegError, match="has no case 'c9'"):
            ask()


def test_the_latest_revision_of_a_role_is_the_last_one_added(
    study: Study, make_scan: MakeScan, make_mask: MakeMask
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    truth = study.add_revision("c1", "truth", make_mask(1))
    for voxels in (2, 3):
        study.add_revision("c1", "correction", make_mask(voxels))
    latest = Study.open(study.folder).latest("c1", "correction")
    assert latest is not None
    assert np.count_nonzero(nifti.read_mask(latest.path).array) == 3
    assert study.latest("c1", "truth") == truth
    assert study.latest("c1", "pseudo") is None
    assert study.role_counts() == {"c1": {"truth": 1, "correction": 2}}


def test_a_revision_keeps_every_voxel_and_where_it_came_from(
    study: Study, make_scan: MakeScan, make_mask: MakeMask
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    mask = make_mask(17)
    first = study.add_revision("c1", "prediction", mask, model="covid-base")
    second = study.add_revision(
        "c1", "correction", mask, reviewer="anna", parent=first.id, corrected_slices=[3, 0, np.int64(3)]
    )
    assert study.revisions("c1") == [first, second]
    assert (first.model, first.reviewer, first.parent) == ("covid-base", "", None)
    assert (second.model, second.reviewer, second.parent) == ("", "anna", first.id)
    assert study.corrected_slices(first) is None
    assert study.corrected_slices(second) == [0, 3]
    assert first.path.is_relative_to(study.folder / "masks" / "c1")
    assert sha256_of(second.path) == second.sha256
    assert np.array_equal(nifti.read_mask(second.path, like=mask.geometry).array, mask.array)


def test_no_corrected_slice_is_not_the_same_as_every_slice(
    study: Study, make_scan: MakeScan, make_mask: MakeMask
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz"))
    study.add_revision("c1", "correction", make_mask(), corrected_slices=[])
    (revision,) = study.revisions("c1")
    assert study.corrected_slices(revision) == []


def test_what_does_not_fit_the_case_is_refused_before_anything_is_written(
    study: Study, make_scan: MakeScan, make_mask: MakeMask
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii.gz", 1))
    study.add_case("c2", "p2", make_scan("two.nii.gz", 2))
    parent = study.add_revision("c2", "truth", make_mask()).id
    shifted = Geometry.from_spacing((4, 3, 5), (2.5, 0.8, 0.75))
    with pytest.raises(LesionsegError, match="lies on another grid"):
        study.add_revision("c1", "truth", make_mask(grid=shifted))
    with pytest.raises(LesionsegError, match="has slices 0 to 3"):
        study.add_revision("c1", "correction", make_mask(), corrected_slices=[4])
    with pytest.raises(LesionsegError, match="Case c1 has no revision"):
        study.add_revision("c1", "correction", make_mask(), parent=parent)
    with pytest.raises(LesionsegError, match="no role 'draft'"):
        study.add_revision("c1", "draft", make_mask())
    assert study.revisions("c1") == []
    assert not (study.folder / "masks" / "c1").exists()


def test_writers_side_by_side_put_each_patient_in_one_split_by_the_rule(study: Study, make_scan: MakeScan) -> None:
    scans = [make_scan(f"{number}.nii", number) for number in range(20)]

    def add(number: int) -> None:
        patient = f"p{number // 2}"  # Two scans a patient, by two writers at a time
        Study.open(study.folder).add_case(f"c{number}", patient, scans[number])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(20)))
    split = study.split()
    # Who comes first is chance; that no split gets more than its share of ten, rounded up, is the rule.
    sizes = {name: len(patients) for name, patients in split.items()}
    assert sizes["train"] in (4, 5, 6)
    assert all(sizes[name] <= 2 for name in ("calibration", "gate", "test"))
    assert sorted(sum(split.values(), [])) == sorted(f"p{number}" for number in range(10))
    assert all(case.patient in split[case.split] for case in study.cases())
