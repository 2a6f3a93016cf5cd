"""A strip with one bar a slice: a measure of it, at a glance; hovering tells the numbers, and a click goes there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_lesionseg.review.error_map import ERROR_COLOURS, FALSE_POSITIVE, HIT, MISSED
from napari_lesionseg.review.metrics import SliceScores

Values = npt.NDArray[np.float64]
TRACK, CURSOR = QColor(128, 128, 128, 50), QColor("#FFFFFF")
POOR_BELOW: Final = 0.7


@dataclass(frozen=True)
class Measure:
    """What the bars show.

    Parameters
    ----------
    title
        What it is called, with its unit.
    of
        The measure of every slice (z,), NaN for no bar; from the counts and the ml of a voxel.
    good, poor
        The bars' colours; a share (Dice, IoU) is poor below 0.7.
    share
        Whether a bar of full height is 1; else it is the largest there is.
    """

    title: str
    of: Callable[[SliceScores, float], Values]
    good: str
    poor: str
    share: bool


def _volume(name: str) -> Callable[[SliceScores, float], Values]:
    def of(scores: SliceScores, voxel_ml: float) -> Values:
        voxels = getattr(scores, name)
        return np.where(voxels > 0, voxels * voxel_ml, np.nan)

    return of


MEASURES: Final[dict[str, Measure]] = {
    "dice": Measure("Dice", lambda scores, _: scores.dice, ERROR_COLOURS[HIT], ERROR_COLOURS[FALSE_POSITIVE], True),
    "iou": Measure("IoU", lambda scores, _: scores.iou, ERROR_COLOURS[HIT], ERROR_COLOURS[FALSE_POSITIVE], True),
    "missed": Measure("Missed (ml)", _volume("missed"), ERROR_COLOURS[MISSED], ERROR_COLOURS[MISSED], False),
    "false_positive": Measure(
        "False positive (ml)",
        _volume("false_positive"),
        ERROR_COLOURS[FALSE_POSITIVE],
        ERROR_COLOURS[FALSE_POSITIVE],
        False,
    ),
}
"""What can be shown, by the name a chooser gives it."""


class SliceStrip(QWidget):
    """Bars from the scan's first slice (left) to its last; no bar where there is nothing to measure."""

    slice_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("slice_strip")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMouseTracking(True)
        self._scores: SliceScores | None = None
        self._voxel_ml = 0.0
        self._measure = MEASURES["dice"]
        self._values: Values = np.zeros(0)
        self._z = 0
        self.show_measure("dice")

    @property
    def values(self) -> Values:
        """The height of each bar (z,), NaN for none."""
        return self._values

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room, 40 pixels high."""
        return QSize(200, 40)

    def show_measure(self, name: str) -> None:
        """Show one of ``MEASURES``."""
        self._measure = MEASURES[name]
        colours = " from 0.7 on green, below orange;" if self._measure.share else ""
        self.setToolTip(f"{self._measure.title} of every slice, from feet to head:{colours} click to go there")
        self.show_scores(self._scores, self._voxel_ml, self._z)
        self.update()

    def show_scores(self, scores: SliceScores | None, voxel_ml: float, z: int) -> None:
        """Show the counts of each slice, None for nothing, with the ml of a voxel, and mark slice ``z``."""
        before, place, full = self._values, self._z, self._full
        self._scores, self._voxel_ml = scores, voxel_ml
        self._values = np.zeros(0) if scores is None else self._measure.of(scores, voxel_ml)
        self._z = z
        if len(before) != len(self._values) or full != self._full:
            self.update()
            return
        changed = np.flatnonzero(~((before == self._values) | (np.isnan(before) & np.isnan(self._values))))
        self._draw_anew({*map(int, changed), *((place, z) if place != z else ())})

    @property
    def _full(self) -> float:
        """What a bar of full height stands for."""
        shown = self._values[~np.isnan(self._values)]
        return 1.0 if self._measure.share or not len(shown) else float(shown.max())

    def _draw_anew(self, slices: set[int]) -> None:
        """Draw some bars anew: all of them would take longer than a stroke does."""
        wide = self.width() / max(1, len(self._values))
        for z in slices:
            self.update(int(z * wide) - 1, 0, int(wide) + 4, self.height())

    def told(self, z: int) -> str:
        """What is said of slice ``z`` when the mouse is over its bar."""
        if self._scores is None:
            return ""
        one = self._scores.one(z)
        if one.dice is None or one.iou is None:
            return f"Slice {z}: neither mask nor truth has a lesion"
        missed, wrong = one.missed * self._voxel_ml, one.false_positive * self._voxel_ml
        return f"Slice {z}: Dice {one.dice:.3f}, IoU {one.iou:.3f}, missed {missed:.2f} ml, false {wrong:.2f} ml"

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell the numbers of the slice under the mouse."""
        if event is not None and len(self._values):
            QToolTip.showText(self.mapToGlobal(event.pos()), self.told(self._slice_at(event.pos().x())), self)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the bars that are to be drawn."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), TRACK)
        count, height = len(self._values), float(self.height())
        if not count or event is None:
            return
        wide, full = self.width() / count, self._full
        first, last = int((event.rect().left() - 2) / wide), int((event.rect().right() + 2) / wide)
        for z in range(max(0, first), min(count, last + 1)):
            if np.isnan(self._values[z]):
                continue
            value = float(self._values[z])
            tall = max(2.0, value / full * height)
            good = not self._measure.share or value >= POOR_BELOW
            colour = QColor(self._measure.good if good else self._measure.poor)
            painter.fillRect(QRectF(z * wide, height - tall, max(1.0, wide - 0.5), tall), colour)
        painter.fillRect(QRectF((self._z + 0.5) * wide - 0.75, 0, 1.5, height), CURSOR)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the slice under the mouse."""
        if event is not None and len(self._values):
            self.slice_requested.emit(self._slice_at(event.pos().x()))

    def _slice_at(self, x: int) -> int:
        count = len(self._values)
        return min(count - 1, max(0, int(x / max(1, self.width()) * count)))
