"""The cheat-sheet: all our keys by panel, napari's own that matter, and what the mouse does, in one window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from napari.settings import get_settings
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_lesionseg.widgets.keys import SHEET

NAPARIS: Final = (
    ("activate_labels_paint_mode", "Paint"),
    ("activate_labels_erase_mode", "Erase"),
    ("activate_labels_fill_mode", "Fill"),
    ("activate_labels_pan_zoom_mode", "Move and zoom"),
    ("hold_for_pan_zoom", "Hold it to move and zoom"),
    ("decrease_brush_size", "A smaller brush"),
    ("increase_brush_size", "A larger brush"),
    ("increment_dims_left", "One slice back"),
    ("increment_dims_right", "One slice on"),
    ("toggle_selected_visibility", "Show or hide the chosen layer"),
    ("reset_view", "The whole slice again"),
    ("roll_axes", "The next plane"),
    ("toggle_ndisplay", "2D or 3D"),
)
"""Actions of napari, whose keys its user may have changed."""
MOUSE: Final = (
    ("Wheel", "Through the slices, if the Window panel says so"),
    ("Ctrl-wheel", "Zoom"),
    ("Ctrl-drag", "Change the window"),
    ("Alt-move", "Another size of the brush, while painting"),
    ("Right drag", "Draw round a place and fill it, while painting"),
)
MOST_COLUMNS, MARGIN, SCROLL_BAR = 4, 60, 40  # The last two in pixels.
Group = tuple[str, Sequence[tuple[str, str]]]


class KeySheet(QDialog):
    """All keys, grouped by panel; it may stay open while one works.

    Parameters
    ----------
    parent
        The window whose theme it has.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("key_sheet")
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        room = _room(parent)
        area = QScrollArea()
        area.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(area)  # It has the theme's letters from now on.
        for columns in range(MOST_COLUMNS, 0, -1):
            inner = _filled(columns)
            area.setWidget(inner)
            if inner.sizeHint().width() <= room.width():
                break
        self.resize((inner.sizeHint() + QSize(SCROLL_BAR, SCROLL_BAR)).boundedTo(room))


def sheet() -> list[Group]:
    """Give the groups of the cheat-sheet: title, and (key, sentence) by (key, sentence)."""
    ours: list[Group] = [(title, [(key.text, key.sentence) for key in keys.values()]) for title, keys in SHEET.items()]
    return [*ours, ("napari", [(_key_of(action), sentence) for action, sentence in NAPARIS]), ("Mouse", MOUSE)]


def _key_of(action: str) -> str:
    keys = get_settings().shortcuts.shortcuts.get(f"napari:{action}", [])
    return ", ".join(str(key).replace("+", "-") for key in keys)


def _filled(columns: int) -> QWidget:
    made = QWidget()
    inside = QHBoxLayout(made)
    inside.setSpacing(24)
    for groups in _shared_out(sheet(), columns):
        inside.addLayout(_column(groups))
    return made


def _shared_out(groups: Sequence[Group], columns: int) -> list[list[Group]]:
    """Fill columns one after the other, each with about as many lines."""
    lines = [2 + len(keys) for _, keys in groups]
    made: list[list[Group]] = [[] for _ in range(columns)]
    before = 0
    for group, own in zip(groups, lines, strict=True):
        made[(before + own // 2) * columns // sum(lines)].append(group)
        before += own
    return made


def _room(widget: QWidget) -> QSize:
    """The part of the screen a window of ours may fill."""
    screen = widget.screen()
    return QSize(1280, 800) if screen is None else screen.availableSize() - QSize(MARGIN, MARGIN)


def _column(groups: Sequence[Group]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(2)
    grid.setColumnStretch(1, 1)
    for title, keys in groups:
        head = _label(title, bold=True)
        head.setContentsMargins(0, 8, 0, 2)
        grid.addWidget(head, grid.rowCount(), 0, 1, 2)
        for key, sentence in keys:
            row = grid.rowCount()
            grid.addWidget(_label(key, bold=True), row, 0)
            grid.addWidget(_label(sentence), row, 1)
    grid.setRowStretch(grid.rowCount(), 1)
    return grid


def _label(text: str, *, bold: bool = False) -> QLabel:
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if bold:
        made.setStyleSheet("font-weight: bold;")  # The colours are the theme's.
    return made
