"""Edits of a session reach a real journal and come back from it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QMessageBox

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Geometry, Volume, nifti
from napari_lesionseg.widgets.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.review.changes import Entry
    from napari_lesionseg.study.writing import Listener

GRID = Geometry.from_spacing((4, 10, 10), (2.0, 1.0, 1.0))


def scan() -> Volume:
    return Volume(np.full((4, 10, 10), -1000, np.int16), GRID)


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    """A study of two cases."""
    from napari_lesionseg.study import Study

    study = Study.create(tmp_path / "study")
    for number in (1, 2):
        path = tmp_path / f"scan{number}.nii.gz"
        nifti.write_scan(path, Volume(np.full((4, 10, 10), -1000 + number, np.int16), GRID))
        study.add_case(f"case-{number}", f"patient-{number}", path)
    return tmp_path / "study"


@pytest.fixture
def desk(qtbot: QtBot, study_folder: Path) -> Iterator[Callable[[], Desk]]:
    made: list[Desk] = []

    def make() -> Desk:
        made.append(Desk(qtbot, study_folder))
        return made[-1]

    yield make
    for one in made:
        one.recorder.close()


class Desk:
    """A session with its recorder."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.session = Session()
        self.recorder = Recorder(self.session)
        self.qtbot, self.folder = qtbot, folder

    def open(self, case: str = "case-1", mode: Any = "edit", reviewer: str = "ann") -> None:
        self.recorder.open_case(self.folder, case, reviewer, mode=mode)
        self.session.open_scan(scan())
        self.recorder.attach()
        self.qtbot.waitUntil(lambda: self.recorder.draft is not None, timeout=20000)

    def paint(self, z: int, y: int, x: int, label: int = 1) -> None:
        self.array[z, y, x] = label
        self.session.mark_edited([z])

    @property
    def array(self) -> np.ndarray:
        assert self.session.mask is not None
        return self.session.mask.array

    def journaled(self, case: str = "case-1") -> list[Entry]:
        from napari_lesionseg.study import Study
        from napari_lesionseg.study.drafts import Drafts
        from napari_lesionseg.study.journal import Journal

        study = Study.open(self.folder)
        with Journal(study, Drafts(study).of(case)[0]) as journal:
            return journal.entries()


Make = "Callable[[], Desk]"


def test_a_stroke_is_on_the_disk_a_moment_later_and_the_line_says_when(desk: Make, qtbot: QtBot) -> None:
    one, states = desk(), []
    one.open()
    one.recorder.state_changed.connect(lambda state: states.append(state.kind))
    one.paint(1, 2, 3)
    qtbot.waitUntil(lambda: one.recorder.state.text.startswith("saved "), timeout=5000)
    assert [(line.position, line.tool, line.voxels) for line in one.journaled()] == [(1, "brush", 1)]
    assert set(states) == {"saved"}


def test_a_stroke_is_saved_and_the_line_says_so_while_a_dialog_waits(desk: Make, when_asked: Any) -> None:
    one = desk()
    one.open()
    one.recorder.state_changed.connect(lambda state: seen.append((state.text[:6], box.isVisible())))
    seen: list[tuple[str, bool]] = []
    box = QMessageBox(QMessageBox.Icon.NoIcon, "A question", "And now?", QMessageBox.StandardButton.Ok)
    one.qtbot.addWidget(box)

    def paint_and_answer(_: Any) -> None:
        one.paint(1, 2, 3)
        one.qtbot.waitUntil(lambda: bool(seen), timeout=20000)
        box.accept()

    when_asked(paint_and_answer)
    box.exec()
    assert seen == [("saved ", True)]
    assert [line.voxels for line in one.journaled()] == [1]


def test_steps_are_undone_after_a_restart_and_a_change_of_case(desk: Make) -> None:
    one = desk()
    one.open()
    for x in range(3):
        one.paint(1, 2, x)
    one.session.undo()
    one.open("case-2")
    assert not one.array.any()
    assert one.session.history.length == 0
    one.paint(0, 0, 0)
    one.open("case-1")
    assert one.array[1, 2].tolist() == [1, 1] + [0] * 8
    one.recorder.close()
    again = desk()
    again.open()
    assert [(step.name, step.position) for step in again.session.history.steps] == [
        ("brush, slice 1, +1 voxels", position) for position in (1, 2, 3)
    ]
    assert again.session.redo()
    assert again.array[1, 2, :3].all()
    while again.session.undo():
        pass
    assert not again.array.any()
    assert again.recorder.flush()
    kinds = [line.kind for line in again.journaled()]
    assert kinds == ["edit"] * 3 + ["undo", "redo"] + ["undo"] * 3


