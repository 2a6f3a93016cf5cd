"""One line that tells whether the last stroke is on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lesionseg.widgets.save_line import COLOURS, SaveLine
from napari_lesionseg.widgets.save_state import NO_STATE, SaveState

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_the_line_is_green_amber_and_red_and_hidden_without_a_case(qtbot: QtBot) -> None:
    line = SaveLine()
    qtbot.addWidget(line)
    assert not line.isVisibleTo(line.parentWidget())
    for state in (SaveState("saved", "saved"), SaveState("late", "late"), SaveState("failed", "<b>failed")):
        line.show_state(state)
        assert line.text() == state.text
        assert COLOURS[state.kind] in line.styleSheet()
        assert line.toolTip()
        assert not line.isHidden()
    line.show_state(NO_STATE)
    assert line.isHidden()
    assert len({COLOURS["saved"], COLOURS["late"], COLOURS["failed"]}) == 3
