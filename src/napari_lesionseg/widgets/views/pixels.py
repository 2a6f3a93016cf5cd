"""Arrays as images of Qt's."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from qtpy.QtGui import QColor, QImage

Pixels = npt.NDArray[np.uint8]


def grey_image(pixels: Pixels) -> QImage:
    """Make an image of its own of grey values (row, column), black 0 to white 255."""
    return _image(pixels, QImage.Format.Format_Grayscale8).copy()


def label_image(labels: Pixels, colour: str, opacity: float) -> QImage:
    """Make an image of its own in which every label but 0 has one colour, and 0 is not seen."""
    image = _image(labels, QImage.Format.Format_Indexed8)
    image.setColorTable(list(_table(colour, opacity)))
    return image.copy()


def _image(pixels: Pixels, kind: QImage.Format) -> QImage:
    rows, columns = pixels.shape
    return QImage(pixels.tobytes(), columns, rows, columns, kind)


@cache
def _table(colour: str, opacity: float) -> tuple[int, ...]:
    seen = QColor(colour)
    seen.setAlphaF(opacity)
    return (QColor(0, 0, 0, 0).rgba(), *[seen.rgba()] * 255)
