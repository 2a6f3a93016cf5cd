"""Loss and Dice of a training while it runs.

Drawn by hand: matplotlib takes half a second to import, during which the window stands still, and a tenth of a
second for each drawing.
"""

from __future__ import annotations

import math

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

COLOURS = {"loss": "#E69F00", "training Dice": "#009E73", "validation Dice": "#56B4E9"}
TEXT, GRID = QColor("#B8BCC4"), QColor("#4A4F58")
LEFT, RIGHT, TOP, BOTTOM = 38, 30, 20, 30  # Pixels around the curves.
PAUSE_MS = 300  # Drawing anything draws the whole window.

Points = list[tuple[float, float]]


class CurveView(QWidget):
    """Three curves over the epochs: loss of every step (left axis), Dice of training and validation (right axis)."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("curves")
        self.setToolTip("Loss of every step (left axis); Dice of training and of validation patients (right axis)")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.timeout.connect(self.update)
        self.clear(1)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room."""
        return QSize(300, 150)

    def clear(self, epochs: int) -> None:
        """Forget the last training; the next has so many epochs."""
        self._epochs = max(1, epochs)
        self.points: dict[str, Points] = {name: [] for name in COLOURS}
        self.update()

    def add(self, name: str, epoch: float, value: float | None) -> None:
        """Add a point to the curve ``name``; None where there is no value."""
        if value is not None:
            self.points[name].append((epoch, value))
            if not self._redraw.isActive():
                self._redraw.start(PAUSE_MS)

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw frame, numbers, names and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(8)
        painter.setFont(font)
        area = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        highest = _round_up(max((value for _, value in self.points["loss"]), default=1.0))
        self._draw_frame(painter, area, highest)
        self._draw_names(painter, area)
        for name, colour in COLOURS.items():
            top = highest if name == "loss" else 1.0
            _draw_curve(painter, area, self.points[name], QColor(colour), self._epochs, top)

    def _draw_frame(self, painter: QPainter, area: QRectF, highest: float) -> None:
        centre = Qt.AlignmentFlag.AlignCenter
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(GRID, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(COLOURS["loss"]))
            painter.drawText(QRectF(0, y - 8, LEFT - 4, 16), Qt.AlignmentFlag.AlignRight, f"{share * highest:.2g}")
            painter.setPen(QColor(COLOURS["validation Dice"]))
            painter.drawText(QRectF(area.right() + 4, y - 8, RIGHT, 16), Qt.AlignmentFlag.AlignLeft, f"{share:.1f}")
        painter.setPen(TEXT)
        step = max(1, math.ceil(self._epochs / 6))
        for epoch in range(0, self._epochs + 1, step):
            x = area.left() + epoch / self._epochs * area.width()
            painter.drawText(QRectF(x - 15, area.bottom() + 2, 30, 14), centre, str(epoch))
        painter.drawText(QRectF(area.left(), area.bottom() + 14, area.width(), 16), centre, "epoch")

    def _draw_names(self, painter: QPainter, area: QRectF) -> None:
        x = area.left()
        for name, colour in COLOURS.items():
            painter.setPen(QPen(QColor(colour), 2))
            painter.drawLine(QPointF(x, 9), QPointF(x + 10, 9))
            painter.setPen(TEXT)
            painter.drawText(QPointF(x + 14, 13), name)
            x += 26 + painter.fontMetrics().horizontalAdvance(name)


def _draw_curve(painter: QPainter, area: QRectF, points: Points, colour: QColor, epochs: int, top: float) -> None:
    places = [
        QPointF(area.left() + epoch / epochs * area.width(), area.bottom() - min(1.0, value / top) * area.height())
        for epoch, value in points
    ]
    painter.setPen(QPen(colour, 1.6))
    painter.drawPolyline(QPolygonF(places))
    if len(places) < 20:
        painter.setBrush(colour)
        for place in places:
            painter.drawEllipse(place, 1.8, 1.8)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10 … at or above ``value``, at any power of ten."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)