def test_what_is_painted_before_the_journal_is_read_is_kept_on_top(desk: Make, qtbot: QtBot) -> None:
    one = desk()
    one.open()
    one.paint(1, 2, 3)
    one.recorder.close()
    again = desk()
    again.session.open_scan(scan())
    again.recorder.open_case(again.folder, "case-1", "ann")
    again.recorder.attach()
    again.paint(2, 5, 5)
    qtbot.waitUntil(lambda: again.recorder.draft is not None, timeout=20000)
    assert [int(each.sum()) for each in again.array] == [0, 1, 1, 0]
    assert again.recorder.flush()
    assert [(line.position, line.voxels) for line in again.journaled()] == [(1, 1), (2, 1)]


def test_the_next_case_may_be_opened_ahead_and_waits_for_its_scan(desk: Make, qtbot: QtBot) -> None:
    one, opened = desk(), []
    one.open()
    one.recorder.opened.connect(lambda restored, draft: opened.append(draft.case))
    one.paint(1, 2, 3)
    one.recorder.open_case(one.folder, "case-2", "ann")
    qtbot.waitUntil(lambda: opened == ["case-2"], timeout=20000)
    one.paint(1, 2, 4)  # Still the first case's.
    one.session.open_scan(scan())
    one.recorder.attach()
    assert one.recorder.draft.case == "case-2"  # At once: its journal had been read.
    one.paint(3, 3, 3)
    assert one.recorder.flush()
    assert [line.voxels for line in one.journaled("case-1")] == [1, 1]
    assert [line.slice for line in one.journaled("case-2")] == [3]


def test_a_second_opener_is_told_and_cannot_paint_but_may_branch(desk: Make, qtbot: QtBot) -> None:
    one, other, told = desk(), desk(), []
    one.open()
    one.paint(1, 2, 3)
    assert one.recorder.flush()
    other.recorder.locked.connect(told.append)
    other.session.open_scan(scan())
    other.recorder.open_case(other.folder, "case-1", "bob")
    other.recorder.attach()
    qtbot.waitUntil(lambda: bool(told), timeout=20000)
    assert told[0].reviewer == "ann"
    assert not other.session.editable
    other.open(mode="branch", reviewer="bob")
    assert other.session.editable
    assert other.array[1, 2, 3] == 1
    other.paint(1, 2, 4)
    assert other.recorder.flush()
    assert (other.recorder.draft.purpose, other.recorder.position) == ("branch", 2)
    assert len(one.journaled()) == 1


def test_a_case_that_is_opened_once_more_is_not_locked_by_oneself(desk: Make) -> None:
    one, told = desk(), []
    one.recorder.locked.connect(told.append)
    one.open()
    one.paint(1, 2, 3)
    one.open()
    assert one.array[1, 2, 3] == 1
    one.recorder.close()  # As when the panel is closed, and opened again.
    one.recorder.resume()
    one.qtbot.waitUntil(lambda: one.recorder.is_open, timeout=20000)
    one.open()
    assert (told, one.session.editable, one.session.history.length) == ([], True, 1)


def test_a_case_that_is_read_cannot_be_painted_on(desk: Make) -> None:
    one, reader = desk(), desk()
    one.open()
    one.paint(1, 2, 3)
    assert one.recorder.flush()
    reader.open(mode="read", reviewer="bob")
    reader.paint(1, 2, 4)
    assert reader.array[1].sum() == 1
    assert reader.recorder.state.kind == "reading"
    assert reader.recorder.flush()


def test_a_resting_threshold_is_a_step(desk: Make, qtbot: QtBot) -> None:
    one = desk()
    one.open()
    one.session.set_prediction(np.full((4, 10, 10), 128, np.uint8), "tiny", 0.4)
    for threshold in (0.5, 0.6, 0.7):
        one.session.set_threshold(threshold)
    qtbot.waitUntil(lambda: one.session.history.length == 2, timeout=5000)
    assert one.session.history.steps[-1].name == "threshold, slice 2, -400 voxels"


def test_time_on_a_slice_is_kept_and_counted_on_after_a_restart(desk: Make, qtbot: QtBot) -> None:
    from napari_lesionseg.study import Study
    from napari_lesionseg.study.drafts import Drafts
    from napari_lesionseg.study.looks import seconds_per_slice

    one = desk()
    one.open()
    one.session.set_slice(3)
    time.sleep(0.3)
    one.session.set_slice(0)
    shown = one.recorder.looks.seconds[3]
    assert 0.3 <= shown < 5
    one.recorder.close()
    study = Study.open(one.folder)
    kept = seconds_per_slice(study, Drafts(study).of("case-1")[0])
    assert kept[3] == pytest.approx(shown)
    again = desk()
    again.open()
    qtbot.waitUntil(lambda: again.recorder.looks.seconds[3] >= shown, timeout=10000)


