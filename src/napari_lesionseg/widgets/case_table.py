"""The list of cases as a table that sorts and filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QColor, QFont, QPixmap

from napari_lesionseg.study.queue import CaseSummary
from napari_lesionseg.study.states import STATES

COLUMNS = ("Case", "State", "ml", "Unc.", "Touched", "Reviewer")
TIPS = (
    "The case's id",
    "How far its review is",
    "Lesion volume of its newest mask, in ml",
    "How unsure the model is of its prediction",
    "When somebody worked on it last",
    "Who worked on it last",
)
COLOURS = {
    "unlabelled": "#8A8A8A",
    "predicted": "#5C9DE0",
    "in review": "#F0B13C",
    "corrected": "#B58AE0",
    "approved": "#4FB36B",
    "rejected": "#E5533D",
    "reopened": "#F0B13C",
    "skipped": "#8A8A8A",
}
"""A dot of this colour stands before the state; every colour has its word beside it."""
UNFINISHED = "unfinished"
ASCENDING = Qt.SortOrder.AscendingOrder
_ROOT = QModelIndex()


class CaseTable(QAbstractTableModel):
    """Cases, a row each; the open one is bold.

    The order changes when its user sorts, and not while they work: a case that was just touched stays where it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[CaseSummary] = []
        self.open_id = ""
        self._added: dict[str, int] = {}  # In which order they were given.
        self._order = (-1, ASCENDING)
        self._dots = {state: _dot(colour) for state, colour in COLOURS.items()}

    def show(self, rows: Sequence[CaseSummary]) -> None:
        """Show these cases; rows stay where they are if the cases are the same ones as before."""
        new = {row.id: row for row in rows}
        if new.keys() != self._added.keys():
            self.beginResetModel()
            self._added = {case_id: number for number, case_id in enumerate(new)}
            self.rows = self._in_order(rows)
            self.endResetModel()
            return
        for at, known in enumerate(self.rows):
            if new[known.id] != known:
                self.rows[at] = new[known.id]
                self._changed(at)

    def update(self, row: CaseSummary) -> None:
        """Show what is new of one case."""
        for at, known in enumerate(self.rows):
            if known.id == row.id:
                self.rows[at] = row
                self._changed(at)

    def mark_open(self, case_id: str) -> None:
        """Let the case of this id, or none ("") stand out as the open one."""
        before, self.open_id = self.open_id, case_id
        for at, row in enumerate(self.rows):
            if row.id in (before, case_id):
                self._changed(at)

    def sort(self, column: int, order: Qt.SortOrder = ASCENDING) -> None:
        """Order by a column, those that are the same in it by their ids; by -1 as they were given."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        before = [(self.rows[index.row()].id, index) for index in self.persistentIndexList()]
        self.rows = self._in_order(self.rows)
        now = {row.id: at for at, row in enumerate(self.rows)}
        self.changePersistentIndexList(
            [index for _, index in before], [self.index(now[case_id], index.column()) for case_id, index in before]
        )
        self.layoutChanged.emit()

    def _in_order(self, rows: Sequence[CaseSummary]) -> list[CaseSummary]:
        # Here, and not by the filter: Qt would ask Python for each of 100,000 comparisons.
        column, order = self._order
        if column < 0:
            return sorted(rows, key=lambda row: self._added[row.id])
        return sorted(rows, key=lambda row: (_key(row, column), _natural(row.id)), reverse=order != ASCENDING)

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many cases."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Name and tool tip of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return TIPS[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows and looks like."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return texts(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.id}, patient {row.patient}, {row.split}; {', '.join(row.masks) or 'no mask'}"
        return self._look(row, column, role)

    def _look(self, row: CaseSummary, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.DecorationRole and column == 1:
            return self._dots[row.state]
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (2, 3):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole and row.id == self.open_id:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _changed(self, at: int) -> None:
        self.dataChanged.emit(self.index(at, 0), self.index(at, len(COLUMNS) - 1))


class CaseFilter(QSortFilterProxyModel):
    """Cases of a state whose id, patient or reviewer holds a text; the open case is always shown."""

    def __init__(self, table: CaseTable) -> None:
        super().__init__()
        self._table, self._text, self._state = table, "", ""
        self.setSourceModel(table)
        self.setDynamicSortFilter(False)

    def sort(self, column: int, order: Qt.SortOrder = ASCENDING) -> None:
        """Let the table order its rows."""
        self._table.sort(column, order)

    def keep(self, text: str, state: str) -> None:
        """Show the cases that hold ``text`` and are in ``state``, ``UNFINISHED``, or any ("")."""
        self._text, self._state = text.strip().lower(), state
        self.invalidate()

    def listed(self) -> list[CaseSummary]:
        """The cases as they are listed now."""
        return [self._table.rows[self.mapToSource(self.index(at, 0)).row()] for at in range(self.rowCount())]

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex) -> bool:  # noqa: N802 - Qt's name
        """Whether a case is shown."""
        row = self._table.rows[source_row]
        if row.id == self._table.open_id:
            return True
        in_state = not row.finished if self._state == UNFINISHED else self._state in ("", row.state)
        return in_state and any(self._text in text.lower() for text in (row.id, row.patient, row.reviewer))


def texts(row: CaseSummary) -> tuple[str, ...]:
    """What the columns show of a case."""
    ml = "" if row.lesion_ml is None else f"{row.lesion_ml:.1f}"
    uncertainty = "" if row.uncertainty is None else f"{row.uncertainty:.2f}"
    return row.id, row.state, ml, uncertainty, local_time(row.touched), row.reviewer


def local_time(time: str | None) -> str:
    """A time (ISO 8601) of the user's clock: 14:02 if it was today, else 24 Nov."""
    if time is None:
        return ""
    there = datetime.fromisoformat(time).astimezone()
    return f"{there:%H:%M}" if there.date() == datetime.now().astimezone().date() else f"{there.day} {there:%b}"


def _key(row: CaseSummary, column: int) -> Any:
    """What a column sorts by; what is not known comes first."""
    if column == 0:
        return _natural(row.id)
    number = {2: row.lesion_ml, 3: row.uncertainty}
    if column in number:
        value = number[column]
        return -1.0 if value is None else value
    return {1: STATES.index(row.state), 4: row.touched or "", 5: row.reviewer.lower()}[column]


@lru_cache(maxsize=1 << 15)
def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Let case-2 come before case-10."""
    parts = "".join(letter if letter.isdecimal() else f"\n{letter}\n" for letter in name.lower()).split("\n")
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts if part)


def _dot(colour: str) -> QPixmap:
    dot = QPixmap(7, 7)
    dot.fill(QColor(colour))
    return dot
