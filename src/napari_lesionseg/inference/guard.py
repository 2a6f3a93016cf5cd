"""What a model doubts is held back: marks of one slice that are nowhere sure enough, or too small.

With the threshold it is the triplet (top, minimum area, bottom) of the winners of the SIIM-ACR Pneumothorax challenge
(2019), fitted on calibration patients. Slice by slice, so that a slice is the same whichever others are looked at.
"""

from __future__ import annotations

import cv2
import numpy as np

from napari_lesionseg.inference.postprocess import lowest_marked
from napari_lesionseg.inference.preprocess import Bytes
from napari_lesionseg.models.config import Guard


def hold_back(probability: Bytes, threshold: float, guard: Guard, pixel_mm2: float) -> Bytes:
    """Lower what ``guard`` doubts to just under the threshold; a lower threshold shows it again.

    Parameters
    ----------
    probability
        (height, width), p·255, of one slice.
    threshold
        From 0 to 1: marks are the 8-connected regions that reach it.
    pixel_mm2
        Area of a pixel.
    """
    bottom = lowest_marked(threshold)
    marks = np.asarray(probability >= bottom, np.uint8)
    if not marks.any():
        return probability
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8, ltype=cv2.CV_32S)
    doubted = stats[:, cv2.CC_STAT_AREA] * pixel_mm2 < guard.minimum_mm2
    sure = np.zeros(count, np.bool_)
    sure[labels[probability >= lowest_marked(guard.top)]] = True
    doubted |= ~sure
    doubted[0] = False  # What is not marked at all.
    if not doubted.any():
        return probability
    return np.where(doubted[labels], np.uint8(bottom - 1), probability)
