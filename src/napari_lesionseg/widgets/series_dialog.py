"""Which of several DICOM series should be opened."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesionseg.widgets.parts import note
from napari_lesionseg.widgets.read_worker import SeriesRow

COLUMNS = ("Description", "Modality", "Slices", "Spacing (mm)", "Kernel", "Remark")
PROPOSED = "proposed"
SIZE = (860, 380)


class SeriesDialog(QDialog):
    """A table of series; the proposed one is selected, and those that cannot be opened are grey and say why.

    Parameters
    ----------
    name
        What was opened, for the headline.
    series
        In the order they are shown.
    """

    def __init__(self, name: str, series: Sequence[SeriesRow], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which series?")
        self.setObjectName("series_dialog")
        self._series = tuple(series)
        usable = sum(one.usable for one in series)
        text = f"{name} holds {len(series)} series, {usable} of them can be opened. Choose one."
        self.table = self._make_table()
        self.buttons = QDialogButtonBox()
        self.open_ = self.buttons.addButton(QDialogButtonBox.StandardButton.Open)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(note("series_question", text))
        layout.addWidget(self.table, stretch=1)
        layout.addWidget(self.buttons)
        self.resize(*SIZE)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.table.itemDoubleClicked.connect(self._on_double_click)
        self._select_proposed()
        self._on_selected()

    @property
    def chosen(self) -> SeriesRow | None:
        """The selected series."""
        rows = self.table.selectionModel().selectedRows()  # type: ignore[union-attr]  # A table has one.
        return self._series[rows[0].row()] if rows else None

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self._series), len(COLUMNS))
        table.setObjectName("series_table")
        table.setToolTip("Enter or a double click opens the selected series")
        table.setHorizontalHeaderLabels(COLUMNS)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setWordWrap(True)
        for row, one in enumerate(self._series):
            for column, text in enumerate(_texts(one)):
                table.setItem(row, column, _cell(text, one, right=COLUMNS[column] == "Slices"))
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)  # type: ignore[union-attr]
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)  # type: ignore[union-attr]
        header.sectionResized.connect(lambda *_: table.resizeRowsToContents())  # type: ignore[union-attr]
        return table

    def _select_proposed(self) -> None:
        usable = [row for row, one in enumerate(self._series) if one.usable]
        proposed = [row for row in usable if self._series[row].proposed]
        if usable:
            self.table.selectRow((proposed or usable)[0])
        self.table.setFocus()

    def _on_selected(self) -> None:
        if self.open_ is not None:
            self.open_.setEnabled(self.chosen is not None)
            self.open_.setDefault(True)

    def _on_double_click(self, item: QTableWidgetItem) -> None:
        if self._series[item.row()].usable:
            self.accept()


def _texts(one: SeriesRow) -> tuple[str, ...]:
    spacing = "" if one.spacing_mm is None else " × ".join(f"{side:.3g}" for side in one.spacing_mm)
    remark = PROPOSED if one.proposed else ""
    if one.refusal is not None:
        remark = one.refusal if not one.usable else f"only resampled: {one.refusal}"
    return (one.description or "(no description)", one.modality, str(one.slices), spacing, one.kernel, remark)


def _cell(text: str, one: SeriesRow, *, right: bool) -> QTableWidgetItem:
    cell = QTableWidgetItem(text)
    cell.setToolTip(one.refusal or text)
    if right:
        cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    if not one.usable:
        cell.setFlags(Qt.ItemFlag.NoItemFlags)
    return cell
