"""The proof at the end of the demo finds each thing that may be missing, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_lesionseg.demo.proof import prove
from napari_lesionseg.demo.told import Told
from napari_lesionseg.study import Study
from napari_lesionseg.study.database import now
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, take
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask
from tests.study.drafting import GRID, Hand, add_case

WAY = ("in review", "corrected", "approved")


class Reviewed:
    """A study of one case that was reviewed, and what its window told."""

    def __init__(self, folder: Path, *, moves: tuple[str, ...] = WAY, by: str = "anna", time: str = "") -> None:
        self.study, self.told = Study.create(folder), Told()
        add_case(self.study)
        self.study.add_revision("c1", "prediction", Mask.empty(GRID), model="tiny")  # A move of nobody's.
        draft = Drafts(self.study).open_main("c1", "anna")
        lock = take(self.study, draft, "anna")
        assert isinstance(lock, Lock)
        hand = Hand(Mask.empty(GRID).array)
        drawn = [hand.dot(1, 5, 5), hand.dot(2, 6, 6), hand.undo(), hand.redo()]
        lines = [replace(line, time=time or now()) for line in drawn]
        with Journal(self.study, draft, lock.token) as journal:
            journal.append(lines, by)
        self.draft = draft.id
        for line in lines:
            self.told.drawn[draft.id][line.position] = (line.kind, line.tool, line.slice, line.voxels, line.target)
        self.told.saved[draft.id] = len(lines)
        mask = Mask(hand.labels, GRID)
        kept = {"reviewer": "anna", "draft": draft.id, "position": 4}
        self.keep = lambda **other: self.study.add_revision("c1", "correction", mask, **(kept | other))
        self.keep()
        for state in moves:
            Workflow(self.study).move("c1", state, "anna")

    @property
    def faults(self) -> list[str]:
        return prove(self.study.folder, self.told).faults


@pytest.fixture
def reviewed(tmp_path: Path) -> Reviewed:
    return Reviewed(tmp_path / "study")


def test_nothing_is_missing_where_all_was_kept(reviewed: Reviewed) -> None:
    verdict = prove(reviewed.study.folder, reviewed.told)
    assert verdict.faults == []
    wanted = {"cases": 1, "approved": 1, "lines": 4, "acknowledged": 4, "lost": 0, "journal": 4, "audit_complete": True}
    assert verdict.figures == {**wanted, "strokes": 0}


@pytest.mark.parametrize("moves", [(), ("in review",), ("in review", "corrected")])
def test_a_case_that_is_not_approved_is_told(tmp_path: Path, moves: tuple[str, ...]) -> None:
    faults = Reviewed(tmp_path / "study", moves=moves).faults
    assert f"case c1: it is {moves[-1] if moves else 'predicted'}, not approved" in faults


def test_an_acknowledged_line_that_is_not_there_is_lost(reviewed: Reviewed) -> None:
    reviewed.told.drawn[reviewed.draft][5] = ("edit", "brush", 1, 1, None)
    assert reviewed.faults == []  # Drawn, but not called saved.
    reviewed.told.saved[reviewed.draft] = 5
    assert reviewed.faults == [f"line 5 of draft {reviewed.draft} was called saved, and is not in the journal"]


def test_a_line_that_is_not_as_it_was_drawn_is_told(reviewed: Reviewed) -> None:
    reviewed.told.drawn[reviewed.draft][1] = ("edit", "brush", 1, 2, None)
    assert "not ('edit', 'brush', 1, 2, None) as it was drawn" in reviewed.faults[0]


def test_a_draft_nobody_knows_is_lost(reviewed: Reviewed) -> None:
    reviewed.told.drawn["draft-0"][1] = ("edit", "brush", 1, 1, None)
    reviewed.told.saved["draft-0"] = 1
    assert reviewed.faults == ["line 1 of draft draft-0 was called saved, and is not in the journal"]


def test_a_mask_kept_before_the_last_line_is_told(reviewed: Reviewed) -> None:
    reviewed.keep(position=2)
    assert any("was kept at line 2 of 4" in fault for fault in reviewed.faults)


def test_a_kept_mask_that_is_not_what_the_journal_says_is_told(reviewed: Reviewed) -> None:
    other = Mask.empty(GRID)
    other.array[0, 0, 0] = 1
    reviewed.study.add_revision("c1", "correction", other, reviewer="anna", draft=reviewed.draft, position=4)
    assert any("is not what its journal says" in fault for fault in reviewed.faults)


@pytest.mark.parametrize("change", [{"reviewer": ""}, {"draft": None, "position": None}])
def test_a_kept_mask_without_a_name_or_a_draft_is_told(reviewed: Reviewed, change: dict[str, object]) -> None:
    reviewed.keep(**change)
    assert "does not say" in reviewed.faults[0]


def test_a_line_that_nobody_drew_is_told(tmp_path: Path) -> None:
    assert Reviewed(tmp_path / "study", by="").faults == ["case c1: a line of its audit trail does not say who it was"]


@pytest.mark.parametrize("time", ["2020-01-01T00:00:00.000+00:00", "2999-01-01T00:00:00.000+00:00"])
def test_a_line_drawn_before_the_case_was_opened_or_after_it_was_approved_is_told(tmp_path: Path, time: str) -> None:
    assert len(faults := Reviewed(tmp_path / "study", time=time).faults) == 1
    assert "not opened, drawn on, kept and approved in this order" in faults[0]