def test_a_scan_without_a_study_is_journaled_to_the_desk(desk: Make, qtbot: QtBot) -> None:
    def open_loose(one: Desk) -> None:
        one.session.open_scan(scan())
        one.recorder.open_desk(one.session.scan, "ann")
        one.recorder.attach()
        qtbot.waitUntil(lambda: one.recorder.is_open, timeout=20000)

    one, again, saved = desk(), desk(), []
    one.recorder.saved.connect(lambda position, _: saved.append(position))
    open_loose(one)
    one.paint(1, 2, 3)
    qtbot.waitUntil(lambda: saved == [1], timeout=5000)
    one.recorder.close()
    open_loose(again)
    assert again.array[1, 2, 3] == 1
    assert again.session.undo()
    assert not again.array.any()


def test_a_closed_panel_that_is_opened_again_goes_on_journaling(desk: Make, qtbot: QtBot) -> None:
    one = desk()
    one.open()
    one.paint(1, 2, 3)
    one.recorder.open_case(one.folder, "case-2", "ann")  # Read ahead, and not wanted any more.
    assert one.recorder.close()
    one.paint(1, 2, 4)  # The layers are still there.
    assert not one.recorder.is_open
    one.recorder.resume()
    qtbot.waitUntil(lambda: one.recorder.is_open, timeout=20000)
    assert one.recorder.flush()
    assert [line.voxels for line in one.journaled()] == [1, 1]
    one.recorder.close()
    one.session.open_scan(scan())
    one.recorder.resume()  # Another scan: its journal is another.
    assert one.recorder.state.kind == "none"


class FakeWriter:
    """A writer whose disk is told what to do."""

    waiting_seconds = 0.0

    def __init__(self, listener: Listener) -> None:
        self.listener, self.lines, self.refuses = listener, [], False

    def start(self) -> None:
        from napari_lesionseg.study.replay import Restored
        from napari_lesionseg.volumes import Mask

        self.listener.opened(Restored(Mask.empty(GRID), (), frozenset()), None)

    def put(self, entry: Entry) -> None:
        if self.refuses:
            raise LesionsegError("The journal of this case is closed; open the case again.")
        self.lines.append(entry)

    def looked(self, z: int, seconds: float) -> None:
        pass

    def fetch(self, position: int) -> Entry:
        return self.lines[position - 1]

    def flush(self, timeout: float) -> bool:
        return not self.waiting_seconds

    def close(self, timeout: float) -> bool:
        return not self.waiting_seconds


@pytest.fixture
def faulty(desk: Make) -> tuple[Desk, FakeWriter]:
    one, writers = desk(), []
    one.session.open_scan(scan())
    one.recorder.open_with(lambda listener: writers.append(FakeWriter(listener)) or writers[0])
    one.recorder.attach()
    return one, writers[0]


def test_amber_after_two_seconds_red_on_a_failure_green_when_the_disk_is_back(
    faulty: tuple[Desk, FakeWriter], qtbot: QtBot
) -> None:
    (one, writer), said = faulty, []
    one.recorder.failed.connect(said.append)
    one.paint(1, 2, 3)
    writer.waiting_seconds = 2.5
    qtbot.waitUntil(lambda: one.recorder.state.kind == "late", timeout=3000)
    writer.listener.failed("The disk is full.")
    assert (one.recorder.state.kind, said) == ("failed", ["The disk is full."])
    assert "The disk is full." in one.recorder.state.text
    one.paint(1, 2, 4)  # Painting goes on.
    assert not one.recorder.flush()
    writer.waiting_seconds = 0.0
    writer.listener.saved(2, "2026-01-01T12:00:00.000+00:00")
    assert one.recorder.state.kind == "saved"
    assert len(writer.lines) == 2


def test_a_line_that_cannot_be_taken_is_told_and_the_stroke_stays(faulty: tuple[Desk, FakeWriter]) -> None:
    one, writer = faulty
    writer.refuses = True
    one.paint(1, 2, 3)
    assert one.recorder.state.kind == "failed"
    assert one.array[1, 2, 3] == 1
    assert one.session.undo()


def test_acknowledged_steps_are_fetched_from_the_journal(
    faulty: tuple[Desk, FakeWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_lesionseg.review import history

    one, writer = faulty
    monkeypatch.setattr(history, "IN_MEMORY", 0)
    one.paint(1, 2, 3)
    one.paint(1, 2, 4)
    assert one.session.history.bytes_in_memory > 0
    writer.listener.saved(2, "2026-01-01T12:00:00.000+00:00")
    assert one.session.history.bytes_in_memory == 0
    writer.lines[1] = replace(writer.lines[1], tool="from the disk")
    one.session.undo()
    assert writer.lines[-1].tool == "from the disk"
    assert one.array.sum() == 1
