"""Every change of the mask is a step that can be undone, redone, and had back from a journal."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import history as history_module
from napari_lesionseg.review.changes import Entry
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Mask, Volume

SHAPE = (5, 4, 3)
GRID = Geometry.from_spacing(SHAPE, (3.0, 1.0, 1.0))


def opened(shape: tuple[int, int, int] = SHAPE) -> Session:
    session = Session()
    session.open_scan(Volume(np.zeros(shape, np.int16), Geometry.from_spacing(shape, (3.0, 1.0, 1.0))))
    return session


class Journal:
    """What a journal keeps: the lines, and from them the mask."""

    def __init__(self, session: Session) -> None:
        self.lines: list[Entry] = []
        session.edited.connect(self.lines.append)

    def replayed(self, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
        mask, edits = np.zeros(shape, np.uint8), {line.position: line for line in self.lines}
        for line in self.lines:
            change = line.change if line.kind == "edit" else edits[line.target].change
            if change is not None:
                (change.revert if line.kind == "undo" else change.apply)(mask)
        return mask

    def fetch(self, position: int) -> Entry:
        return self.lines[position - 1]

    def log(self) -> list[Entry]:
        return [replace(line, change=None) for line in self.lines]


@pytest.fixture
def session() -> Session:
    return opened()


@pytest.fixture
def journal(session: Session) -> Journal:
    return Journal(session)


def array(session: Session) -> np.ndarray:
    assert session.mask is not None
    return session.mask.array


def paint(session: Session, z: int, y: int, x: int, label: int = 1, tool: str = "brush") -> None:
    array(session)[z, y, x] = label
    session.mark_edited([z], tool)


def steps() -> np.ndarray:
    return np.broadcast_to(np.arange(5, dtype=np.uint8)[:, None, None] * 50, SHAPE).copy()


def names(session: Session) -> list[str]:
    return [step.name for step in session.history.steps]


def test_a_stroke_is_one_named_line(session: Session, journal: Journal) -> None:
    array(session)[1, 1:3, 0:2] = 1
    session.mark_edited([1], "polygon")
    (line,) = journal.lines
    assert (line.position, line.kind, line.tool, line.slice, line.voxels) == (1, "edit", "polygon", 1, 4)
    assert line.change is not None
    assert line.change.box == (1, 2, 1, 3, 0, 2)
    assert line.marks.corrected == (1,)
    assert names(session) == ["polygon, slice 1, +4 voxels"]


def test_a_stroke_that_changes_nothing_is_no_line(session: Session, journal: Journal) -> None:
    session.mark_edited([1])
    assert journal.lines == []


def test_an_edit_of_several_slices_is_named_by_the_one_looked_at(session: Session, journal: Journal) -> None:
    array(session)[1:4] = 1
    session.mark_edited([1, 2, 3])
    array(session)[3:5] = 2
    session.mark_edited([3, 4])
    assert [line.slice for line in journal.lines] == [2, 3]


def test_undo_and_redo_are_lines_and_give_back_voxels_and_corrected_slices(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    paint(session, 1, 0, 0, 0)
    assert session.corrected_slices == frozenset()
    assert session.undo()
    assert (int(array(session).sum()), session.corrected_slices) == (1, {1})
    assert session.undo()
    assert (int(array(session).sum()), session.corrected_slices) == (0, frozenset())
    assert not session.undo()
    assert session.redo()
    assert (int(array(session).sum()), session.corrected_slices) == (1, {1})
    assert [(line.kind, line.target, line.voxels) for line in journal.lines] == [
        ("edit", None, 1), ("edit", None, -1), ("undo", 2, 1), ("undo", 1, -1), ("redo", 1, 1),
    ]  # fmt: skip
    np.testing.assert_array_equal(journal.replayed(), array(session))


def test_an_edit_after_an_undo_leaves_nothing_to_redo(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    session.undo()
    paint(session, 2, 0, 0)
    assert not session.redo()
    assert names(session) == ["brush, slice 2, +1 voxels"]
    assert len(journal.lines) == 3


def test_a_prediction_is_a_step_that_moves_the_threshold_back_and_forth(session: Session, journal: Journal) -> None:
    paint(session, 0, 0, 0)
    session.set_prediction(steps(), "tiny", 0.4)
    assert journal.lines[-1].tool == "prediction"
    assert journal.lines[-1].marks.model == "tiny"
    assert journal.lines[-1].marks.threshold == (0.5, 0.4)
    session.undo()
    assert (int(array(session).sum()), session.threshold) == (1, 0.5)
    session.redo()
    assert (int(array(session).sum()), session.threshold) == (25, 0.4)


def test_a_dragged_threshold_is_one_step(session: Session, journal: Journal) -> None:
    session.set_prediction(steps(), "tiny", 0.5)
    for threshold in (0.45, 0.3, 0.2, 0.1):
        session.set_threshold(threshold)
    assert len(journal.lines) == 1
    session.settle()
    assert [line.tool for line in journal.lines] == ["prediction", "threshold"]
    assert journal.lines[-1].voxels == 24
    assert session.undo()
    assert (session.threshold, int(array(session).sum())) == (0.5, 24)


def test_a_threshold_dragged_there_and_back_is_no_step(session: Session, journal: Journal) -> None:
    session.set_prediction(steps(), "tiny", 0.5)
    session.set_threshold(0.1)
    session.set_threshold(0.5)
    session.settle()
    assert len(journal.lines) == 1


def test_a_stroke_after_a_dragged_threshold_is_a_step_of_its_own(session: Session, journal: Journal) -> None:
    session.set_prediction(steps(), "tiny", 0.5)
    session.set_threshold(0.1)
    paint(session, 1, 0, 0, 0, "eraser")
    assert [(line.tool, line.voxels) for line in journal.lines[1:]] == [("threshold", 24), ("eraser", -1)]
    session.undo()
    assert [int(one.sum()) for one in array(session)] == [0, 12, 12, 12, 12]
    session.undo()
    assert [int(one.sum()) for one in array(session)] == [0, 0, 0, 12, 12]
    np.testing.assert_array_equal(journal.replayed(), array(session))


def test_a_loaded_mask_is_a_step(session: Session, journal: Journal) -> None:
    paint(session, 0, 0, 0)
    loaded = Mask.empty(GRID)
    loaded.array[3] = 1
    session.load_mask(loaded)
    assert journal.lines[-1].name == "load mask, slice 2, +11 voxels"
    session.undo()
    assert session.corrected_slices == {0}
    np.testing.assert_array_equal(journal.replayed(), array(session))


def test_what_nobody_told_of_is_found_when_the_session_settles(session: Session, journal: Journal) -> None:
    array(session)[4, 1, 1] = 1
    session.settle()
    assert names(session) == ["other tool, slice 4, +1 voxels"]
    assert session.dirty
    assert session.corrected_slices == {4}


def test_what_nobody_told_of_does_not_hinder_an_undo_and_is_undone_first(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    array(session)[1, 2, 2] = 1
    session.undo()
    assert int(array(session).sum()) == 1
    session.undo()
    assert int(array(session).sum()) == 0
    np.testing.assert_array_equal(journal.replayed(), array(session))


def test_a_moved_threshold_spares_what_nobody_told_of(session: Session, journal: Journal) -> None:
    session.set_prediction(steps(), "tiny", 0.5)
    array(session)[1, 0, 0] = 1
    session.set_threshold(0.7)
    assert [int(one.sum()) for one in array(session)] == [0, 1, 0, 0, 12]


def test_whoever_holds_back_a_stroke_is_asked_before_the_state_changes(session: Session, journal: Journal) -> None:
    def finish() -> None:
        if array(session)[2, 3, 2]:
            session.mark_edited([2], "brush")

    session.settling.connect(finish)
    session.set_prediction(np.zeros(SHAPE, np.uint8), "tiny", 0.5)
    array(session)[2, 3, 2] = 1
    session.set_threshold(0.7)
    assert array(session)[2, 3, 2] == 1
    assert journal.lines[-1].tool == "brush"


def test_a_click_in_the_history_goes_to_that_state(session: Session, journal: Journal) -> None:
    for x in range(3):
        paint(session, 1, 0, x)
    touched: list[Any] = []
    session.mask_changed.connect(touched.append)
    session.go_to(1)
    assert array(session)[1, 0].tolist() == [1, 0, 0]
    assert touched == [(1,)]
    session.go_to(3)
    session.go_to(0)
    assert int(array(session).sum()) == 0
    assert len(journal.lines) == 3 + 2 + 2 + 3
    with pytest.raises(LookupError):
        session.go_to(4)


def test_the_journal_hears_of_an_edit_before_anybody_else(session: Session) -> None:
    heard: list[str] = []
    for name in ("edited", "history_changed", "mask_changed", "dirty_changed"):
        getattr(session, name).connect(lambda *_, name=name: heard.append(name))
    paint(session, 1, 0, 0)
    session.undo()
    assert heard == ["edited", "history_changed", "mask_changed", "dirty_changed"] + heard[:3]


def test_opening_another_scan_journals_what_was_not_a_step_yet(session: Session, journal: Journal) -> None:
    session.set_prediction(steps(), "tiny", 0.5)
    session.set_threshold(0.1)
    array(session)[0, 0, 0] = 1
    session.open_scan(Volume(np.zeros(SHAPE, np.int16), GRID))
    assert [line.tool for line in journal.lines] == ["prediction", "threshold", "other tool"]
    assert session.history.length == 0


def test_a_mask_that_is_only_read_cannot_be_changed(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    session.set_prediction(steps(), "tiny", 0.5)
    session.set_editable(False)
    before = array(session).copy()
    paint(session, 2, 0, 0)
    np.testing.assert_array_equal(array(session), before)
    changes: list[Any] = [session.undo, session.redo, lambda: session.go_to(0), lambda: session.set_threshold(0.1)]
    changes += [lambda: session.load_mask(Mask.empty(GRID)), lambda: session.set_prediction(steps(), "b", 0.1)]
    for change in changes:
        with pytest.raises(LesionsegError, match="reading only"):
            change()
    np.testing.assert_array_equal(array(session), before)
    assert len(journal.lines) == 2
    session.open_scan(Volume(np.zeros(SHAPE, np.int16), GRID))
    assert session.editable


def test_a_restored_session_undoes_what_was_done_before_the_restart(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    session.set_prediction(steps(), "tiny", 0.4)
    paint(session, 3, 0, 0, 0, "eraser")
    session.undo()
    again = opened()
    again.history.set_source(journal.fetch)
    again.restore(Mask(array(session).copy(), GRID), journal.log(), session.corrected_slices)
    assert (again.threshold, again.corrected_slices, again.dirty) == (0.4, {1}, False)
    assert names(again) == names(session)
    again.edited.connect(journal.lines.append)
    again.redo()
    assert array(again)[3, 0, 0] == 0
    for _ in range(3):
        assert again.undo()
    assert (int(array(again).sum()), again.threshold) == (0, 0.5)
    np.testing.assert_array_equal(journal.replayed(), array(again))


def test_a_stroke_made_before_the_journal_came_is_kept_on_top_of_it(session: Session, journal: Journal) -> None:
    paint(session, 1, 0, 0)
    paint(session, 2, 0, 0)
    again = opened()
    paint(again, 2, 3, 2)
    again.history.set_source(journal.fetch)
    lines: list[Entry] = []
    again.edited.connect(lines.append)
    again.restore(Mask(array(session).copy(), GRID), journal.log(), {1, 2})
    assert [int(one.sum()) for one in array(again)] == [0, 1, 1, 0, 0]
    assert array(again)[2, 3, 2] == 1
    assert [line.position for line in lines] == [3]
    again.undo()
    np.testing.assert_array_equal(array(again), array(session))


def test_a_prediction_made_before_the_journal_came_spares_its_corrections(session: Session, journal: Journal) -> None:
    paint(session, 4, 0, 0)
    again = opened()
    again.set_prediction(steps(), "tiny", 0.4)
    again.restore(Mask(array(session).copy(), GRID), journal.log(), {4})
    assert [int(one.sum()) for one in array(again)] == [0, 0, 0, 12, 1]
    assert (again.threshold, again.corrected_slices) == (0.4, {4})


def test_what_is_done_and_undone_while_the_journal_is_closed_is_one_step_on_top(
    session: Session, journal: Journal
) -> None:
    paint(session, 1, 0, 0)
    paint(session, 2, 0, 0)
    mask, log = array(session).copy(), journal.log()
    session.undo()
    paint(session, 4, 0, 0)
    session.history.set_source(None)
    session.restore(Mask(mask, GRID), log, {1, 2})
    assert [int(one.sum()) for one in array(session)] == [0, 1, 0, 0, 1]
    assert session.corrected_slices == {1, 4}
    assert [step.position for step in session.history.steps] == [1, 2, 3]
    session.undo()
    np.testing.assert_array_equal(array(session), mask)
    assert session.corrected_slices == {1, 2}


def test_an_undo_that_the_journal_cannot_give_back_changes_nothing(
    session: Session, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(position: int) -> Entry:
        raise LesionsegError("The journal cannot be read.")

    monkeypatch.setattr(history_module, "IN_MEMORY", 0)
    session.history.set_source(broken)
    paint(session, 1, 0, 0)
    session.history.acknowledge(1)
    with pytest.raises(LesionsegError, match="cannot be read"):
        session.undo()
    assert (int(array(session).sum()), len(journal.lines), session.history.done) == (1, 1, 1)


def do_something(session: Session, rng: np.random.Generator) -> None:
    z = int(rng.integers(5))
    match rng.choice(["paint", "volume", "threshold", "predict", "load", "undo", "redo", "untold"]):
        case "paint":
            array(session)[z, rng.integers(4), rng.integers(3)] = rng.integers(3)
            session.mark_edited([z])
        case "volume":
            array(session)[rng.random(SHAPE) < 0.2] = rng.integers(3)
            session.mark_edited(range(5), "fill")
        case "threshold":
            session.set_threshold(round(float(rng.random()), 2))
        case "predict":
            session.set_prediction(rng.integers(0, 256, SHAPE, dtype=np.uint8), "tiny", 0.5)
        case "load":
            session.load_mask(Mask(rng.integers(0, 2, SHAPE, dtype=np.uint8), GRID))
        case "undo":
            session.undo()
        case "redo":
            session.redo()
        case _:
            array(session)[z, 0, 0] = rng.integers(3)


@pytest.mark.parametrize("seed", range(3))
def test_all_steps_can_be_undone_and_redone_by_whatever_they_were_made(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "IN_MEMORY", 500)
    rng, session = np.random.default_rng(seed), opened()
    journal = Journal(session)
    session.history.set_source(journal.fetch)
    states = {0: hashlib.sha256(array(session)).hexdigest()}
    for _ in range(150):
        do_something(session, rng)
        session.settle()
        session.history.acknowledge(len(journal.lines))
        sha = hashlib.sha256(array(session)).hexdigest()
        assert states.setdefault(session.history.position, sha) == sha
        states = {one: states[one] for one in (0, *(step.position for step in session.history.steps))}
        np.testing.assert_array_equal(journal.replayed(), array(session))
    last, final = session.history.done, array(session).copy()
    corrected = session.corrected_slices
    while session.undo():
        assert hashlib.sha256(array(session)).hexdigest() == states[session.history.position]
    assert not array(session).any()
    session.go_to(session.history.steps[last - 1].position)
    np.testing.assert_array_equal(array(session), final)
    assert session.corrected_slices == corrected


def test_on_a_large_scan_a_stroke_is_marked_and_undone_at_once() -> None:
    session = opened((300, 512, 512))
    marked, undone = [], []
    for number in range(15):
        z = 20 * number
        array(session)[z, 200:230, 100:130] = 1
        marked.append(_seconds(lambda z=z: session.mark_edited([z])))
    for _ in range(15):
        undone.append(_seconds(session.undo))
    assert min(marked) < 0.005  # The quickest of 15: other programs have the processor, too.
    assert min(undone) < 0.050
    assert not array(session).any()


def _seconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
