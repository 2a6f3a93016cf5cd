"""Growing, shrinking and closing of masks (z, y, x), each slice for itself, by a disc in mm."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]


def grow(mask: Bools, radius_mm: float, spacing: Spacing) -> Bools:
    """Voxels within ``radius_mm`` of the mask."""
    return _each(mask, cv2.MORPH_DILATE, radius_mm, spacing)


def shrink(mask: Bools, radius_mm: float, spacing: Spacing) -> Bools:
    """Voxels whose surroundings of ``radius_mm`` are all in the mask; what lies beyond the picture counts as in."""
    return _each(mask, cv2.MORPH_ERODE, radius_mm, spacing)


def close(mask: Bools, radius_mm: float, spacing: Spacing) -> Bools:
    """Fill what a disc outside the mask cannot reach; the picture's border is no wall."""
    margin = _pixels(radius_mm, spacing) + 1
    padded = np.pad(mask, ((0, 0), (margin, margin), (margin, margin)))
    return _each(padded, cv2.MORPH_CLOSE, radius_mm, spacing)[:, margin:-margin, margin:-margin]


def open_up(mask: Bools, radius_mm: float, spacing: Spacing) -> Bools:
    """Drop what a disc inside the mask cannot reach."""
    return _each(mask, cv2.MORPH_OPEN, radius_mm, spacing)


def hulls(mask: Bools) -> Bools:
    """The convex hull of every slice."""
    filled = np.zeros(mask.shape, np.uint8)
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        y, x = np.nonzero(mask[z])
        cv2.fillConvexPoly(filled[z], cv2.convexHull(np.stack([x, y], axis=1).astype(np.int32)), 1)
    return filled.view(np.bool_)


def _each(mask: Bools, how: int, radius_mm: float, spacing: Spacing) -> Bools:
    radius = _pixels(radius_mm, spacing)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    done = np.zeros(mask.shape, np.uint8)
    source = np.ascontiguousarray(mask).view(np.uint8)
    for z in np.flatnonzero(mask.any(axis=(1, 2))):  # In an empty slice all four leave nothing.
        done[z] = cv2.morphologyEx(source[z], how, disc)
    return done.view(np.bool_)


def _pixels(radius_mm: float, spacing: Spacing) -> int:
    return max(1, round(radius_mm / spacing[1]))
