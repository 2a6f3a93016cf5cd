from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.files import sha256_of
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask

MakeScan = Callable[..., Path]
MakeMask = Callable[..., Mask]


@pytest.fixture
def two(study: Study, make_scan: MakeScan) -> Study:
    for number in (1, 2):
        study.add_case(f"c{number}", f"p{number}", make_scan(f"{number}.nii", number), copy=number == 1)
    return study


def test_a_removed_case_leaves_the_list_and_nothing_else(two: Study, make_mask: MakeMask) -> None:
    mask = two.add_revision("c1", "truth", make_mask(2))
    split, ledger = two.split(), two.ledger()
    two.remove_case("C1", "scanned twice", reviewer="ann")
    assert [case.id for case in two.cases()] == ["c2"]
    (gone,) = two.cases(removed=True)
    assert (gone.id, gone.removed is not None) == ("c1", True)
    two.check_scan(gone)
    assert two.revisions("c1") == [mask] and mask.path.is_file()
    assert (two.split(), two.ledger()) == (split, ledger)
    (comment,) = Workflow(two).comments("c1")
    assert (comment.text, comment.reviewer) == ("Removed from the study: scanned twice", "ann")


def test_a_case_comes_back_as_it_was(two: Study) -> None:
    before = two.case("c1")
    two.remove_case("c1", "a mistake")
    two.restore_case("c1")
    assert two.cases()[0] == before
    assert two.cases(removed=True) == []


def test_removing_twice_without_a_reason_or_restoring_what_is_there_is_refused(two: Study) -> None:
    with pytest.raises(LesionsegError, match="Case c1 cannot be removed without a reason"):
        two.remove_case("c1", " ")
    with pytest.raises(LesionsegError, match="Case c1 is in the study"):
        two.restore_case("c1")
    two.remove_case("c1", "no chest")
    with pytest.raises(LesionsegError, match="Case c1 has been removed already"):
        two.remove_case("c1", "no chest")


def test_a_scan_that_comes_back_as_another_case_follows_its_patient(two: Study, make_scan: MakeScan) -> None:
    split = two.case("c2").split
    two.remove_case("c2", "exported again")
    assert two.add_case("c3", "p2", make_scan("2.nii", 2)).split == split
    with pytest.raises(LesionsegError, match=r"is the scan of case c2 \(patient p2\) already"):
        two.add_case("c4", "p4", make_scan("2.nii", 2))  # Not by a detour over a removed case either.


def test_a_renamed_case_keeps_its_masks_and_its_scan(two: Study, make_mask: MakeMask) -> None:
    mask = two.add_revision("c1", "truth", make_mask(2))
    two.rename_case("c1", "first")
    assert [case.id for case in two.cases()] == ["first", "c2"]
    two.check_scan(two.case("first"))
    (kept,) = two.revisions("first")
    assert (kept.case, kept.path, kept.sha256) == ("first", mask.path, sha256_of(mask.path))
    assert [comment.text for comment in Workflow(two).comments("first")] == ["Renamed from c1."]
    with pytest.raises(LesionsegError, match="has no case 'c1'"):
        two.case("c1")


def test_the_name_that_became_free_overwrites_no_file(two: Study, make_scan: MakeScan) -> None:
    two.rename_case("c1", "first")
    new = two.add_case("c1", "p3", make_scan("three.nii", 3), copy=True)
    assert new.scan.name == "c1-2.nii.gz"
    for case in two.cases():
        two.check_scan(case)


@pytest.mark.parametrize(("new", "sentence"), [("C2", "has a case c2 already"), ("../c", "cannot name a case")])
def test_a_bad_or_taken_name_is_refused(two: Study, new: str, sentence: str) -> None:
    with pytest.raises(LesionsegError, match=sentence):
        two.rename_case("c1", new)
    assert two.case("c1").id == "c1"


def test_a_case_may_be_spelled_in_another_way(two: Study) -> None:
    two.rename_case("c1", "C1")
    assert two.cases()[0].id == "C1"


def test_a_scan_that_was_moved_is_linked_again_and_another_file_is_not(two: Study, make_scan: MakeScan) -> None:
    case = two.case("c2")
    elsewhere = case.scan.with_name("moved.nii")
    shutil.move(case.scan, elsewhere)
    with pytest.raises(LesionsegError, match="The scan of case c2 is missing"):
        two.check_scan(case)
    with pytest.raises(LesionsegError, match="is not the scan of case c2"):
        two.relink_case("c2", make_scan("other.nii", 7))
    with pytest.raises(LesionsegError, match="is not a file"):
        two.relink_case("c2", elsewhere.with_name("nowhere.nii"))
    two.relink_case("c2", elsewhere)
    assert two.case("c2").scan == elsewhere
    two.check_scan(two.case("c2"))


def test_a_mask_tells_the_case_how_large_the_lesions_are_and_who_drew_them(two: Study, make_mask: MakeMask) -> None:
    voxel_ml = 2.5 * 0.8 * 0.7 / 1000

    def facts() -> tuple[object, ...]:
        with two._session() as session:
            from napari_lesionseg.study.rows import find_case

            row = find_case(session, "c1")
            return (row.state, None if row.lesion_ml is None else round(row.lesion_ml / voxel_ml, 4), row.reviewer)

    assert facts() == ("unlabelled", None, "")
    two.add_revision("c1", "truth", make_mask(9))
    assert facts() == ("unlabelled", 9, "")
    two.add_revision("c1", "prediction", make_mask(5), uncertainty=0.25)
    assert facts() == ("predicted", 5, "")
    two.add_revision("c1", "correction", make_mask(7), reviewer="ann")
    assert facts() == ("predicted", 7, "ann")
    for role in ("prediction", "truth", "pseudo", "reading"):
        two.add_revision("c1", role, make_mask(1))
    assert facts() == ("predicted", 7, "ann")
    (move,) = Workflow(two).moves("c1")
    assert (move.before, move.after) == ("unlabelled", "predicted")


def test_a_mask_names_its_draft_and_its_sources_and_only_such_as_there_are(two: Study, make_mask: MakeMask) -> None:
    from napari_lesionseg.study.drafts import Drafts

    draft = Drafts(two).open_main("c1", "ann")
    source = two.add_revision("c1", "reading", make_mask(1)).id
    kept = two.add_revision("c1", "correction", make_mask(2), draft=draft.id, position=0, sources=[source])
    assert (kept.draft, kept.position, kept.sources) == (draft.id, 0, (source,))
    assert two.revisions("c1")[-1] == kept
    for wrong, sentence in (
        ({"draft": "draft-x"}, "Case c1 has no draft 'draft-x'"),
        ({"draft": draft.id, "position": 1}, "has 0 lines; name one of them, not 1"),
        ({"position": 1}, "names line 1 of no draft"),
        ({"sources": ["truth-x"]}, "Case c1 has no revision 'truth-x' to be a source"),
    ):
        with pytest.raises(LesionsegError, match=sentence):
            two.add_revision("c1", "correction", make_mask(3), **wrong)
    other = Drafts(two).open_main("c2", "ann")
    with pytest.raises(LesionsegError, match="Case c1 has no draft"):
        two.add_revision("c1", "correction", make_mask(3), draft=other.id)
    assert len(list((two.folder / "masks" / "c1").iterdir())) == 2  # Refused before anything is written
