"""One view: a section of a scan with mask, truth's outline, cross-hair and side letters, painted without OpenGL."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lesionseg.widgets.layer_styles import MASK_COLOUR, MASK_OPACITY, TRUTH_COLOUR
from napari_lesionseg.widgets.views.pixels import grey_image, label_image
from napari_lesionseg.widgets.views.slice_picture import SlicePicture

BACKGROUND, TEXT, CROSS = QColor("#000000"), QColor("#D8D8D8"), QColor("#7FE0A0")
NOTCH = 120  # Of a wheel: an eighth of a degree each.
ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class SliceView(QWidget):
    """Shows a picture as large as there is room, its pixels as wide and high as they are in mm.

    What lies under the cross-hair is kept as one image, so that a cross-hair that moves costs two lines.
    """

    pixel_requested = Signal(int, int)
    """Row and column that were clicked, or dragged to."""
    scroll_requested = Signal(int)
    """Sections further on; back, if negative."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.title = title
        self.setToolTip(f"{title}: click or drag to move the cross-hair, turn the wheel to scroll")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # A click leaves the keys with the canvas.
        self.picture: SlicePicture | None = None
        self.cross: tuple[int, int] | None = None
        self._overlays, self._outline = True, True
        self._composed: QPixmap | None = None
        self._turned = 0
        self.composed = 0  # How often it was drawn from its parts.

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A square beside the canvas."""
        return QSize(320, 300)

    def show_picture(self, picture: SlicePicture | None) -> None:
        """Show another picture, None for none."""
        self.picture = picture
        self.refresh()

    def show_cross(self, pixel: tuple[int, int] | None) -> None:
        """Put the cross-hair at this row and column, None for nowhere."""
        if pixel != self.cross:
            self.cross = pixel
            self.update()

    def show_overlays(self, mask: bool, truth: bool) -> None:
        """Show or hide mask and truth."""
        if (mask, truth) != (self._overlays, self._outline):
            self._overlays, self._outline = mask, truth
            self.refresh()

    def refresh(self) -> None:
        """Draw the picture from its parts again, as soon as the window has time."""
        self._composed = None
        self.update()

    # ---- where things are

    def frame(self) -> QRectF:
        """Where the picture is in this widget."""
        if self.picture is None:
            return QRectF()
        (rows, columns), (high, wide) = self.picture.section.size, self.picture.section.pixel_mm
        scale = min(self.width() / (columns * wide), self.height() / (rows * high))
        width, height = columns * wide * scale, rows * high * scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def point_of(self, row: float, column: float) -> QPointF:
        """The middle of a pixel, in this widget."""
        frame = self.frame()
        rows, columns = (1, 1) if self.picture is None else self.picture.section.size
        x = frame.left() + (column + 0.5) / columns * frame.width()
        return QPointF(x, frame.top() + (row + 0.5) / rows * frame.height())

    def pixel_at(self, point: QPointF) -> tuple[int, int] | None:
        """The row and column under a point, or the nearest one; None without a picture."""
        frame = self.frame()
        if self.picture is None or frame.isEmpty():
            return None
        rows, columns = self.picture.section.size
        row = int((point.y() - frame.top()) / frame.height() * rows)
        column = int((point.x() - frame.left()) / frame.width() * columns)
        return max(0, min(row, rows - 1)), max(0, min(column, columns - 1))

    # ---- what a hand does

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the pixel that was clicked."""
        self._point(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the pixel that was dragged to."""
        self._point(event)

    def _point(self, event: QMouseEvent | None) -> None:
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            pixel = self.pixel_at(QPointF(event.pos()))
            if pixel is not None:
                self.pixel_requested.emit(*pixel)

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802 - Qt's name
        """Scroll a section a notch; a touch pad adds up to notches."""
        if event is None:
            return
        self._turned += event.angleDelta().y()
        steps = int(self._turned / NOTCH)
        if steps:
            self._turned -= steps * NOTCH
            self.scroll_requested.emit(steps)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move the cross-hair by arrow keys, once Tab has come here."""
        step = None if event is None else ARROWS.get(Qt.Key(event.key()))
        if step is None or self.cross is None:
            super().keyPressEvent(event)
            return
        self.pixel_requested.emit(self.cross[0] + step[0], self.cross[1] + step[1])

    # ---- painting

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw it anew at another size."""
        self._composed = None
        super().resizeEvent(event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the picture, and the cross-hair over it."""
        painter = QPainter(self)
        if self._composed is None:
            self._composed = self._compose()
        painter.drawPixmap(0, 0, self._composed)
        if self.picture is not None and self.cross is not None:
            frame, at = self.frame(), self.point_of(*self.cross)
            painter.setPen(QPen(CROSS, 1))
            painter.drawLine(QPointF(frame.left(), at.y()), QPointF(frame.right(), at.y()))
            painter.drawLine(QPointF(at.x(), frame.top()), QPointF(at.x(), frame.bottom()))

    def _compose(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(BACKGROUND)
        painter = QPainter(made)
        if self.picture is not None:
            self.composed += 1
            self._draw(painter, self.picture)
        painter.end()
        return made

    def _draw(self, painter: QPainter, picture: SlicePicture) -> None:
        frame = self.frame()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.drawImage(frame, grey_image(picture.grey))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        if self._overlays and picture.labels is not None:
            painter.drawImage(frame, label_image(picture.labels, MASK_COLOUR, MASK_OPACITY))
        if self._overlays and self._outline and picture.outline is not None:
            painter.drawImage(frame, label_image(picture.outline, TRUTH_COLOUR, 0.9))
        self._label(painter, picture, frame.adjusted(4, 2, -4, -2))

    def _label(self, painter: QPainter, picture: SlicePicture, room: QRectF) -> None:
        middle = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignHCenter
        ends = (
            Qt.AlignmentFlag.AlignLeft | middle[0],
            Qt.AlignmentFlag.AlignRight | middle[0],
            Qt.AlignmentFlag.AlignTop | middle[1],
            Qt.AlignmentFlag.AlignBottom | middle[1],
        )
        for letter, end in zip(picture.letters, ends, strict=True):
            _write(painter, room, end, letter)
        words = f"{self.title} {picture.index} / {picture.section.count - 1}"
        corner = QRectF(self.rect()).adjusted(4, 2, -4, -2)
        _write(painter, corner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, words)


def _write(painter: QPainter, room: QRectF, where: Any, text: str) -> None:
    """Write on black and on white alike."""
    for colour, off in ((BACKGROUND, 1), (TEXT, 0)):
        painter.setPen(colour)
        painter.drawText(room.translated(off, off), int(where), text)
