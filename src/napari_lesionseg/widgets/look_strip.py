"""A strip with one bar a slice: how long it was looked at, and whether it is corrected; a click goes there."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

LOOKED_SECONDS = 0.5  # Who scrolls past a slice has not looked at it; as in study.looks.
FULL_SECONDS = 30.0  # A bar of full height.
LOOKED, PASSED, CORRECTED = QColor("#56B4E9"), QColor(128, 128, 128, 140), QColor("#E69F00")
TRACK, CURSOR = QColor(128, 128, 128, 50), QColor("#FFFFFF")
TIP = "Time on each slice, from feet to head: blue was looked at, grey only passed, orange is corrected; click to go"


class LookStrip(QWidget):
    """Bars from the scan's first slice (left) to its last; the longer it was looked at, the higher."""

    slice_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("look_strip")
        self.setToolTip(TIP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._seconds: Mapping[int, float] = {}
        self._corrected: frozenset[int] = frozenset()
        self._count = self._z = 0

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room, 32 pixels high."""
        return QSize(200, 32)

    def show_looks(self, seconds: Mapping[int, float], corrected: frozenset[int], count: int, z: int) -> None:
        """Show the seconds by display slice (z) of ``count``, those that are corrected, and mark slice ``z``."""
        self._seconds, self._corrected, self._count, self._z = dict(seconds), corrected, count, z
        here = self._seconds.get(z, 0.0)
        self.setToolTip(f"{TIP}\nSlice {z}: {here:.1f} s" if count else TIP)
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the bars."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), TRACK)
        if not self._count:
            return
        wide, height = self.width() / self._count, float(self.height())
        for z, seconds in self._seconds.items():
            tall = max(2.0, (height - 4) * share_of_bar(seconds))
            colour = LOOKED if seconds >= LOOKED_SECONDS else PASSED
            painter.fillRect(QRectF(z * wide, height - tall, max(1.0, wide - 0.5), tall), colour)
        for z in self._corrected:
            painter.fillRect(QRectF(z * wide, 0, max(1.0, wide), 3), CORRECTED)
        painter.fillRect(QRectF((self._z + 0.5) * wide - 0.75, 0, 1.5, height), CURSOR)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the slice under the mouse."""
        if event is not None and self._count:
            across = event.pos().x() / max(1, self.width())
            self.slice_requested.emit(min(self._count - 1, max(0, int(across * self._count))))


def share_of_bar(seconds: float) -> float:
    """How much of a bar's height so many seconds take, 0 to 1: the first ones count most."""
    return min(1.0, math.log1p(seconds) / math.log1p(FULL_SECONDS))
