"""Judge a viewer by its picture: the mask must lie on its lesion, and both the right way round.

Only the red of the mask tells where in a picture the slice lies. So for each way in which a slice can be turned or
mirrored, the picture is laid under the slice by the mask's outer edges, and then compared: the red with the mask, and
the grey everywhere else with the scan. One way fits; it must be the upright one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from scipy import ndimage

WINDOW_HU: Final = (-1350.0, 150.0)
_TURNS: Final = {
    "upright": lambda plane: plane,
    "left and right swapped": lambda plane: plane[:, ::-1],
    "top and bottom swapped": lambda plane: plane[::-1],
    "turned by 180°": lambda plane: plane[::-1, ::-1],
    "axes swapped": lambda plane: plane.T,
    "turned by 90°": lambda plane: np.rot90(plane),
    "turned by 270°": lambda plane: np.rot90(plane, 3),
    "axes swapped and turned": lambda plane: plane.T[::-1, ::-1],
}


@dataclass(frozen=True)
class Fit:
    """How one way of turning the slice fits the picture: Dice of the mask, correlation of the grey levels."""

    way: str
    dice: float
    grey: float


def best_fit(picture: Path, hu: np.ndarray, mask: np.ndarray) -> Fit:
    """The way of turning the slice (row, column) that fits the picture best."""
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(np.float64)
    red = _largest_part((pixels[..., 0] - pixels[..., 1] > 80) & (pixels[..., 0] - pixels[..., 2] > 80))
    fits = [_fit(way, pixels.mean(axis=2), red, turn(hu), turn(mask)) for way, turn in _TURNS.items()]
    return max(fits, key=lambda fit: fit.dice + fit.grey)


def _fit(way: str, grey: np.ndarray, red: np.ndarray, hu: np.ndarray, mask: np.ndarray) -> Fit:
    """Lay picture pixels under the centres of voxels; what falls outside the picture counts as not shown."""
    (top, bottom), (left, right) = _box(red)
    (first_row, last_row), (first_column, last_column) = _box(mask)
    rows = top + (np.arange(mask.shape[0]) + 0.5 - first_row) * (bottom - top) / (last_row - first_row)
    columns = left + (np.arange(mask.shape[1]) + 0.5 - first_column) * (right - left) / (last_column - first_column)
    inside_rows, inside_columns = (rows >= 0) & (rows < grey.shape[0]), (columns >= 0) & (columns < grey.shape[1])
    at = np.ix_(rows[inside_rows].astype(int), columns[inside_columns].astype(int))
    seen = np.ix_(inside_rows, inside_columns)
    wanted = np.clip((hu[seen] - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]), 0, 1)
    bare = ~(red[at] | (mask[seen] > 0))
    if np.count_nonzero(bare) < mask.size / 2:
        return Fit(way, 0.0, 0.0)
    overlap = 2 * np.count_nonzero(red[at] & (mask[seen] > 0)) / (np.count_nonzero(red[at]) + np.count_nonzero(mask))
    return Fit(way, float(overlap), float(np.corrcoef(grey[at][bare], wanted[bare])[0, 1]))


def _largest_part(region: np.ndarray) -> np.ndarray:
    """The largest connected part together with all that lies in its box, such as the island in a cavity."""
    parts, count = ndimage.label(region)
    if count == 0:
        raise AssertionError("there is no red in the picture: the viewer does not show the mask")
    largest = 1 + int(np.argmax(ndimage.sum_labels(region, parts, range(1, count + 1))))
    (top, bottom), (left, right) = _box(parts == largest)
    kept = np.zeros_like(region)
    kept[top:bottom, left:right] = region[top:bottom, left:right]
    return kept


def _box(region: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)
