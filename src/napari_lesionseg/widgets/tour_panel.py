"""The tour of suspicious places: a list of them with the reason, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from qtpy.QtCore import QItemSelectionModel, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_lesionseg.review.evidence import Place
from napari_lesionseg.widgets.parts import button, column, note, row

HEIGHT: Final = 170  # Pixels.
MARKS: Final = {"": "○", "seen": "✓", "waived": "–"}
DONE_COLOUR: Final = QColor(128, 128, 128)


class TourPanel(QWidget):
    """Says which place is wanted, and what should become of it."""

    step_requested = Signal(int)
    """1 for the next place, -1 for the previous one."""
    place_requested = Signal(int)
    """The number of a place in the list, from 0."""
    seen_requested = Signal(int)
    waive_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setObjectName("suspicious_places")
        self.list.setToolTip("Places worth a second look, the most suspicious first; click one to go there")
        self.list.setWordWrap(True)
        self.list.setFixedHeight(HEIGHT)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        before = button("previous_place", "Previous", "Go to the suspicious place before")
        after = button("next_place", "Next", "Go to the next suspicious place")
        self.seen = button("place_seen", "Seen", "The chosen place was seen")
        self.waive = button("place_waived", "Waive", "The chosen place needs no look; in a study that is written down")
        self.state = note("tour_state")
        column(self, self.list, row(before, after), row(self.seen, self.waive), self.state)
        self._steps = (before, after)
        before.clicked.connect(lambda: self.step_requested.emit(-1))
        after.clicked.connect(lambda: self.step_requested.emit(1))
        self.list.itemClicked.connect(lambda item: self.place_requested.emit(self.list.row(item)))
        self.seen.clicked.connect(lambda: self._ask(self.seen_requested))
        self.waive.clicked.connect(lambda: self._ask(self.waive_requested))
        self.list.currentRowChanged.connect(self._show_possible)
        self.show_places([], {}, None, ready=True, has_scan=False)

    def show_places(
        self, places: Sequence[Place], done: Mapping[Place, str], current: Place | None, *, ready: bool, has_scan: bool
    ) -> None:
        """Show the places, what became of them, and which one is looked at.

        Parameters
        ----------
        ready
            Whether they are those of the mask as it is now.
        """
        if [item.data(Qt.ItemDataRole.UserRole) for item in self._items()] != list(places):
            self.list.clear()
            for place in places:
                item = QListWidgetItem()
                item.setData(Qt.ItemDataRole.UserRole, place)
                self.list.addItem(item)
        for item, place in zip(self._items(), places, strict=True):
            how = done.get(place, "")
            item.setText(f"{MARKS[how]} slice {place.slice}: {place.reason}")
            item.setToolTip(f"{how or 'not seen yet'}, score {place.score:.2f}")
            item.setData(Qt.ItemDataRole.ForegroundRole, DONE_COLOUR if how else None)
        if current is not None and current in places:
            self.list.setCurrentRow(list(places).index(current), QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._show_state(len(places), sum(place not in done for place in places), ready, has_scan)
        self._show_possible()

    def _show_state(self, count: int, unseen: int, ready: bool, has_scan: bool) -> None:
        if not has_scan:
            text = "Open a scan to be led to its suspicious places."
        elif not ready:
            text = "Looking for suspicious places…"
        elif not count:
            text = "Nothing suspicious was found; that is no proof that nothing is wrong."
        else:
            text = f"{count} {'place' if count == 1 else 'places'}, {unseen} not seen yet"
        self.state.setText(text)

    def _show_possible(self, _row: int = 0) -> None:
        for one in self._steps:
            one.setEnabled(self.list.count() > 0)
        for one in (self.seen, self.waive):
            one.setEnabled(self.list.currentRow() >= 0)

    def _items(self) -> list[QListWidgetItem]:
        found = (self.list.item(index) for index in range(self.list.count()))
        return [item for item in found if item is not None]

    def _ask(self, signal: Any) -> None:
        if self.list.currentRow() >= 0:
            signal.emit(self.list.currentRow())
