"""What was done to the mask, step by step, and which slices were really looked at."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from napari_lesionseg.review.history import History
from napari_lesionseg.widgets.look_strip import LOOKED_SECONDS, LookStrip
from napari_lesionseg.widgets.parts import column, note
from napari_lesionseg.widgets.step_list import StepList

LIST_HEIGHT = 150  # Pixels.


class HistoryPanel(QWidget):
    """Says which state is wanted, and which slice."""

    step_requested = Signal(int)
    """The position in the journal of the last edit that is to be done; 0 for none."""
    slice_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.steps = StepList()
        self.list = QListView()
        self.list.setObjectName("history_steps")
        self.list.setToolTip("Every edit of the mask; click one to go to the state after it, nothing is lost by that")
        self.list.setModel(self.steps)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setFixedHeight(LIST_HEIGHT)
        self.strip, self.time = LookStrip(), note("look_time")
        self._strips = [self.strip]
        self.count = note("history_count")
        column(self, self.list, self.count, self.strip, self.time)
        self.list.clicked.connect(self._on_clicked)
        self.strip.slice_requested.connect(self.slice_requested)
        self.show_history(History())
        self.show_looks({}, frozenset(), 0, 0)

    def show_history(self, history: History) -> None:
        """Show the steps, and which of them was done last."""
        self.steps.follow(history)
        self.list.setCurrentIndex(self.steps.index(history.done))
        undone = len(history.steps) - history.done
        noun = "step" if history.done == 1 else "steps"
        self.count.setText(f"{history.done} {noun}" + (f", {undone} undone" if undone else ""))

    def show_looks(self, seconds: Mapping[int, float], corrected: frozenset[int], count: int, z: int) -> None:
        """Show the seconds by display slice (z) of ``count``, the corrected ones, and slice ``z``."""
        for strip in self._strips:
            strip.show_looks(seconds, corrected, count, z)
        looked = sum(1 for spent in seconds.values() if spent >= LOOKED_SECONDS)
        total = words_of_time(sum(seconds.values()))
        here = words_of_time(seconds.get(z, 0.0))
        self.time.setText(f"{looked} of {count} slices looked at, {total}; this one {here}" if count else "")
        self.time.setVisible(bool(count))

    def show_also_on(self, strip: LookStrip) -> None:
        """Show the time on each slice on another strip, too."""
        shown = self._strips
        shown.append(strip)
        strip.destroyed.connect(lambda *_: shown.remove(strip))  # The window may go before the panel.

    def _on_clicked(self, index: QModelIndex) -> None:
        self.step_requested.emit(self.steps.position(index.row()))


def words_of_time(seconds: float) -> str:
    """Give a time for people: ``45 s``, ``12 min 5 s``, ``1 h 2 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
