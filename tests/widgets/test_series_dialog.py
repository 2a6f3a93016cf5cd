"""The chooser of DICOM series."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QDialog

from napari_lesionseg.widgets.read_worker import SeriesRow
from napari_lesionseg.widgets.series_dialog import COLUMNS, SeriesDialog

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

ENTER, ESCAPE, LEFT = Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.MouseButton.LeftButton
SOFT = SeriesRow("1.1", "Thorax 5.0", "CT", 60, (5.0, 0.7, 0.7), "B30f", None, False, False)
LUNG = SeriesRow("1.2", "Thorax 1.0", "CT", 300, (1.0, 0.7, 0.7), "B70f", None, False, True)
TILTED = SeriesRow("1.3", "", "CT", 40, (3.0, 0.7, 0.7), "", "the gantry was tilted by 15°", True, False)
SCOUT = SeriesRow("1.4", "Topogram", "CT", 1, None, "T20s", "it is a scout", False, False)


@pytest.fixture
def dialog(qtbot: QtBot) -> SeriesDialog:
    made = SeriesDialog("study", [SOFT, LUNG, TILTED, SCOUT])
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def cells(dialog: SeriesDialog, row: int) -> list[str]:
    return [dialog.table.item(row, column).text() for column in range(len(COLUMNS))]


def test_each_series_is_a_row_with_what_one_needs_to_choose(dialog: SeriesDialog) -> None:
    assert cells(dialog, 0) == ["Thorax 5.0", "CT", "60", "5 × 0.7 × 0.7", "B30f", ""]
    assert cells(dialog, 1) == ["Thorax 1.0", "CT", "300", "1 × 0.7 × 0.7", "B70f", "proposed"]
    assert cells(dialog, 2)[::5] == ["(no description)", "only resampled: the gantry was tilted by 15°"]
    assert cells(dialog, 3) == ["Topogram", "CT", "1", "", "T20s", "it is a scout"]


def test_enter_opens_the_proposed_series(dialog: SeriesDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog.table, ENTER)
    assert (dialog.result(), dialog.chosen) == (QDialog.DialogCode.Accepted, LUNG)


def test_the_arrow_keys_choose_another_one(dialog: SeriesDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog.table, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.table, ENTER)
    assert (dialog.result(), dialog.chosen) == (QDialog.DialogCode.Accepted, SOFT)


def test_escape_opens_nothing(dialog: SeriesDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog.table, ESCAPE)
    assert not dialog.isVisible()
    assert dialog.result() == QDialog.DialogCode.Rejected


def middle_of(dialog: SeriesDialog, row: int) -> QPoint:
    return dialog.table.visualItemRect(dialog.table.item(row, 0)).center()


def test_a_double_click_opens_what_is_under_it(dialog: SeriesDialog, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.table.viewport(), LEFT, pos=middle_of(dialog, 2))
    qtbot.mouseDClick(dialog.table.viewport(), LEFT, pos=middle_of(dialog, 2))
    assert (dialog.result(), dialog.chosen) == (QDialog.DialogCode.Accepted, TILTED)


def test_a_refused_series_cannot_be_chosen_by_mouse_or_keys(dialog: SeriesDialog, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.table.viewport(), LEFT, pos=middle_of(dialog, 3))
    qtbot.mouseDClick(dialog.table.viewport(), LEFT, pos=middle_of(dialog, 3))
    assert dialog.isVisible()
    assert dialog.chosen is not SCOUT
    for _ in range(4):
        qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    assert dialog.chosen is TILTED
    assert not dialog.table.item(3, 0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_open_is_off_where_no_series_can_be_opened(qtbot: QtBot) -> None:
    dialog = SeriesDialog(Path("study").name, [SCOUT])
    qtbot.addWidget(dialog)
    assert dialog.chosen is None
    assert not dialog.open_.isEnabled()
