"""A sound study is proved, and each thing that can be wrong with one is told in a sentence of its own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, take
from napari_lesionseg.study.verify import Verified, verify_study
from napari_lesionseg.volumes import Mask, nifti
from tests.study.drafting import GRID, Hand, a_mask, add_case


@pytest.fixture
def worked(study: Study) -> Study:
    """Two cases; on the first a prediction, a journal with undos and a branch, and masks kept from both."""
    add_case(study, "c1")
    add_case(study, "c2")
    base = study.add_revision("c1", "prediction", a_mask(1), model="m")
    draft, journal = write_to(study, Drafts(study).open_main("c1", "ann"))
    hand = Hand(a_mask(1).array.copy())
    lines = [hand.dot(0, 1, 1, size=3), hand.dot(2, 8, 8, size=9), hand.undo(), hand.redo(), hand.undo(), hand.undo()]
    lines += [hand.redo(), hand.dot(1, 2, 2, size=5)]
    journal.append(lines, "ann")
    keep(study, draft, hand.labels, 8, base.id)
    journal.append([hand.dot(3, 3, 3)], "ann")
    journal.close()
    branch, own = write_to(study, Drafts(study).branch(draft, "bob", 3))
    other = Hand(a_mask(1).array.copy())
    other.dot(0, 1, 1, size=3)
    other.length = 3
    own.append([other.dot(4, 0, 0, size=2)], "bob")
    own.close()
    keep(study, branch, other.labels, 4, base.id)
    return study


def write_to(study: Study, draft: Draft) -> tuple[Draft, Journal]:
    lock = take(study, draft, draft.reviewer)
    assert isinstance(lock, Lock)
    return draft, Journal(study, draft, lock.token)


def keep(study: Study, draft: Draft, labels: np.ndarray, position: int, parent: str) -> None:
    mask = Mask(labels.copy(), GRID)
    study.add_revision("c1", "correction", mask, parent=parent, draft=draft.id, position=position, reviewer="ann")


def problem(study: Study) -> str:
    """The one thing that is wrong."""
    (told,) = verify_study(study).problems
    return told


def tamper(study: Study, statement: str) -> None:
    """Change a row past the triggers that forbid it, as a damaged disk would."""
    connection = sqlite3.connect(study.folder / "study.db")
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in names:
        connection.execute(f"DROP TRIGGER {name}")
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


def test_a_sound_study_is_proved_to_the_last_line(worked: Study) -> None:
    seen: list[tuple[int, int]] = []
    done = verify_study(worked, progress=lambda at, of: seen.append((at, of)))
    assert done == Verified(scans=2, masks=3, drafts=2, lines=13)
    assert done.ok
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_cases_that_were_taken_out_are_proved_as_well(worked: Study) -> None:
    worked.remove_case("c1", "no chest")
    assert verify_study(worked) == Verified(scans=2, masks=3, drafts=2, lines=13)
    worked.case("c1").scan.unlink()
    assert "The scan of case c1 is missing" in problem(worked)


def test_a_scan_that_changed_is_told(worked: Study) -> None:
    scan = worked.case("c2").scan
    scan.write_bytes(scan.read_bytes() + b"\0")
    assert "The scan of case c2 is no longer the file that was added" in problem(worked)


def test_a_scan_on_another_grid_than_noted_is_told(worked: Study) -> None:
    tamper(worked, "UPDATE cases SET affine = replace(affine, '2.5', '3.5') WHERE id = 'c2'")
    assert "The scan of case c2 lies on another grid than the study notes" in problem(worked)


def test_a_mask_that_is_missing_or_changed_is_told(worked: Study) -> None:
    (first, *_, last) = worked.revisions("c1")
    nifti.write_mask(last.path, a_mask(5))
    assert problem(worked) == (
        f"The mask {last.id} of case c1 is no longer the file that was kept; restore {last.path}."
    )
    last.path.unlink()
    assert problem(worked) == f"The mask {last.id} of case c1 is missing; restore {last.path}."
    assert first.path.exists()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE entries SET voxels = 0, before = after WHERE position = 2", "Line 2 of draft .* does not fit"),
        ("UPDATE entries SET target = 1 WHERE position = 3", "Line 3 of draft .* changes line 1 out of turn"),
        ("UPDATE entries SET after = x'00' WHERE position = 8", "Line 8 of draft"),
        ("UPDATE revisions SET position = 7 WHERE position = 8", "is not what its journal makes up to line 7"),
    ],
)
def test_a_journal_that_was_changed_is_told(worked: Study, statement: str, sentence: str) -> None:
    tamper(worked, statement)
    done = verify_study(worked)
    assert any(re.search(sentence, told) for told in done.problems), done.problems


def test_a_ledger_that_was_changed_is_told(worked: Study) -> None:
    tamper(worked, "UPDATE patients SET split = 'test' WHERE id = 'patient-c1'")
    assert "was changed at patient patient-c1" in problem(worked)


def test_a_mask_that_no_row_names_is_told_and_the_rest_of_a_save_is_noted(worked: Study) -> None:
    masks = worked.folder / "masks" / "c1"
    (masks / ".0123abcd.correction-1.nii.gz").write_bytes(b"x")
    done = verify_study(worked)
    assert done.ok
    rest = "masks/c1/.0123abcd.correction-1.nii.gz is the rest of a save that was interrupted; it may be deleted."
    assert done.notes == [rest]
    (masks / "correction-1.nii.gz").write_bytes(b"x")
    assert "masks/c1/correction-1.nii.gz belongs to no case" in problem(worked)


def test_everything_that_is_wrong_is_told_at_once(worked: Study) -> None:
    worked.case("c2").scan.unlink()
    worked.revisions("c1")[0].path.unlink()
    told = verify_study(worked).problems
    assert len(told) == 4  # The scan, the prediction, and both drafts that began with it.


def test_a_copied_scan_that_no_case_has_is_told(study: Study, make_scan: Callable[..., Path]) -> None:
    study.add_case("c1", "p1", make_scan("a.nii.gz"), copy=True)
    assert verify_study(study).ok
    (study.folder / "scans" / "other.nii.gz").write_bytes(b"x")
    assert "scans/other.nii.gz belongs to no case" in problem(study)
