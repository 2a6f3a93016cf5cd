"""The steps of a history as rows of a list: the start, then one row a step; what was undone is grey."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QFont

from napari_lesionseg.review.history import History, Step
from napari_lesionseg.widgets.save_state import clock_time

UNDONE = QColor(128, 128, 128)
START = "as it was opened"


class StepList(QAbstractListModel):
    """Rows are added and taken away at the end only, as the history does it, so that 50,000 steps stay quick."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Step] = []
        self._done = 0

    @property
    def done(self) -> int:
        """The row of the state that is shown: how many steps are done."""
        return self._done

    def follow(self, history: History) -> None:
        """Show ``history`` as it is now."""
        steps, none = history.steps, QModelIndex()
        same = min(len(steps), len(self._steps))
        while same and steps[same - 1].position != self._steps[same - 1].position:
            same -= 1
        if same < len(self._steps):
            self.beginRemoveRows(none, same + 1, len(self._steps))
            del self._steps[same:]
            self.endRemoveRows()
        if same < len(steps):
            self.beginInsertRows(none, same + 1, len(steps))
            self._steps.extend(steps[same:])
            self.endInsertRows()
        low, high = sorted((self._done, history.done))
        self._done = history.done
        self.dataChanged.emit(self.index(min(low, len(steps))), self.index(min(high, len(steps))))

    def position(self, row: int) -> int:
        """The position in the journal of the step in ``row``, 0 for the start."""
        return self._steps[row - 1].position if row else 0

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """One row a step, and one for the start."""
        return 0 if parent is not None and parent.isValid() else 1 + len(self._steps)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the name of a step, its time as tool tip, and how it looks."""
        row = index.row()
        step = self._steps[row - 1] if 0 < row <= len(self._steps) else None
        if role == Qt.ItemDataRole.DisplayRole:
            return START if step is None else step.name
        if role == Qt.ItemDataRole.ToolTipRole:
            when = "" if step is None else f"{clock_time(step.time)}: "
            return f"{when}{START if step is None else step.name}; click to go to this state"
        if role == Qt.ItemDataRole.ForegroundRole and row > self._done:
            return UNDONE
        if role == Qt.ItemDataRole.FontRole and row == self._done:
            font = QFont()
            font.setBold(True)
            return font
        return None
