"""A source is looked at, told about, and added; whatever happened to its files, it can be added again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.add_folder import Added, carry_out, plan_folder
from napari_lesionseg.study.phantom_study import write_phantom_study
from napari_lesionseg.study.plan import Plan
from napari_lesionseg.volumes import read_mask
from tests.study.folders import put_mask, put_scan
from tests.volumes.dicom.make_series import make_series


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three scans, two with a mask."""
    for number in range(3):
        put_scan(tmp_path / "in" / "scans" / f"s{number}.nii.gz", number)
    for number in range(2):
        put_mask(tmp_path / "in" / "masks" / f"s{number}.nii.gz", number + 1)
    return tmp_path / "in"


def actions(plan: Plan) -> dict[str, str]:
    return {row.file.name: row.action for row in plan.rows}


def reasons(plan: Plan) -> dict[str, str]:
    return {row.file.name: row.reason for row in plan.rows}


def add(study: Study, source: Path, copy: bool = False) -> Added:
    return carry_out(study, plan_folder(study, source, copy=copy))


def masks(study: Study) -> dict[str, list[tuple[str, int]]]:
    """Role and lesion voxels of each case's revisions."""
    return {
        case.id: [(one.role, int(np.count_nonzero(read_mask(one.path).array))) for one in study.revisions(case.id)]
        for case in study.cases()
    }


def test_looking_changes_nothing(study: Study, source: Path) -> None:
    plan = plan_folder(study, source)
    assert plan.changes
    assert study.cases() == []
    assert not any((study.folder / "masks").iterdir())


def test_what_the_table_says_is_added_under_neutral_names(study: Study, source: Path) -> None:
    plan = plan_folder(study, source)
    assert [(row.action, row.file.name, len(row.masks)) for row in plan.rows] == [
        ("add", "s0.nii.gz", 1),
        ("add", "s1.nii.gz", 1),
        ("add", "s2.nii.gz", 0),
    ]
    assert reasons(plan)["s0.nii.gz"] == "same name in masks, same grid"
    assert reasons(plan)["s2.nii.gz"] == "no mask found"
    assert carry_out(study, plan) == Added(("case-0001", "case-0002", "case-0003"), 2, ())
    assert masks(study) == {"case-0001": [("truth", 1)], "case-0002": [("truth", 2)], "case-0003": []}
    assert [case.scan for case in study.cases()] == [source / "scans" / f"s{number}.nii.gz" for number in range(3)]
    assert len({case.patient for case in study.cases()}) == 3


def test_a_second_time_there_is_nothing_to_add(study: Study, source: Path) -> None:
    add(study, source)
    plan = plan_folder(study, source)
    assert not plan.changes
    assert set(actions(plan).values()) == {"known"}
    assert carry_out(study, plan) == Added((), 0, ())


def test_files_that_came_since_are_added_and_the_rest_stays(study: Study, source: Path) -> None:
    add(study, source)
    put_mask(source / "masks" / "s2.nii.gz", 3)
    put_scan(source / "scans" / "s3.nii.gz", 3)
    plan = plan_folder(study, source)
    assert actions(plan) == {
        "s0.nii.gz": "known",
        "s1.nii.gz": "known",
        "s2.nii.gz": "add masks",
        "s3.nii.gz": "add",
    }
    assert carry_out(study, plan) == Added(("case-0004",), 1, ())
    assert masks(study)["case-0003"] == [("truth", 3)]


def test_a_mask_that_was_drawn_anew_is_a_new_revision(study: Study, source: Path) -> None:
    add(study, source)
    put_mask(source / "masks" / "s0.nii.gz", 5)
    assert add(study, source) == Added((), 1, ())
    assert masks(study)["case-0001"] == [("truth", 1), ("truth", 5)]
    put_mask(source / "masks" / "s0.nii.gz", 1)  # And back: known by now.
    assert not plan_folder(study, source).changes


def test_a_scan_that_was_renamed_is_found_by_its_content(study: Study, source: Path) -> None:
    add(study, source)
    (source / "scans" / "s0.nii.gz").rename(source / "scans" / "renamed.nii.gz")
    (source / "masks" / "s0.nii.gz").rename(source / "masks" / "renamed.nii.gz")
    plan = plan_folder(study, source)
    assert actions(plan)["renamed.nii.gz"] == "relink"
    assert reasons(plan)["renamed.nii.gz"] == "renamed or moved: the scan of case case-0001 by its SHA-256"
    assert carry_out(study, plan) == Added((), 0, ("case-0001",))
    assert study.case("case-0001").scan == source / "scans" / "renamed.nii.gz"
    study.check_scan(study.case("case-0001"))
    assert len(study.cases()) == 3
    assert not plan_folder(study, source).changes


