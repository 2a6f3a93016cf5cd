from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.review.lesion_table import lesion_table
from napari_lesionseg.study import Study
from napari_lesionseg.study.audit import (
    audit_rows,
    looked_at,
    seconds_per_lesion,
    seconds_per_slice,
    write_audit_csv,
)
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, Superseded, take
from napari_lesionseg.study.looks import add_looks
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.tables import read_csv
from tests.study.drafting import GRID, Hand, a_mask, add_case


@pytest.fixture
def case(study: Study) -> Study:
    add_case(study)
    return study


def drawn(study: Study, draft: Draft, reviewer: str) -> Journal:
    """Three lines in a draft: a dot of four voxels, its undo and its redo."""
    lock = take(study, draft, reviewer)
    assert isinstance(lock, Lock)
    journal = Journal(study, draft, lock.token)
    hand = Hand(journal.restore().mask.array)
    journal.append([hand.dot(2, 3, 3, size=2), hand.undo(), hand.redo()], reviewer)
    journal.close()
    return journal


def test_the_trail_tells_every_edit_mask_move_and_comment_with_who_and_when(case: Study) -> None:
    workflow = Workflow(case)
    case.add_revision("c1", "prediction", a_mask(1), model="dual")
    drawn(case, Drafts(case).open_main("c1", "ann", None), "ann")
    workflow.move("c1", "in review", "ann")
    workflow.comment("c1", "what is this?", "bob", voxel=(1, 2, 3))
    case.add_revision("c1", "correction", a_mask(2), reviewer="ann")
    workflow.move("c1", "skipped", "bob", reason="motion")
    found = audit_rows(case, "c1")
    assert [row.time for row in found] == sorted(row.time for row in found)
    lines = [row for row in found if row.draft]
    assert [(row.what, row.position, row.target, row.tool, row.slice, row.voxels) for row in lines] == [
        ("edit", 1, None, "brush", 2, lines[0].voxels),
        ("undo", 2, 1, "brush", 2, -lines[0].voxels),
        ("redo", 3, 1, "brush", 2, lines[0].voxels),
    ]
    assert {row.reviewer for row in lines} == {"ann"}
    told = [(row.reviewer, row.what, row.text) for row in found if not row.draft]
    assert ("bob", "comment", "what is this? (voxel 1, 2, 3)") in told
    assert ("bob", "move", "in review to skipped: motion") in told
    assert [(reviewer, text.split()[0]) for reviewer, what, text in told if what == "mask"] == [
        ("", "prediction"),
        ("ann", "correction"),
    ]
    assert any(text.endswith(" by dual") for _, _, text in told)


def test_the_trail_as_a_table_runs_nothing_in_a_spreadsheet(case: Study, tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://example.org")'
    Workflow(case).comment("c1", evil, "@SUM(1)")
    drawn(case, Drafts(case).open_main("c1", "+ann"), "+ann")
    write_audit_csv(tmp_path / "audit.csv", case, "c1")
    header, *table = read_csv(tmp_path / "audit.csv")
    assert header[:4] == ["time", "reviewer", "what", "draft"]
    assert len(table) == 4
    assert {row[1] for row in table} == {"@SUM(1)", "+ann"}
    text = (tmp_path / "audit.csv").read_text(encoding="utf-8")
    assert not any(cell.startswith(("=", "@", "+")) for line in text.splitlines() for cell in line.split(","))
    assert ["edit", "1", "", "brush", "2", "4"] in [[row[2], *row[4:9]] for row in table]


def test_what_is_drawn_in_a_blind_reading_is_not_told_before_both_are_finished(case: Study) -> None:
    reading = Drafts(case).start_reading("c1", "ann")
    drawn(case, reading, "ann")
    found = audit_rows(case, "c1")
    assert [(row.what, row.draft, row.position, row.slice, row.voxels) for row in found] == [
        ("edit", reading.id, position, None, None) for position in (1, 2, 3)
    ]
    assert {row.text for row in found} == {"shown when both readings are finished"}


def look(study: Study, lock: Lock, seconds: dict[int, float]) -> None:
    with study._session(write=True) as session:
        add_looks(session.connection(), lock, seconds)


@pytest.fixture
def lock(case: Study) -> Lock:
    lock = take(case, Drafts(case).open_main("c1", "ann"), "ann")
    assert isinstance(lock, Lock)
    return lock


def test_a_slice_was_looked_at_if_half_a_second_was_spent_on_it(case: Study, lock: Lock) -> None:
    draft = Drafts(case).open_main("c1", "ann")
    look(case, lock, {1: 0.3, 2: 0.4, 5: 7.0})
    look(case, lock, {1: 0.25})
    assert seconds_per_slice(case, draft) == pytest.approx({1: 0.55, 2: 0.4, 5: 7.0})
    assert looked_at(case, draft) == {1, 5}
    with pytest.raises(Superseded):
        look(case, Lock(lock.draft, "another"), {1: 1.0})


def test_time_on_a_slice_is_shared_among_its_lesions(case: Study, lock: Lock) -> None:
    draft = Drafts(case).open_main("c1", "ann")
    labels = np.zeros(GRID.display_shape, np.uint8)
    labels[1:3, 2, 2] = 1  # The first lesion: slices 1 and 2.
    labels[2, 10, 10] = 1  # The second: slice 2.
    labels[4, 15, 15] = 1  # The third was never seen.
    look(case, lock, {0: 9.0, 1: 4.0, 2: 6.0})
    assert seconds_per_lesion(case, draft, Mask(labels, GRID)) == {1: 7.0, 2: 3.0, 3: 0.0}


def test_lesions_are_numbered_as_in_the_lesion_table_also_where_two_labels_touch(case: Study, lock: Lock) -> None:
    draft = Drafts(case).open_main("c1", "ann")
    labels = np.zeros(GRID.display_shape, np.uint8)
    labels[1, 2, 2:4] = 1
    labels[2, 2, 2:8] = 2  # Touches the one before, and is larger.
    mask = Mask(labels, GRID)
    look(case, lock, {1: 4.0, 2: 6.0})
    assert [row.slices for row in lesion_table(mask)] == [(3, 3), (2, 2)]  # Slices there count from 1.
    assert seconds_per_lesion(case, draft, mask) == {1: 6.0, 2: 4.0}
    assert seconds_per_lesion(case, draft, Mask.empty(GRID)) == {}
