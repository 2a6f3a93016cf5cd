"""The lesions of the mask as a table that sorts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QPainter, QPixmap

from napari_lesionseg.review.lesion_states import Voxel

if TYPE_CHECKING:
    from napari_lesionseg.review.counted_lesions import Listed  # They bring cc3d: not while the dock opens.

COLUMNS: Final = ("#", "ml", "Slices", "Side", "HU", "GG %", "Co %", "Conf.", "Truth")
TIPS: Final = (
    "Number of the lesion, the largest first; a dot: green is accepted, hollow is missed",
    "Volume in ml; lesions below 0.1 ml are in brackets and not counted elsewhere",
    "First and last slice",
    "The lung it lies in: R, L, or R+L with a fifth of it in each; needs the lungs",
    "Mean density in HU",
    "Ground glass: share of its voxels from −750 to −300 HU",
    "Consolidation: share of its voxels above −300 up to 50 HU",
    "Confidence: mean probability of its voxels in the prediction",
    "Matched if the truth has any of its voxels, else false; missed if it is in the truth and the mask has none of it",
)
ACCEPTED_COLOUR, MISSED_COLOUR = "#4FB36B", "#E5533D"
SIDES: Final = {"right": "R", "left": "L", "both": "R+L", "": ""}
SORT_ROLE: Final = Qt.ItemDataRole.UserRole
_ROOT = QModelIndex()
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class LesionList(QAbstractTableModel):
    """Lesions, a row each."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Listed] = []
        self._accepted: frozenset[Voxel] = frozenset()
        self._dots = {"accepted": _dot(ACCEPTED_COLOUR), "missed": _dot(MISSED_COLOUR, hollow=True)}

    def show(self, rows: Sequence[Listed], accepted: Collection[Voxel]) -> None:
        """Show these lesions; those whose place is ``accepted`` have a dot."""
        self.beginResetModel()
        self.rows, self._accepted = list(rows), frozenset(accepted)
        self.endResetModel()

    def is_accepted(self, lesion: Listed) -> bool:
        """Whether the reviewer takes the lesion for right."""
        return lesion.place in self._accepted

    def known_columns(self) -> list[bool]:
        """Of each column, whether there is anything to show in it."""
        return [not self.rows or any(texts(row)[at] for row in self.rows) for at in range(len(COLUMNS))]

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many lesions."""
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
        """What a cell shows, sorts by, and looks like."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return texts(row)[column]
        if role == SORT_ROLE:
            return _keys(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"Lesion {row.number}, label {row.label}: {self.state(row) or 'not decided'}"
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return self._dots.get(self.state(row))
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and column not in (2, 3, 8) else None

    def state(self, row: Listed) -> str:
        """What is to be said of a lesion: accepted, missed, or nothing."""
        if row.match == "missed":
            return "missed"
        return "accepted" if self.is_accepted(row) else ""


def texts(row: Listed) -> tuple[str, ...]:
    """What the columns show of a lesion; "" where nothing is known."""
    ml = f"{row.volume_ml:.2f}" if row.counted else f"({row.volume_ml:.2f})"
    first, last = row.slices
    return (
        str(row.number),
        ml,
        str(first) if first == last else f"{first}–{last}",
        SIDES[row.side],
        "" if row.mean_hu is None else f"{row.mean_hu:.0f}",
        _per_cent(row.ground_glass),
        _per_cent(row.consolidation),
        "" if row.confidence is None else f"{row.confidence:.2f}",
        row.match,
    )


def _per_cent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def _keys(row: Listed) -> tuple[Any, ...]:
    """What the columns sort by; what is not known comes first."""
    unknown = -2000.0
    numbers = (row.mean_hu, row.ground_glass, row.consolidation, row.confidence)
    return (
        row.number,
        row.volume_ml,
        row.slices[0],
        row.side,
        *(unknown if one is None else one for one in numbers),
        row.match,
    )


def _dot(colour: str, *, hollow: bool = False) -> QPixmap:
    dot = QPixmap(7, 7)
    dot.fill(QColor(0, 0, 0, 0) if hollow else QColor(colour))
    painter = QPainter(dot)
    painter.setPen(QColor(colour))
    painter.drawRect(0, 0, 6, 6)
    painter.end()
    return dot
