"""The curves of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtGui import QColor

from napari_lesionseg.widgets.curve_view import COLOURS, CurveView, _round_up

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def lowest_and_highest(view: CurveView, name: str) -> tuple[int, int]:
    """Rows of the picture between which the curve ``name`` runs, below its name in the legend."""
    picture, wanted = view.grab().toImage(), QColor(COLOURS[name])
    rows = [
        y
        for y in range(20, picture.height())
        for x in range(38, picture.width() - 30)
        if _near(picture.pixelColor(x, y), wanted)
    ]
    return max(rows), min(rows)


def _near(one: QColor, other: QColor) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True))


def test_a_falling_loss_falls_on_the_screen_and_dice_rises_to_its_axis(qtbot: QtBot) -> None:
    view = CurveView()
    qtbot.addWidget(view)
    view.setStyleSheet("background: black;")
    view.resize(300, 150)
    view.clear(2)
    for epoch, loss, dice in ((0, 1.0, 0.0), (1, 0.5, 0.5), (2, 0.0, 1.0)):
        view.add("loss", epoch, loss)
        view.add("training Dice", epoch, dice)
    view.add("validation Dice", 1, None)
    assert view.points["validation Dice"] == []
    for name in ("loss", "training Dice"):
        low, high = lowest_and_highest(view, name)
        assert low == pytest.approx(120, abs=4)  # The frame reaches from row 20 to row 120.
        assert high == pytest.approx(20, abs=4)


def test_a_new_training_starts_empty(qtbot: QtBot) -> None:
    view = CurveView()
    qtbot.addWidget(view)
    view.add("loss", 1, 0.5)
    view.clear(5)
    assert not any(view.points.values())


@pytest.mark.parametrize(("value", "top"), [(0.034, 0.05), (0.9, 1.0), (1.0, 1.0), (1.2, 2.0), (7.0, 10.0), (0.0, 1.0)])
def test_the_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert _round_up(value) == pytest.approx(top)
