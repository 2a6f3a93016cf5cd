"""The steps that can be undone and redone, on edits of one voxel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import history as history_module
from napari_lesionseg.review.changes import Change, Entry, Marks
from napari_lesionseg.review.history import History


def edit(position: int, tool: str = "brush", marks: Marks | None = None) -> Entry:
    change = Change((7, 8, 0, 2, 0, 2), b"before %d" % position, b"after %d" % position)
    return Entry(position, "edit", tool, 7, 3, "2026-01-01T00:00:00.000+00:00", change, None, marks or Marks())


def undo(position: int, target: int) -> Entry:
    return Entry(position, "undo", "brush", 7, -3, "2026-01-01T00:00:00.000+00:00", None, target)


def redo(position: int, target: int) -> Entry:
    return replace(undo(position, target), kind="redo", voxels=3)


def filled(*lines: Entry) -> History:
    history = History()
    for line in lines:
        history.add(line)
    return history


def positions(history: History) -> list[int]:
    return [step.position for step in history.steps]


def test_a_step_is_named_by_tool_slice_and_voxels() -> None:
    history = filled(edit(1), edit(2, "fill holes"))
    assert [step.name for step in history.steps] == ["brush, slice 7, +3 voxels", "fill holes, slice 7, +3 voxels"]
    assert (history.done, history.position, history.length) == (2, 2, 2)


def test_an_undo_is_a_line_but_no_step() -> None:
    history = filled(edit(1), edit(2), undo(3, 2))
    assert positions(history) == [1, 2]
    assert (history.done, history.position, history.length) == (1, 1, 3)
    assert history.undoable is not None
    assert history.redoable is not None
    assert (history.undoable.position, history.redoable.position) == (1, 2)


def test_an_edit_after_an_undo_drops_what_was_undone() -> None:
    history = filled(edit(1), edit(2), undo(3, 2), edit(4))
    assert positions(history) == [1, 4]
    assert history.redoable is None
    assert history.index(4) == 2
    with pytest.raises(LookupError):
        history.index(2)


def test_lines_come_in_order_and_undo_only_the_last_step() -> None:
    history = filled(edit(1), edit(2))
    for wrong in (edit(4), edit(2), undo(3, 1), redo(3, 2), undo(3, 3)):
        with pytest.raises(ValueError, match="line"):
            history.add(wrong)
    assert (history.done, history.length, positions(history)) == (2, 2, [1, 2])


def test_a_step_gives_back_its_voxels_and_marks() -> None:
    lines = [edit(1), edit(2, marks=Marks(corrected=(7,), threshold=(0.5, 0.25), model="tiny"))]
    lines.append(replace(edit(3), change=None, marks=Marks(threshold=(0.25, 0.5))))
    history = filled(*lines)
    assert [history.entry(step) for step in history.steps] == lines


def test_voxels_stay_in_memory_until_the_journal_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "IN_MEMORY", 200)
    history, asked = History(), []

    def fetch(position: int) -> Entry:
        asked.append(position)
        return edit(position)

    history.set_source(fetch)
    for position in range(1, 11):
        history.add(edit(position))
    one = history.bytes_in_memory // 10
    assert history.bytes_in_memory > 200
    history.acknowledge(4)
    assert 5 * one < history.bytes_in_memory < 7 * one  # Those of 5 to 10: more than may be, but not acknowledged.
    history.acknowledge(10)
    assert history.bytes_in_memory <= 200
    assert [history.entry(step) for step in history.steps] == [edit(position) for position in range(1, 11)]
    assert 1 in asked
    assert 10 not in asked


def test_without_a_journal_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "IN_MEMORY", 0)
    history = filled(*map(edit, range(1, 11)))
    history.acknowledge(10)
    assert history.entry(history.steps[0]) == edit(1)


def test_abandoned_steps_take_no_memory() -> None:
    history = filled(edit(1))
    kept = history.bytes_in_memory
    history.add(edit(2))
    history.add(undo(3, 2))
    history.add(replace(edit(4), change=None, marks=Marks(corrected=(1,))))
    assert history.bytes_in_memory == kept


def test_a_restored_journal_goes_on_where_it_ended_and_fetches_its_voxels() -> None:
    log = [replace(edit(1), change=None), replace(edit(2), change=None), undo(3, 2), replace(edit(4), change=None)]
    log.append(undo(5, 4))
    history = filled(edit(1, "fill"))
    history.restore(log)
    assert (positions(history), history.done, history.length) == ([1, 4], 1, 5)
    with pytest.raises(LesionsegError, match="open the case again"):
        history.entry(history.steps[0])
    history.set_source(edit)
    assert history.entry(history.steps[0]) == edit(1)
    history.add(redo(6, 4))
    assert history.done == 2
