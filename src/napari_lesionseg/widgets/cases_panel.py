"""The cases of a study: a table to choose from, the way to the next one, and what becomes of the open one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QModelIndex, QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QProgressBar, QTableView, QWidget

from napari_lesionseg.study.queue import CaseSummary, count_states
from napari_lesionseg.study.states import STATES, State
from napari_lesionseg.widgets.case_table import UNFINISHED, CaseFilter, CaseTable
from napari_lesionseg.widgets.comment_list import CommentList
from napari_lesionseg.widgets.end_screen import EndScreen
from napari_lesionseg.widgets.parts import amber_note, button, chooser, column, note, path_label, row

ROWS, ROW_HEIGHT = 7, 21  # So many cases are seen at once; pixels.
STEPS = {
    "previous_case": ("‹ Previous", "The case above", -1, False),
    "next_case": ("Next ›", "The case below", 1, False),
    "previous_unfinished": (
        "‹ Unfinished",
        "The last case before this one that is not finished",
        -1,
        True,
    ),
    "next_unfinished": ("Unfinished ›", "The next case that is not finished", 1, True),
}
REACHABLE = {
    "accept": ("unlabelled", "predicted", "in review", "corrected", "reopened"),
    "reject": ("unlabelled", "predicted", "in review", "corrected", "reopened"),
    "skip": ("unlabelled", "predicted", "in review", "reopened"),
    "reopen": ("approved", "rejected", "skipped"),
}
"""The states from which a button leads on."""


class CasesPanel(QWidget):
    """Says which case is wanted, and what should become of the open one."""

    case_requested = Signal(str)
    """The id of a case to open."""
    step_requested = Signal(int, bool)
    """1 or -1, and whether finished cases are passed over."""
    accept_requested = Signal()
    anyway_requested = Signal()
    """Approve although suspicious places were not seen."""
    reject_requested = Signal()
    skip_requested = Signal()
    reopen_requested = Signal()
    comment_requested = Signal()
    place_requested = Signal(tuple)
    """The display voxel (z, y, x) of a comment."""
    reviewer_changed = Signal(str)
    close_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = CaseTable()
        self.cases = CaseFilter(self.model)
        self._case: CaseSummary | None = None
        self._decides = True
        self.name = path_label("study_name", "The open study")
        self._close = button("close_study", "Close", "Close the study; everything in it is saved")
        self._close.setSizePolicy(self.name.sizePolicy())
        self._close.setFixedWidth(64)
        self.reviewer = QLineEdit()
        self.reviewer.setObjectName("reviewer")
        self.reviewer.setToolTip("Who is named as the reviewer of what is drawn and decided here")
        self.progress = QProgressBar()
        self.progress.setObjectName("study_progress")
        self.text = QLineEdit()
        self.text.setObjectName("case_text")
        self.text.setPlaceholderText("Case, patient or reviewer")
        self.text.setToolTip("Show only the cases that have this in their id, patient or reviewer")
        self.text.setClearButtonEnabled(True)
        self.state = chooser("case_state", "Show only the cases in this state")
        self.state.addItem("all states", "")
        for state in (UNFINISHED, *STATES):
            self.state.addItem(state, state)
        self.table = self._make_table()
        self.steps = {name: button(name, *texts) for name, (*texts, _, _) in STEPS.items()}
        self.headline = note("case_headline")
        self.accept = button("accept_case", "Accept", "The mask is right: the case is approved")
        self.unseen = amber_note("unseen_places")
        tip = "Approve all the same; what was not seen is written down as waived, as a comment"
        self.anyway = button("approve_anyway", "Approve anyway", tip)
        self.reject = button("reject_case", "Reject…", "The mask cannot be used: say why")
        self.skip = button("skip_case", "Skip…", "Leave this case out for now: say why")
        self.reopen = button("reopen_case", "Reopen", "Work on this finished case again")
        self.comment = button("comment_case", "Comment…", "Say something of this case, pinned to the slice if you like")
        self.comments, self.end = CommentList(), EndScreen()
        self._lay_out()
        self._connect()
        self.show_unseen("")
        self.show_case(None)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("case_table")
        table.setToolTip("The cases: click a head to sort, a row to open its case")
        table.setModel(self.cases)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # As they were added, until a head is clicked.
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
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
            head.setMinimumSectionSize(26)
            head.setResizeContentsPrecision(100)  # Rows that are looked at: ten thousand would take a second.
        table.setStyleSheet("QTableView { font-size: 11px; } QHeaderView::section { padding: 2px; }")
        table.setFixedHeight(24 + ROW_HEIGHT * ROWS + 16)  # The head, and a scroll bar.
        return table

    def _lay_out(self) -> None:
        before, after, before_open, after_open = self.steps.values()
        self._open_part = QWidget()
        column(
            self._open_part,
            self.headline,
            row(self.accept, self.reject),
            self.unseen,
            self.anyway,
            row(self.skip, self.reopen, self.comment),
            self.comments,
        )
        column(
            self,
            row(self.name, self._close),
            row(self.reviewer, label="Reviewer"),
            self.progress,
            row(self.text, self.state),
            self.table,
            row(before, after),
            row(before_open, after_open),
            self._open_part,
            self.end,
        )

    def _connect(self) -> None:
        for name, (_, _, step, unfinished) in STEPS.items():
            self.steps[name].clicked.connect(
                lambda _=False, step=step, unfinished=unfinished: self.step_requested.emit(step, unfinished)
            )
        self.table.activated.connect(self._on_activated)
        self.text.textChanged.connect(self._on_filter)
        self.state.currentIndexChanged.connect(self._on_filter)
        self.reviewer.editingFinished.connect(lambda: self.reviewer_changed.emit(self.reviewer.text().strip()))
        self.accept.clicked.connect(self.accept_requested)
        self.anyway.clicked.connect(self.anyway_requested)
        self.reject.clicked.connect(self.reject_requested)
        self.skip.clicked.connect(self.skip_requested)
        self.reopen.clicked.connect(self.reopen_requested)
        self.comment.clicked.connect(self.comment_requested)
        self.comments.place_requested.connect(self.place_requested)
        self._close.clicked.connect(self.close_requested)
        self.end.close_requested.connect(self.close_requested)

    def show_study(self, name: str, tip: str) -> None:
        """Name the open study."""
        self.name.setText(name)
        self.name.setToolTip(tip)

    def show_cases(self, rows: Sequence[CaseSummary]) -> None:
        """Show the cases of the study as they are now."""
        self.model.show(rows)
        if self._case is not None:
            self._case = next((row for row in rows if row.id == self._case.id), self._case)
        self._fit_columns()
        self._show_progress()
        self._show_actions()

    def show_row(self, row: CaseSummary) -> None:
        """Show what is new of one case."""
        self.model.update(row)
        self.show_cases(list(self.model.rows))

    def show_state(self, case_id: str, state: State) -> None:
        """Show the state a case is about to have."""
        row = self.row(case_id)
        if row is not None:
            self.show_row(replace(row, state=state))

    def show_case(self, case_id: str | None, *, decides: bool = True) -> None:
        """Show which case is open, None for none, and whether it may be decided on now."""
        self._decides = decides
        self._case = next((row for row in self.model.rows if row.id == case_id), None)
        self.model.mark_open("" if self._case is None else self._case.id)
        if self._case is not None:
            at = self._place_of(self._case.id)
            if not at.isValid():
                self.cases.invalidate()
                at = self._place_of(self._case.id)
            self.table.selectRow(at.row())
            self.table.scrollTo(self.cases.index(at.row(), 0))
            self._fit_columns()
        self._show_actions()

    def show_unseen(self, sentence: str) -> None:
        """Say what has not been on the screen, and offer to approve all the same; "" if nothing holds it up."""
        self.unseen.setText(sentence)
        for one in (self.unseen, self.anyway):
            one.setVisible(bool(sentence))

    def show_busy(self, busy: bool) -> None:
        """Let nothing be asked for while a case is opened or moved."""
        self._open_part.setEnabled(not busy)

    def row(self, case_id: str) -> CaseSummary | None:
        """What is known of a case, None if it is none of the study's."""
        return next((row for row in self.model.rows if row.id == case_id), None)

    def listed(self) -> list[CaseSummary]:
        """The cases in the order they are shown."""
        return self.cases.listed()

    def _place_of(self, case_id: str) -> QModelIndex:
        ids = [row.id for row in self.model.rows]
        return self.cases.mapFromSource(self.model.index(ids.index(case_id), 0))

    def _show_progress(self) -> None:
        counts: dict[State, int] = count_states(self.model.rows)
        total = len(self.model.rows)
        finished = sum(1 for row in self.model.rows if row.finished)
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(finished)
        self.progress.setFormat(f"{finished} of {total} finished")
        self.progress.setToolTip("\n".join(f"{count} {state}" for state, count in counts.items()))
        self.end.setVisible(0 < total == finished)
        self.end.show_counts(counts, sum(row.lesion_ml or 0.0 for row in self.model.rows if row.state == "approved"))

    def _show_actions(self) -> None:
        case = self._case
        self._open_part.setVisible(case is not None)
        if case is not None:
            ml = "" if case.lesion_ml is None else f" · {case.lesion_ml:.1f} ml"
            self.headline.setText(f"<b>{case.id}</b> · {case.state}{ml} · patient {case.patient} · {case.split}")
            for name, states in REACHABLE.items():
                getattr(self, name).setEnabled(case.state in states and self._decides)

    def _fit_columns(self) -> None:
        rows = self.model.rows
        self.table.setColumnHidden(2, all(row.lesion_ml is None for row in rows))
        self.table.setColumnHidden(3, all(row.uncertainty is None for row in rows))
        self.table.setColumnHidden(5, not any(row.reviewer for row in rows))
        self.table.resizeColumnsToContents()

    def _on_activated(self, index: Any) -> None:
        self.case_requested.emit(self.model.rows[self.cases.mapToSource(index).row()].id)

    def _on_filter(self, *_: object) -> None:
        self.cases.keep(self.text.text(), str(self.state.currentData() or ""))
