"""A strip with one bar a slice: its Dice, at a glance, and a click goes there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

GOOD, POOR, TRACK, CURSOR = QColor("#009E73"), QColor("#E69F00"), QColor(128, 128, 128, 50), QColor("#FFFFFF")
POOR_BELOW = 0.7


class SliceStrip(QWidget):
    """Bars from the scan's first slice (left) to its last; no bar where neither mask nor truth has a lesion."""

    slice_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("slice_strip")
        self.setToolTip("Dice of every slice, from feet to head: green from 0.7 on, orange below; click to go there")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._dice: npt.NDArray[np.float64] = np.zeros(0)
        self._z = 0

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room, 40 pixels high."""
        return QSize(200, 40)

    def show_dice(self, dice: npt.NDArray[np.float64], z: int) -> None:
        """Show the Dice of each slice (NaN: no lesion in mask or truth), and mark slice ``z``."""
        self._dice, self._z = dice, z
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the bars."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), TRACK)
        count, height = len(self._dice), float(self.height())
        if not count:
            return
        wide = self.width() / count
        for z in np.flatnonzero(~np.isnan(self._dice)):
            value = float(self._dice[z])
            tall = max(2.0, value * height)
            colour = GOOD if value >= POOR_BELOW else POOR
            painter.fillRect(QRectF(z * wide, height - tall, max(1.0, wide - 0.5), tall), colour)
        painter.fillRect(QRectF((self._z + 0.5) * wide - 0.75, 0, 1.5, height), CURSOR)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the slice under the mouse."""
        if event is not None and len(self._dice):
            across = event.pos().x() / max(1, self.width())
            self.slice_requested.emit(min(len(self._dice) - 1, max(0, int(across * len(self._dice)))))
