"""Buttons, and numbers that belong to them, in columns of one width: as many as their texts leave room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QWidget

SPACING, MARGIN = 6, 12  # Pixels between two controls, and around the text of one.


class ButtonGrid(QWidget):
    """Controls that move to the next row where a larger font would cut their texts.

    Parameters
    ----------
    controls
        In the order in which they are read.
    columns
        At most so many are in a row.
    """

    def __init__(self, controls: Sequence[QWidget], columns: int) -> None:
        super().__init__()
        self._controls, self._most = tuple(controls), columns
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACING)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._arrange(columns)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Use the columns there is room for."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Use the columns there is room for in another font."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        widest = max(_needed(one) for one in self._controls)
        self._arrange(max(1, min(self._most, (self.width() + SPACING) // (widest + SPACING))))

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        for column in range(self._most):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._columns = columns
        for number, one in enumerate(self._controls):
            self._grid.addWidget(one, number // columns, number % columns)


def _needed(control: QWidget) -> int:
    if isinstance(control, QAbstractButton):  # Ours may be made as narrow as one likes.
        return control.fontMetrics().horizontalAdvance(control.text()) + MARGIN
    return control.minimumSizeHint().width()