def test_a_whole_folder_that_moved_is_found_again(study: Study, source: Path, tmp_path: Path) -> None:
    add(study, source)
    source.rename(tmp_path / "elsewhere")
    done = add(study, tmp_path / "elsewhere")
    assert done == Added((), 0, ("case-0001", "case-0002", "case-0003"))
    assert {case.scan.parents[1] for case in study.cases()} == {tmp_path / "elsewhere"}


def test_what_has_gone_is_told_and_never_deleted(study: Study, source: Path) -> None:
    add(study, source)
    (source / "scans" / "s1.nii.gz").unlink()
    plan = plan_folder(study, source)
    (missing,) = [row for row in plan.rows if row.action == "missing"]
    assert (missing.case, missing.reason) == ("case-0002", "no longer in the source; the case stays as it is")
    assert not plan.changes
    assert len(study.cases()) == 3
    assert masks(study)["case-0002"] == [("truth", 2)]


def test_a_scan_that_was_overwritten_is_not_taken_for_a_new_one(study: Study, source: Path) -> None:
    add(study, source)
    put_scan(source / "scans" / "s1.nii.gz", 77)
    plan = plan_folder(study, source)
    assert actions(plan)["s1.nii.gz"] == "left out"
    assert "no longer the file that was added as case case-0002" in reasons(plan)["s1.nii.gz"]


def test_a_case_taken_out_on_purpose_does_not_come_back(study: Study, source: Path) -> None:
    add(study, source)
    study.remove_case("case-0002", "not a chest")
    plan = plan_folder(study, source)
    assert reasons(plan)["s1.nii.gz"] == "case case-0002 was taken out of the study on purpose"
    assert not plan.changes


def test_one_scan_under_two_names_is_one_case(study: Study, source: Path) -> None:
    shutil.copy(source / "scans" / "s0.nii.gz", source / "scans" / "twin.nii.gz")
    plan = plan_folder(study, source)
    assert actions(plan)["twin.nii.gz"] == "left out"
    assert reasons(plan)["twin.nii.gz"] == "the same scan as s0.nii.gz"


def test_copies_in_the_study_are_known_by_their_voxels(study: Study, source: Path) -> None:
    assert add(study, source, copy=True).masks == 2
    assert {case.scan.parent for case in study.cases()} == {study.folder / "scans"}
    assert set(actions(plan_folder(study, source, copy=True)).values()) == {"known"}


def test_a_series_needs_a_copy_and_is_known_afterwards(study: Study, tmp_path: Path) -> None:
    make_series(tmp_path / "in" / "series", np.full((4, 8, 8), -800, np.int16))
    plan = plan_folder(study, tmp_path / "in")
    assert reasons(plan) == {"series": "a scan of several files; copy scans into the study (--copy)"}
    assert add(study, tmp_path / "in", copy=True).cases == ("case-0001",)
    assert actions(plan_folder(study, tmp_path / "in", copy=True)) == {"series": "known"}


def test_scans_of_one_folder_are_one_patient_also_when_they_come_later(study: Study, tmp_path: Path) -> None:
    for number, name in enumerate(["P1/a.nii.gz", "P1/b.nii.gz", "P2/a.nii.gz"]):
        put_scan(tmp_path / "in" / name, number)
    add(study, tmp_path / "in")
    put_scan(tmp_path / "in" / "P2" / "later.nii.gz", 9)
    plan = plan_folder(study, tmp_path / "in")
    assert reasons(plan)["later.nii.gz"] == "no mask found; another scan of patient case-0003"
    carry_out(study, plan)
    patients = {case.scan.relative_to(tmp_path / "in").as_posix(): case.patient for case in study.cases()}
    assert patients == {
        "P1/a.nii.gz": "case-0001",
        "P1/b.nii.gz": "case-0001",
        "P2/a.nii.gz": "case-0003",
        "P2/later.nii.gz": "case-0003",
    }


def test_each_scan_can_be_a_patient_of_its_own(study: Study, tmp_path: Path) -> None:
    for number, name in enumerate(["P1/a.nii.gz", "P1/b.nii.gz", "P2/a.nii.gz"]):
        put_scan(tmp_path / "in" / name, number)
    carry_out(study, plan_folder(study, tmp_path / "in", patients="scan"))
    assert len({case.patient for case in study.cases()}) == 3


