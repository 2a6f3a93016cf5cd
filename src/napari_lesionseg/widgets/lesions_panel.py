"""The lesions one by one: what each is, where, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QItemSelectionModel, QSize, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QFontMetrics, QShowEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QSpinBox, QTableView, QWidget

from napari_lesionseg.review.lesion_states import Voxel
from napari_lesionseg.widgets.lesion_list import COLUMNS, SORT_ROLE, LesionList, texts
from napari_lesionseg.widgets.parts import button, check, column, note, row

if TYPE_CHECKING:
    from napari_lesionseg.review.counted_lesions import Listed  # They bring cc3d: not while the dock opens.
    from napari_lesionseg.review.lesion_overview import Overview

ROWS, ROW_HEIGHT = 6, 21  # So many lesions are seen at once; pixels.
FONT_PIXELS, CELL_PIXELS, DOT_PIXELS = 11, 7, 12
UNCHECKED = "No share of the lungs is stated before a person has looked at them: Lungs look right, in the lungs' panel"


class LesionsPanel(QWidget):
    """Says which lesion is meant, and what should become of it."""

    place_requested = Signal(tuple)
    """A voxel (z, y, x) of the lesion to look at."""
    accept_requested = Signal()
    reject_requested = Signal()
    relabel_requested = Signal(int)
    merge_requested = Signal(bool)
    """Whether a bridge is wanted."""
    split_requested = Signal(int)
    cut_requested = Signal()
    shown = Signal()
    """The panel came into sight."""

    def __init__(self) -> None:
        super().__init__()
        self.model = LesionList()
        self.order = QSortFilterProxyModel()
        self.order.setSourceModel(self.model)
        self.order.setSortRole(SORT_ROLE)
        self._editable = False
        self.sums, self.state = note("lesion_sums"), note("lesion_state")
        self.table = self._make_table()
        self.previous = button("previous_lesion", "‹ Lesion", "The lesion above in the table")
        self.next = button("next_lesion", "Lesion ›", "The lesion below in the table")
        self.accept = button("accept_lesion", "Accept", "This lesion is right; once more takes it back")
        self.reject = button("reject_lesion", "Reject", "Take this lesion out of the mask, in all slices")
        self.label = _number("lesion_label", "The label to give", 1, 255)
        self.relabel = button("relabel_lesion", "Relabel", "Give the chosen lesions this label")
        bridge_tip = "Join merged lesions that do not touch by a straight line of voxels, so that they are one"
        self.bridge = check("bridge_lesions", "Bridge", bridge_tip)
        self.merge = button(
            "merge_lesions", "Merge", "Give the chosen lesions (Ctrl- or Shift-click) the label of the largest of them"
        )
        self.parts = _number("lesion_parts", "Into how many parts to split", 2, 9)
        self.split = button("split_lesion", "Split", "Divide this lesion where it is narrow; each part gets a label")
        self.cut = button(
            "cut_lesion", "Cut here", "From the slice on the screen upward, this lesion gets its own label"
        )
        self._lay_out()
        self._connect()
        self.show_overview(None, ())

    def _lay_out(self) -> None:
        column(
            self,
            self.sums,
            self.table,
            self.state,
            row(self.previous, self.next, self.accept, self.reject),
            row(self.label, self.relabel),
            row(self.merge, self.bridge),
            row(self.parts, self.split, self.cut),
        )

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("lesion_table")
        table.setToolTip("The lesions: click a head to sort, a row to go there")
        table.setModel(self.order)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTextElideMode(Qt.TextElideMode.ElideNone)
        table.setIconSize(QSize(7, 7))
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        rows, head = table.verticalHeader(), table.horizontalHeader()
        if rows is not None and head is not None:
            rows.hide()
            rows.setDefaultSectionSize(ROW_HEIGHT)
            head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
            head.setHighlightSections(False)
            head.setMinimumSectionSize(24)
            head.setResizeContentsPrecision(100)
        small = f"font-size: {FONT_PIXELS}px;"
        table.setStyleSheet(f"QTableView {{ {small} }} QHeaderView::section {{ {small} padding: 2px; }}")
        table.setFixedHeight(24 + ROW_HEIGHT * ROWS + 16)  # The head, and a scroll bar.
        return table

    def _connect(self) -> None:
        selection = self.table.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(lambda now, _: self._on_current(now.row()))
        selection.selectionChanged.connect(lambda *_: self._show_possible())
        self.table.clicked.connect(lambda index: self._on_current(index.row()))  # Also the row that is current already.
        self.previous.clicked.connect(lambda: self._step(-1))
        self.next.clicked.connect(lambda: self._step(1))
        self.accept.clicked.connect(self.accept_requested)
        self.reject.clicked.connect(self.reject_requested)
        self.relabel.clicked.connect(lambda: self.relabel_requested.emit(self.label.value()))
        self.merge.clicked.connect(lambda: self.merge_requested.emit(self.bridge.isChecked()))
        self.split.clicked.connect(lambda: self.split_requested.emit(self.parts.value()))
        self.cut.clicked.connect(self.cut_requested)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell that the panel came into sight."""
        super().showEvent(event)
        self.shown.emit()

    @property
    def chosen(self) -> list[Listed]:
        """The lesions that are selected, in the order they are shown."""
        selection = self.table.selectionModel()
        rows = sorted(index.row() for index in selection.selectedRows()) if selection is not None else []
        return [self._at(at) for at in rows]

    def show_overview(self, seen: Overview | None, accepted: Collection[Voxel]) -> None:
        """Show the lesions, None without a scan; those that are still there stay chosen."""
        chosen = {lesion.place for lesion in self.chosen}
        blocked = self.blockSignals(True)
        self.model.show(() if seen is None else seen.lesions, accepted)
        self._choose([at for at in range(self.order.rowCount()) if self._at(at).place in chosen])
        self.blockSignals(blocked)
        self._fit_columns()
        self._show_possible()

    def show_sums(self, text: str, tip: str = "") -> None:
        """Show what all lesions amount to."""
        self.sums.setText(text)
        self.sums.setToolTip(tip)

    def show_state(self, text: str) -> None:
        """Say how far the counting, and the deciding, is."""
        self.state.setText(text)

    def show_editable(self, editable: bool) -> None:
        """Offer to change lesions if the mask may be changed."""
        self._editable = editable
        self._show_possible()

    def _fit_columns(self) -> None:
        """Hide what is not known, and give each column what its texts need: Qt would leave room for a sort arrow."""
        font = self.table.font()
        font.setPixelSize(FONT_PIXELS)
        metrics, rows = QFontMetrics(font), [texts(row) for row in self.model.rows]
        for at, known in enumerate(self.model.known_columns()):
            self.table.setColumnHidden(at, not known)
            widest = max(metrics.horizontalAdvance(text) for text in (COLUMNS[at], *(row[at] for row in rows)))
            self.table.setColumnWidth(at, widest + (DOT_PIXELS if at == 0 else 0) + CELL_PIXELS)

    def _at(self, at: int) -> Listed:
        return self.model.rows[self.order.mapToSource(self.order.index(at, 0)).row()]

    def _choose(self, rows: list[int]) -> None:
        selection = self.table.selectionModel()
        assert selection is not None
        flags: Any = QItemSelectionModel.SelectionFlag  # Qt 5's stubs take two of them for a number.
        for at in rows:
            selection.select(self.order.index(at, 0), flags.Select | flags.Rows)
        if rows:
            selection.setCurrentIndex(self.order.index(rows[0], 0), flags.NoUpdate)

    def _step(self, step: int) -> None:
        count = self.order.rowCount()
        if count:
            now = self.table.currentIndex()
            at = (now.row() + step) % count if now.isValid() else (0 if step > 0 else count - 1)
            self.table.selectRow(at)

    def _on_current(self, at: int) -> None:
        if at >= 0:
            self.place_requested.emit(self._at(at).place)

    def _show_possible(self) -> None:
        chosen = self.chosen
        ours = bool(chosen) and all(lesion.match != "missed" for lesion in chosen) and self._editable
        for control in (self.accept, self.reject, self.relabel):
            control.setEnabled(ours)
        for control in (self.split, self.cut):
            control.setEnabled(ours and len(chosen) == 1)
        self.merge.setEnabled(ours and len(chosen) > 1)
        for control in (self.previous, self.next):
            control.setEnabled(bool(self.model.rows))


def _number(name: str, tip: str, low: int, high: int) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(name)
    made.setToolTip(tip)
    made.setRange(low, high)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made
