"""From a scan to the network's grid and back: the one definition, shared by training, evaluation and use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.lungs import lung_box, segment_lungs
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.volumes.volume import Mask, Volume
from napari_lesionseg.volumes.windowing import Window, apply_window

CLAHE_SIDE = 256  # The published grey-level data was equalised at this size, on 8×8 tiles.

Box = tuple[slice, slice, slice]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Grid:
    """Where the network looks: a box of the scan (z, y, x) and the (height, width) each slice is resized to."""

    box: Box
    size: tuple[int, int]
    lungs: Mask | None = None

    @property
    def depth(self) -> int:
        """Number of slices in the box."""
        return int(self.box[0].stop - self.box[0].start)


def plan_grid(scan: Volume, config: Preprocessing) -> Grid:
    """Choose the box and the size; the lungs are looked for where they can be told (HU scans)."""
    z, y, x = scan.array.shape
    box: Box = (slice(0, z), slice(0, y), slice(0, x))
    lungs = _lungs_or_none(scan)
    if config.crop == "lungs" and lungs is not None:
        box = lung_box(lungs, config.margin_mm)
    _, dy, dx = scan.geometry.spacing
    height, width = box[1].stop - box[1].start, box[2].stop - box[2].start
    if config.pixel_mm is None or scan.intensity != "HU":
        return Grid(box, (config.size, config.size), lungs)
    rows, columns = (max(16, round(n * mm / config.pixel_mm)) for n, mm in ((height, dy), (width, dx)))
    return Grid(box, (rows, columns), lungs)


def prepare(scan: Volume, grid: Grid, config: Preprocessing, rows: range | None = None) -> Bytes:
    """Grey levels of the box on the network's grid, (depth, height, width), 0…255; outside ``rows``, if given, 0."""
    prepared = np.zeros((grid.depth, *grid.size), np.uint8)  # Pages of zeros cost nothing until they are used.
    for row in range(grid.depth) if rows is None else rows:
        prepared[row] = _prepare_slice(scan, grid.box[0].start + row, grid, config)
    return prepared


def shrink_mask(mask: Mask, grid: Grid) -> Bytes:
    """Share of lesion in each pixel of the network's grid, times 255: soft targets by area."""
    soft = np.empty((grid.depth, *grid.size), np.uint8)
    for row, z in enumerate(range(grid.box[0].start, grid.box[0].stop)):
        lesion = np.where(mask.array[z][grid.box[1:]] > 0, np.uint8(255), np.uint8(0))
        soft[row] = _resize(lesion, grid.size)
    return soft


def enlarge_logits(logits: npt.NDArray[np.float32], grid: Grid) -> Bytes:
    """Logits (h, w) of one slice as probability times 255 over the box's own pixels (height, width).

    Logits are enlarged, not probabilities or masks: the border stays where the network put it.
    """
    height, width = (side.stop - side.start for side in grid.box[1:])
    large = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
    with np.errstate(over="ignore"):  # The exponential of a very sure "no" is infinite, its probability 0.
        return np.asarray(np.rint(255.0 / (1.0 + np.exp(-large))), np.uint8)


def _prepare_slice(scan: Volume, z: int, grid: Grid, config: Preprocessing) -> Bytes:
    pixels = scan.array[z][grid.box[1:]]
    if scan.intensity == "grey":
        return _resize(np.clip(pixels, 0, 255).astype(np.uint8), grid.size)
    window = Window.from_limits(*config.window)
    if config.grey_levels == "window":
        return _to_bytes(apply_window(_resize(pixels, grid.size), window))
    small = apply_window(_resize(pixels, (CLAHE_SIDE, CLAHE_SIDE)), window)
    span = float(np.ptp(small))
    stretched = _to_bytes((small - small.min()) / span if span else small)
    equalised = cv2.createCLAHE(clipLimit=config.clahe_clip, tileGridSize=(8, 8)).apply(stretched)
    return _resize(np.asarray(equalised, np.uint8), grid.size)


def _resize(pixels: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """Shrink by area, enlarge linearly."""
    if pixels.shape == size:
        return np.ascontiguousarray(pixels)
    known = pixels.dtype in (np.uint8, np.int16, np.float32)
    source = np.ascontiguousarray(pixels if known else pixels.astype(np.float32))
    shrinks = size[0] <= pixels.shape[0] and size[1] <= pixels.shape[1]
    return cv2.resize(source, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _to_bytes(shares: npt.NDArray[np.float32]) -> Bytes:
    return np.asarray(np.rint(shares * 255.0), np.uint8)


def _lungs_or_none(scan: Volume) -> Mask | None:
    try:
        return segment_lungs(scan)
    except LesionsegError:
        return None