def test_a_plan_that_was_interrupted_is_finished_by_the_next(study: Study, source: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(study, plan_folder(study, source), progress=stop)
    assert len(study.cases()) == 2
    assert add(study, source) == Added(("case-0003",), 0, ())


def test_a_case_without_its_mask_gets_it_by_the_next_run(
    study: Study, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise LesionsegError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(Study, "add_revision", fail)
        with pytest.raises(LesionsegError, match="disk is full"):
            add(study, source)
    assert add(study, source) == Added(("case-0002", "case-0003"), 2, ())


def test_the_study_may_lie_in_its_source(source: Path) -> None:
    study = Study.create(source / "study")
    add(study, source, copy=True)
    assert len(plan_folder(study, source, copy=True).rows) == 3


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("study", "is the study itself"), ("nowhere", "does not exist"), ("notes.txt", "is no folder, study, datastore")],
)
def test_what_is_no_source_is_one_sentence(study: Study, tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(LesionsegError, match=sentence):
        plan_folder(study, tmp_path / name)


class TestAnotherStudy:
    """Its cases come with what people drew; its patients stay apart from those who are here."""

    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[..., Study]:
        def make(name: str, seed: int, patients: int = 3) -> Study:
            return write_phantom_study(tmp_path / name, patients, shape=(8, 32, 32), seed=seed)

        return make

    def test_cases_come_with_truth_and_corrections(self, make: Callable[..., Study]) -> None:
        here, there = make("here", 1), make("there", 2)
        truth = read_mask(there.revisions("phantom-0002")[0].path)
        there.add_revision("phantom-0002", "prediction", truth, model="m")
        there.add_revision("phantom-0002", "correction", truth, reviewer="A", corrected_slices=[0, 3])
        done = add(here, there.folder)
        assert (len(done.cases), done.masks) == (3, 4)
        kept = here.revisions(done.cases[1])
        assert [(one.role, one.reviewer, one.corrected_slices) for one in kept] == [
            ("truth", "", None),
            ("correction", "A", (0, 3)),
        ]

    def test_patients_of_one_name_are_kept_apart_where_the_name_means_nothing(self, make: Callable[..., Study]) -> None:
        here = make("here", 1)
        before = {name: split for split, members in here.split().items() for name in members}
        add(here, make("there", 2).folder)
        after = {name: split for split, members in here.split().items() for name in members}
        assert len(after) == 6
        assert {name: after[name] for name in before} == before

    def test_the_same_scan_is_the_same_patient(self, make: Callable[..., Study]) -> None:
        here = make("here", 1)
        plan = plan_folder(here, make("there", 1).folder)
        assert {row.action for row in plan.rows} == {"known"}

    def test_new_scans_follow_a_patient_whose_scan_is_known(self, make: Callable[..., Study], tmp_path: Path) -> None:
        here, there = make("here", 1), make("there", 2)
        add(here, there.folder)
        added = {case.sha256: case.patient for case in here.cases()}
        there.add_case("second", "phantom-0002", put_scan(tmp_path / "second.nii.gz", 5))
        (case_id,) = add(here, there.folder).cases
        assert here.case(case_id).patient == added[there.case("phantom-0002").sha256]

    def test_a_patient_with_a_name_of_their_own_is_one_person(self, study: Study, tmp_path: Path) -> None:
        study.add_case("a", "P017", put_scan(tmp_path / "a.nii.gz", 1), split="test")
        there = Study.create(tmp_path / "there")
        there.add_case("b", "p017", put_scan(tmp_path / "b.nii.gz", 2), split="train")
        plan = plan_folder(study, there.folder)
        assert "taken for the patient p017 that the study has" in plan.rows[0].reason
        carry_out(study, plan)
        assert (study.case("b").patient, study.case("b").split) == ("P017", "test")

    def test_two_scans_of_a_patient_stay_together_under_a_neutral_name(self, study: Study, tmp_path: Path) -> None:
        study.add_case(None, None, put_scan(tmp_path / "mine.nii.gz", 9))
        there = Study.create(tmp_path / "there")
        first = there.add_case(None, None, put_scan(tmp_path / "a.nii.gz", 1))
        there.add_case(None, first.patient, put_scan(tmp_path / "b.nii.gz", 2))
        there.add_case(None, None, put_scan(tmp_path / "c.nii.gz", 3))
        add(study, there.folder)
        assert [case.patient for case in study.cases()] == ["case-0001", "case-0002", "case-0002", "case-0004"]

    def test_what_changed_there_is_left_out(self, make: Callable[..., Study]) -> None:
        here, there = make("here", 1), make("there", 2)
        there.case("phantom-0001").scan.unlink()
        there.revisions("phantom-0002")[0].path.write_bytes(b"x")
        plan = plan_folder(here, there.folder)
        assert [row.action for row in plan.rows] == ["add", "add", "left out", "left out"]
        assert len(plan.rows[0].masks) == 0
        assert "is missing" in plan.rows[2].reason
        assert plan.rows[3].reason == "no longer the mask that was kept in the other study"
