"""The question where a scan lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QWidget

from napari_lesionseg.widgets.geometry_dialog import GeometryDialog

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CHOICES = {"sform": "as the sform says", "qform": "as the qform says"}


@pytest.fixture
def dialog(qtbot: QtBot) -> GeometryDialog:
    made = GeometryDialog("scan.nii: sform and qform differ by 4 mm", CHOICES)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_the_problem_and_each_way_on_stand_in_words(dialog: GeometryDialog) -> None:
    assert dialog.findChild(QWidget, "geometry_problem").text() == "scan.nii: sform and qform differ by 4 mm."
    assert dialog.findChild(QWidget, "geometry_sform").text() == "As the sform says"


def test_enter_cancels(dialog: GeometryDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert (dialog.isVisible(), dialog.result(), dialog.chosen) == (False, QDialog.DialogCode.Rejected, "")


def test_a_button_chooses(dialog: GeometryDialog, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.findChild(QWidget, "geometry_qform"), Qt.MouseButton.LeftButton)
    assert (dialog.result(), dialog.chosen) == (QDialog.DialogCode.Accepted, "qform")
