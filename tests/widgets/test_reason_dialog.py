"""The question why a case is rejected or skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog

from napari_lesionseg.study.states import NEED_REASON
from napari_lesionseg.widgets.reason_dialog import REASONS, Reason, ReasonDialog, ask_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

VOXEL = (3, 4, 5)


@pytest.fixture
def ask(qtbot: QtBot) -> Callable[..., ReasonDialog]:
    """Show the dialog."""

    def show(*args: object) -> ReasonDialog:
        made = ReasonDialog("p1", *args)
        qtbot.addWidget(made)
        made.show()
        qtbot.waitExposed(made)
        return made

    return show


def test_every_state_that_needs_a_reason_has_some_to_choose_from() -> None:
    assert set(REASONS) == set(NEED_REASON) and all(REASONS.values())


def test_no_reason_is_chosen_beforehand_and_without_one_there_is_no_way_on(ask: Callable[..., ReasonDialog]) -> None:
    dialog = ask("rejected", VOXEL)
    dialog.comment.setPlainText("see here")
    dialog.accept()
    assert (dialog.answer.reason, dialog.ok.isEnabled(), dialog.isVisible()) == ("", False, True)
    assert dialog.missing.text() == "A reason is needed."


def test_a_chosen_reason_a_comment_and_the_voxel_come_back(ask: Callable[..., ReasonDialog], qtbot: QtBot) -> None:
    dialog = ask("rejected", VOXEL)
    dialog.reason.setCurrentIndex(2)
    dialog.comment.setPlainText(" too wide\n")
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.answer == Reason("borders are wrong", "too wide", VOXEL)


def test_a_typed_reason_counts_and_the_pin_can_be_taken_out(ask: Callable[..., ReasonDialog], qtbot: QtBot) -> None:
    dialog = ask("skipped", VOXEL)
    qtbot.keyClicks(dialog.reason.lineEdit(), "a reason of my own")
    dialog.pin.setChecked(False)
    assert dialog.ok.isEnabled()
    assert dialog.answer == Reason("a reason of my own", "", None)


def test_enter_in_the_reason_sends_nothing_and_ctrl_enter_does(ask: Callable[..., ReasonDialog], qtbot: QtBot) -> None:
    dialog = ask("skipped")
    qtbot.keyClicks(dialog.reason.lineEdit(), "later")
    qtbot.keyClick(dialog.reason, Qt.Key.Key_Return)
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert (dialog.isVisible(), dialog.result()) == (False, QDialog.DialogCode.Accepted)


def test_a_comment_alone_needs_a_text_and_asks_for_no_reason(ask: Callable[..., ReasonDialog]) -> None:
    dialog = ask("", VOXEL)
    assert (dialog.reason.isVisible(), dialog.ok.isEnabled()) == (False, False)
    dialog.comment.setPlainText("a nodule, no lesion")
    assert (dialog.ok.isEnabled(), dialog.answer) == (True, Reason("", "a nodule, no lesion", VOXEL))


def test_without_a_scan_there_is_nothing_to_pin_to(ask: Callable[..., ReasonDialog]) -> None:
    dialog = ask("skipped")
    assert (dialog.pin.isVisible(), dialog.answer.voxel) == (False, None)


@pytest.mark.parametrize(("end", "expected"), [("accept", Reason("not now", "", None)), ("reject", None)])
def test_who_thinks_better_of_it_gives_no_answer(when_asked, qtbot: QtBot, end: str, expected: Reason | None) -> None:
    def act(dialog: ReasonDialog) -> None:
        dialog.reason.setEditText("not now")
        getattr(dialog, end)()

    asked = when_asked(act)
    assert ask_reason("p1", "skipped") == expected
    assert len(asked) == 1
