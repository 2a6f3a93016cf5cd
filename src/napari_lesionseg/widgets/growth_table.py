"""The growth of lesions as a table: a row each, a click goes there."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_lesionseg.review.grown import Growth, GrowthRow

COLUMNS = {
    "Lesion": "Numbers as in the lesion table, then → now",
    "Then": "Volume in the prior study, ml",
    "Now": "Volume in the open study, ml",
    "Change": "In ml, and in words; less than 25 % is within the error of measuring",
}
ROWS = 8  # So many are seen without scrolling.


class GrowthTable(QTableWidget):
    """Shows a ``Growth``."""

    place_requested = Signal(object)
    """The voxel (z, y, x) to look at."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setObjectName("growth_table")
        self.setToolTip("Click a lesion to go there")
        for column, (name, tip) in enumerate(COLUMNS.items()):
            head = QTableWidgetItem(name)
            head.setToolTip(tip)
            self.setHorizontalHeaderItem(column, head)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:  # As Qt's types have it.
            rows.hide()
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            columns.setStretchLastSection(True)
        self._rows: tuple[GrowthRow, ...] = ()
        self.itemSelectionChanged.connect(self._on_selected)

    def show_growth(self, growth: Growth | None) -> None:
        """Show these lesions, None for nothing."""
        self._rows = () if growth is None else growth.rows
        self.clearSelection()
        self.setRowCount(len(self._rows))
        for at, row in enumerate(self._rows):
            for column, text in enumerate(_texts(row)):
                item = QTableWidgetItem(text)
                if column in (1, 2):
                    item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
                self.setItem(at, column, item)
        head = self.horizontalHeader()
        seen = sum(self.rowHeight(at) for at in range(min(len(self._rows), ROWS)))
        self.setFixedHeight(seen + (0 if head is None else head.sizeHint().height()) + 6)
        self.setVisible(bool(self._rows))

    def _on_selected(self) -> None:
        rows = {index.row() for index in self.selectedIndexes()}
        if rows:
            self.place_requested.emit(self._rows[rows.pop()].place)


def _texts(row: GrowthRow) -> tuple[str, str, str, str]:
    then, now = (" + ".join(map(str, numbers)) or "–" for numbers in (row.prior_numbers, row.numbers))
    return f"{then} → {now}", f"{row.prior_ml:.2f}", f"{row.ml:.2f}", f"{row.change_ml:+.2f}  {row.verdict}"
