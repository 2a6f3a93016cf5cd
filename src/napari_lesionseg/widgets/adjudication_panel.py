"""Settling two readings: where they agree and differ, and what of which is taken."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_lesionseg.review.agreement_map import AGREEMENT_COLOURS, AGREEMENT_NAMES
from napari_lesionseg.widgets.parts import button, column, note, row

TAKES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "A": ("Take A", "What reading A has there; its key: in the lesion under the mouse"),
        "B": ("Take B", "What reading B has there; its key: in the lesion under the mouse"),
        "both": ("Take both", "The union: what either has there; its key: in the lesion under the mouse"),
        "agreed": ("Take agreed", "The intersection: what both have there; its key: in the lesion under the mouse"),
    }
)
PLACES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "slice": ("Slice", "Take it in the slice on the screen"),
        "lesion": ("Lesion", "Take it in the lesion that was clicked, or that the arrows led to"),
        "scan": ("Whole scan", "Take it in all slices"),
    }
)
FIGURES: Final = ("dice", "lesion_f1", "volume_a_ml", "volume_b_ml", "difference_ml")
_HEADS: Final = ("Dice", "Lesion F1", "A ml", "B ml", "B − A ml")


class AdjudicationPanel(QWidget):
    """Says who wants to read or to settle, what is to be taken and where; shows figures and what is left to decide."""

    read_requested = Signal()
    finish_requested = Signal()
    adjudicate_requested = Signal()
    take_requested = Signal(str, str)
    """What (A, B, both, agreed) and where (slice, lesion, scan)."""
    step_requested = Signal(int)
    """1 or -1: the next or the previous disagreement."""
    map_toggled = Signal(bool)
    settle_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.read = button("read_blind", "Read blind", "Draw a reading of your own, which no other reviewer can see")
        self.finish = button(
            "finish_reading", "Finish reading", "Keep your reading as it is; it cannot be changed then"
        )
        self.adjudicate = button("adjudicate", "Settle two", "Compare the two finished readings and settle them")
        self.state = note("reading_state")
        self.legend = note("adjudication_legend", _legend())
        self.legend.setToolTip("What both readings have is in the mask at first; the white line is the mask as it is")
        self.map = button("show_agreement", "Colours", "Show or hide the three colours", checkable=True)
        self.map.setChecked(True)
        self.map.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.figures = {name: _figure(name) for name in FIGURES}
        self.previous = button("previous_disagreement", "‹ Previous", "The disagreement before this one")
        self.next = button("next_disagreement", "Next ›", "The next disagreement, largest first")
        self.where = note("disagreement")
        self.places = {name: button(f"take_in_{name}", *texts, checkable=True) for name, texts in PLACES.items()}
        self.takes = {name: button(f"take_{name}", *texts) for name, texts in TAKES.items()}
        self.left = note("undecided")
        self.settle = button("settle", "Keep as settled", "Keep the mask as the one that settles both readings")
        self._group = QButtonGroup(self)
        for one in self.places.values():
            self._group.addButton(one)
        self.places["lesion"].setChecked(True)
        self._lay_out()
        self._connect()
        self.show_active(False)
        self.show_state("Open a case of a study to read it blind, or to settle two readings.")

    def _lay_out(self) -> None:
        names = list(self.takes.values())
        inside = self._inside = QWidget()
        layout = column(inside, row(self.legend, self.map))
        layout.addLayout(self._table())
        for line in (
            row(self.previous, self.next),
            self.where,
            row(*self.places.values(), label="Take in"),
            row(*names[:2]),
            row(*names[2:]),
            self.left,
            row(self.settle),
        ):
            layout.addWidget(line) if isinstance(line, QWidget) else layout.addLayout(line)
        column(self, row(self.read, self.finish, self.adjudicate), self.state, inside)

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        for at, (head, name) in enumerate(zip(_HEADS, FIGURES, strict=True)):
            grid.addWidget(QLabel(head), 0, at, Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(self.figures[name], 1, at, Qt.AlignmentFlag.AlignHCenter)
        return grid

    def _connect(self) -> None:
        for name, one in self.takes.items():
            one.clicked.connect(lambda _=False, name=name: self.take_requested.emit(name, self.place))
        self.read.clicked.connect(self.read_requested)
        self.finish.clicked.connect(self.finish_requested)
        self.adjudicate.clicked.connect(self.adjudicate_requested)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self.map.toggled.connect(self.map_toggled)
        self.settle.clicked.connect(self.settle_requested)

    @property
    def place(self) -> str:
        """Where a take is meant: slice, lesion or scan."""
        return next(name for name, one in self.places.items() if one.isChecked())

    def show_state(self, text: str, *, read: bool = False, finish: bool = False, adjudicate: bool = False) -> None:
        """Say how far the double reading of the open case is, and offer what can be done next."""
        self.state.setText(text)
        self.state.setVisible(bool(text))
        self.read.setEnabled(read)
        self.finish.setEnabled(finish)
        self.adjudicate.setEnabled(adjudicate)

    def show_active(self, active: bool) -> None:
        """Show the tools while two readings are settled."""
        self._inside.setVisible(active)
        if not active:
            self.show_figures({})
            self.show_disagreement("")

    def show_figures(self, figures: Mapping[str, float | None]) -> None:
        """Show the agreement of the two readings; – where a figure is undefined."""
        for name, label in self.figures.items():
            label.setText(_text(name, figures.get(name)))

    def show_disagreement(self, text: str) -> None:
        """Say which disagreement or lesion a take is about."""
        self.where.setText(text)

    def show_left(self, left: int, total: int) -> None:
        """Show how many disagreements nobody has decided yet."""
        if not total:
            self.left.setText("The readings agree in every voxel.")
        elif left:
            self.left.setText(f"{left} of {total} disagreements are undecided.")
        else:
            self.left.setText(f"All {total} disagreements are decided.")


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name.endswith("_ml"):
        return f"{value:+.2f}" if name == "difference_ml" else f"{value:.2f}"
    return f"{value:.3f}"


def _legend() -> str:
    names = AGREEMENT_NAMES.items()
    return "&nbsp;&nbsp; ".join(
        f'<span style="color:{AGREEMENT_COLOURS[label]}">■</span> {name}' for label, name in names
    )


def _figure(name: str) -> QLabel:
    made = QLabel("–")
    made.setObjectName(f"agreement_{name}")
    made.setToolTip("– where neither reading has a lesion")
    made.setStyleSheet("font-weight: bold;")
    return made
