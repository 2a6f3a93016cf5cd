"""The history on the screen: named steps, a click that goes to one, and what was really looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_lesionseg.review.changes import Change, Entry
from napari_lesionseg.review.history import History
from napari_lesionseg.widgets.history_panel import HistoryPanel, words_of_time
from napari_lesionseg.widgets.look_strip import CORRECTED, LOOKED, PASSED, LookStrip, share_of_bar
from napari_lesionseg.widgets.step_list import StepList

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

TIME = "2026-01-01T12:00:00.000+00:00"


@dataclass
class Told:
    """A history that is fed line by line."""

    history: History

    def edit(self, tool: str = "brush") -> None:
        change = Change((7, 8, 0, 1, 0, 1), b"", b"")
        self.history.add(Entry(self.history.length + 1, "edit", tool, 7, 3, TIME, change))

    def undo(self) -> None:
        step = self.history.undoable
        assert step is not None
        self.history.add(Entry(self.history.length + 1, "undo", "brush", 7, -3, TIME, None, step.position))


@pytest.fixture
def told() -> Told:
    return Told(History())


def rows(steps: StepList) -> list[str]:
    return [steps.data(steps.index(row)) for row in range(steps.rowCount())]


def bold(steps: StepList) -> list[int]:
    fonts = [steps.data(steps.index(row), Qt.ItemDataRole.FontRole) for row in range(steps.rowCount())]
    return [row for row, font in enumerate(fonts) if font is not None and font.bold()]


def grey(steps: StepList) -> list[int]:
    colours = [steps.data(steps.index(row), Qt.ItemDataRole.ForegroundRole) for row in range(steps.rowCount())]
    return [row for row, colour in enumerate(colours) if colour is not None]


def test_the_rows_are_the_start_and_the_steps_with_the_state_shown_bold_and_the_undone_grey(told: Told) -> None:
    steps = StepList()
    steps.follow(told.history)
    assert rows(steps) == ["as it was opened"]
    for tool in ("brush", "fill holes", "eraser"):
        told.edit(tool)
    told.undo()
    steps.follow(told.history)
    assert rows(steps)[1:] == [f"{tool}, slice 7, +3 voxels" for tool in ("brush", "fill holes", "eraser")]
    assert (bold(steps), grey(steps)) == ([2], [3])
    assert [steps.position(row) for row in range(4)] == [0, 1, 2, 3]
    assert "brush" in steps.data(steps.index(1), Qt.ItemDataRole.ToolTipRole)


def test_an_edit_after_an_undo_takes_the_place_of_what_was_undone(told: Told) -> None:
    steps, changes = StepList(), []
    for _ in range(3):
        told.edit()
    steps.follow(told.history)
    steps.rowsRemoved.connect(lambda _, first, last: changes.append(("removed", first, last)))
    steps.rowsInserted.connect(lambda _, first, last: changes.append(("inserted", first, last)))
    told.undo()
    told.undo()
    told.edit("polygon")
    steps.follow(told.history)
    assert changes == [("removed", 2, 3), ("inserted", 2, 2)]
    assert rows(steps)[1:] == ["brush, slice 7, +3 voxels", "polygon, slice 7, +3 voxels"]
    assert steps.position(2) == 6
    steps.follow(History())
    assert rows(steps) == ["as it was opened"]


def test_a_click_asks_for_the_state_after_that_step(qtbot: QtBot, told: Told) -> None:
    panel = HistoryPanel()
    qtbot.addWidget(panel)
    panel.show()
    told.edit()
    told.edit()
    panel.show_history(told.history)
    assert panel.list.currentIndex().row() == 2
    for row, position in ((1, 1), (0, 0)):
        place = panel.list.visualRect(panel.steps.index(row)).center()
        with qtbot.waitSignal(panel.step_requested, timeout=1000) as asked:
            qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert asked.args == [position]
    assert panel.count.text() == "2 steps"
    told.undo()
    panel.show_history(told.history)
    assert panel.count.text() == "1 step, 1 undone"


def test_what_was_looked_at_is_told_in_words(qtbot: QtBot) -> None:
    panel = HistoryPanel()
    qtbot.addWidget(panel)
    assert panel.time.isHidden()
    panel.show_looks({3: 70.0, 4: 0.4, 5: 0.5}, frozenset(), 10, 3)
    assert panel.time.text() == "2 of 10 slices looked at, 1 min 10 s; this one 1 min 10 s"
    assert "Slice 3: 70.0 s" in panel.strip.toolTip()


@pytest.mark.parametrize(("seconds", "words"), [(0.9, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (7325, "2 h 2 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert words_of_time(seconds) == words


def test_the_strip_draws_looked_passed_and_corrected_slices(qtbot: QtBot) -> None:
    strip = LookStrip()
    qtbot.addWidget(strip)
    strip.resize(100, 32)
    strip.show_looks({1: 30.0, 3: 0.1}, frozenset({5}), 10, 9)
    picture = strip.grab().toImage()
    colours = {z: picture.pixelColor(10 * z + 4, 31) for z in range(10)}
    assert colours[1].name() == LOOKED.name()
    assert colours[3] not in (colours[1], colours[0])
    assert PASSED.alpha() < 255
    assert picture.pixelColor(14, 6).name() == LOOKED.name()  # A full bar.
    assert picture.pixelColor(34, 20) == picture.pixelColor(4, 20)  # A low one.
    assert picture.pixelColor(54, 1).name() == CORRECTED.name()


def test_a_bar_grows_with_time_and_is_never_too_high() -> None:
    shares = [share_of_bar(seconds) for seconds in (0, 1, 10, 30, 1000)]
    assert shares == sorted(shares)
    assert (shares[0], shares[3], shares[4]) == (0, 1, 1)


def test_a_click_on_the_strip_asks_for_the_slice_under_it(qtbot: QtBot) -> None:
    strip = LookStrip()
    qtbot.addWidget(strip)
    strip.resize(100, 32)
    strip.show_looks({}, frozenset(), 10, 0)
    with qtbot.waitSignal(strip.slice_requested) as asked:
        place, button = QPointF(57, 10), Qt.MouseButton.LeftButton
        press = QMouseEvent(QEvent.Type.MouseButtonPress, place, place, button, button, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(strip, press)
    assert asked.args == [5]


def test_the_workbench_shows_every_edit_and_goes_where_one_clicks(workbench: Any, tiny: Any) -> None:
    workbench.show_case(tiny)
    layer, panel = workbench.context.layers.mask, workbench.history
    layer.brush_size = 1
    layer.paint((1, 8, 8), 1)
    workbench.press("fill_holes")  # There are none: no step.
    layer.paint_polygon([(2, 6, 6), (2, 6, 9), (2, 9, 9)], 1)
    assert [name.split(",")[0] for name in rows(panel.steps)] == ["as it was opened", "prediction", "brush", "polygon"]
    panel.step_requested.emit(panel.steps.position(1))
    assert workbench.session.mask.array.sum() == 4
    assert (panel.steps.done, grey(panel.steps)) == (1, [2, 3])
    assert workbench.text("history_count") == "1 step, 2 undone"
    panel.step_requested.emit(panel.steps.position(2))
    assert workbench.session.mask.array.sum() == 5
    panel.slice_requested.emit(3)
    assert workbench.session.slice_index == 3
