"""The cases panel by itself: it shows, sorts and filters, and only says what is wanted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QFont, QFontMetrics
from qtpy.QtTest import QTest

from napari_lesionseg.study.queue import CaseSummary
from napari_lesionseg.widgets import case_table
from napari_lesionseg.widgets.case_table import CaseTable, local_time, texts
from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.study_thread import StudyThread

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC).isoformat()
ROWS = [
    CaseSummary("case-10", "p1", "train", "predicted", "", 3.0, 0.5, None, ("truth",)),
    CaseSummary("case-2", "p2", "gate", "approved", "anna", 12.5, 0.1, NOON),
    CaseSummary("case-1", "p3", "test", "in review", "ben", None, None, NOON),
]


@pytest.fixture
def panel(qtbot: QtBot) -> CasesPanel:
    made = CasesPanel()
    qtbot.addWidget(made)
    made.resize(344, 700)
    made.show_cases(ROWS)
    return made


def ids(panel: CasesPanel) -> list[str]:
    return [row.id for row in panel.listed()]


def test_cases_stand_in_the_order_they_were_added_until_a_head_is_clicked(panel: CasesPanel) -> None:
    assert ids(panel) == ["case-10", "case-2", "case-1"]
    orders = {
        0: ["case-1", "case-2", "case-10"],
        1: ["case-10", "case-1", "case-2"],
        2: ["case-1", "case-10", "case-2"],
        3: ["case-1", "case-2", "case-10"],
    }
    for column, order in orders.items():
        panel.table.sortByColumn(column, Qt.SortOrder.AscendingOrder)
        assert ids(panel) == order
        panel.table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        assert ids(panel) == order[::-1]


def test_sorting_looks_at_each_case_once_and_filtering_does_not_sort(
    panel: CasesPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    key = case_table._key
    monkeypatch.setattr(case_table, "_key", lambda row, column: looked.append(row.id) or key(row, column))
    panel.show_cases([replace(ROWS[0], id=f"case-{number}", lesion_ml=number * 7 % 1000) for number in range(1000)])
    assert looked == []
    panel.table.horizontalHeader().setSortIndicator(2, Qt.SortOrder.DescendingOrder)  # As a click does.
    assert len(looked) == 1000
    panel.text.setText("case-1")
    panel.show_row(replace(ROWS[0], id="case-5", lesion_ml=0.0))
    panel.show_case("case-10")
    assert len(looked) == 1000
    ml = [row.lesion_ml for row in panel.listed()]
    assert len(ml) == 111 and ml == sorted(ml, reverse=True)


def test_the_chosen_row_stays_chosen_and_the_first_order_comes_back(panel: CasesPanel) -> None:
    panel.show_case("case-1")
    panel.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    chosen = panel.table.selectionModel().selectedRows()
    assert [panel.listed()[index.row()].id for index in chosen] == ["case-1"] and chosen[0].row() == 0
    panel.show_row(replace(ROWS[1], reviewer="carla"))
    assert ids(panel) == ["case-1", "case-2", "case-10"]
    panel.show_cases([*ROWS, replace(ROWS[0], id="case-3")])
    assert ids(panel) == ["case-1", "case-2", "case-3", "case-10"]
    panel.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
    assert ids(panel) == ["case-10", "case-2", "case-1", "case-3"]


def test_filtering_by_text_and_state(panel: CasesPanel) -> None:
    panel.text.setText("ANNA")
    assert ids(panel) == ["case-2"]
    panel.text.setText("")
    panel.state.setCurrentText("unfinished")
    assert ids(panel) == ["case-10", "case-1"]
    panel.state.setCurrentText("predicted")
    panel.text.setText("p1")
    assert ids(panel) == ["case-10"]
    panel.text.setText("nobody")
    assert ids(panel) == []


def test_the_open_case_is_shown_whatever_the_filter(panel: CasesPanel) -> None:
    panel.state.setCurrentText("unfinished")
    panel.show_case("case-2")
    assert ids(panel) == ["case-10", "case-2", "case-1"]
    assert panel.table.selectionModel().selectedRows()[0].row() == 1


def test_a_case_that_changes_stays_where_it_is_in_the_list(panel: CasesPanel) -> None:
    panel.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    panel.state.setCurrentText("unfinished")
    assert ids(panel) == ["case-10", "case-1"]
    panel.show_row(replace(ROWS[0], state="approved"))
    assert ids(panel) == ["case-10", "case-1"]
    assert panel.listed()[0].state == "approved"


def test_the_bar_counts_the_finished_and_the_end_screen_waits_for_all(panel: CasesPanel) -> None:
    assert (panel.progress.value(), panel.progress.maximum()) == (1, 3)
    assert panel.progress.format() == "1 of 3 finished" and not panel.end.isVisibleTo(panel)
    panel.show_cases([replace(row, state="approved", lesion_ml=2.0) for row in ROWS])
    assert panel.end.isVisibleTo(panel)
    assert "6.0 ml of lesion approved" in panel.end.text.text()
    panel.show_cases([])
    assert not panel.end.isVisibleTo(panel)


def test_buttons_only_say_what_is_wanted(panel: CasesPanel, qtbot: QtBot) -> None:
    panel.show_case("case-1")
    for name, told in {"next_case": [1, False], "previous_unfinished": [-1, True]}.items():
        with qtbot.waitSignal(panel.step_requested) as asked:
            panel.steps[name].click()
        assert asked.args == told
    for button, signal in ((panel.accept, panel.accept_requested), (panel.skip, panel.skip_requested)):
        with qtbot.waitSignal(signal):
            button.click()
    assert panel.listed() == ROWS


def test_a_row_is_opened_by_enter(panel: CasesPanel, qtbot: QtBot) -> None:
    panel.show()
    panel.table.setCurrentIndex(panel.cases.index(1, 0))
    with qtbot.waitSignal(panel.case_requested) as asked:
        QTest.keyClick(panel.table, Qt.Key.Key_Return)
    assert asked.args == ["case-2"]


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        ("predicted", {"accept", "reject", "skip"}),
        ("corrected", {"accept", "reject"}),
        ("approved", {"reopen"}),
        ("skipped", {"reopen"}),
    ],
)
def test_only_what_is_possible_can_be_pressed(panel: CasesPanel, state: Any, possible: set[str]) -> None:
    panel.show_row(replace(ROWS[0], state=state))
    panel.show_case("case-10")
    names = ("accept", "reject", "skip", "reopen")
    assert {name for name in names if getattr(panel, name).isEnabled()} == possible


def test_nothing_is_decided_while_a_reading_is_drawn(panel: CasesPanel) -> None:
    names = ("accept", "reject", "skip")
    panel.show_case("case-10", decides=False)
    assert [getattr(panel, name).isEnabled() for name in names] == [False] * 3
    panel.show_row(replace(ROWS[0], state="in review"))  # News of the case changes nothing of it.
    assert [getattr(panel, name).isEnabled() for name in names] == [False] * 3
    panel.show_case("case-10")
    assert [getattr(panel, name).isEnabled() for name in names] == [True] * 3


def test_no_text_of_a_column_is_clipped(panel: CasesPanel) -> None:
    panel.show()
    panel.show_case("case-10")
    table = panel.table
    plain, bold = table.fontMetrics(), QFontMetrics(bold_of(table.font()))
    for row in range(3):
        for column, text in enumerate(texts(panel.listed()[row])):
            metrics = bold if row == 0 else plain
            needed = metrics.horizontalAdvance(text) + (7 if column == 1 else 0)
            assert needed < table.columnWidth(column)
            assert table.sizeHintForColumn(column) <= table.columnWidth(column)
    assert table.textElideMode() == Qt.TextElideMode.ElideNone


def bold_of(font: QFont) -> QFont:
    made = QFont(font)
    made.setBold(True)
    return made


def test_columns_of_which_nothing_is_known_are_hidden(panel: CasesPanel) -> None:
    assert not any(panel.table.isColumnHidden(column) for column in range(6))
    panel.show_cases([replace(row, lesion_ml=None, uncertainty=None, reviewer="") for row in ROWS])
    assert [panel.table.isColumnHidden(column) for column in range(6)] == [False, False, True, True, False, True]


def test_what_cells_say() -> None:
    assert texts(ROWS[0]) == ("case-10", "predicted", "3.0", "0.50", "", "")
    assert texts(ROWS[1])[4] == "1 Jan" and local_time(datetime.now(UTC).isoformat()).count(":") == 1
    table = CaseTable()
    table.show(ROWS)
    assert table.rowCount(QModelIndex()) == 3
    assert table.data(table.index(0, 0), Qt.ItemDataRole.ToolTipRole) == "case-10, patient p1, train; truth"


def test_a_thread_answers_in_order_and_finishes_what_was_asked(qtbot: QtBot, tmp_path: Path) -> None:
    from napari_lesionseg.study import Study

    Study.create(tmp_path / "study")
    thread, told, done = StudyThread(tmp_path / "study"), [], []
    thread.ask(lambda study: study.cases(), told.append)
    thread.ask(lambda _: 1 / 0, told.append, lambda error: told.append(type(error)))
    qtbot.waitUntil(lambda: len(told) == 2, timeout=30_000)
    assert told == [[], ZeroDivisionError]
    thread.ask(lambda _: done.append(1), told.append)
    thread.close()
    assert done == [1] and not thread._thread.is_alive()
    QTest.qWait(50)
    assert len(told) == 2


FORGOTTEN = """
import sys
from pathlib import Path
from qtpy.QtCore import QCoreApplication
from napari_lesionseg.widgets.study_thread import StudyThread
application = QCoreApplication([])
thread = StudyThread(Path(sys.argv[1]))
thread.ask(lambda study: Path(sys.argv[2]).write_text(str(len(study.cases()))))
"""


def test_a_program_whose_window_was_not_closed_in_order_ends_and_what_was_asked_is_done(tmp_path: Path) -> None:
    from napari_lesionseg.study import Study

    Study.create(tmp_path / "study")
    command = [sys.executable, "-c", FORGOTTEN, str(tmp_path / "study"), str(tmp_path / "done.txt")]
    subprocess.run(command, timeout=100, check=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert (tmp_path / "done.txt").read_text() == "0"
