"""Where a patient hand leads a round brush: over what is to be painted, and nowhere else."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Flags = npt.NDArray[np.bool_]
Voxel = tuple[int, int]
SIZES = (25, 15, 9, 5, 3, 2, 1)  # Diameters of the brush, in voxels.
LONGEST = 120.0  # Voxels a hand travels before it is lifted.
MARGIN = 26


@dataclass(frozen=True)
class Stroke:
    """A stroke with a brush of diameter ``size`` through ``points`` (y, x), and how many wanted voxels it covers."""

    size: int
    points: list[Voxel]
    gain: int

    @property
    def told(self) -> list[Voxel]:
        """The points a mouse tells of; lines are drawn between them."""
        return [*self.points[: -1 : max(1, self.size // 4)], self.points[-1]]

    def swept(self, shape: tuple[int, ...]) -> Flags:
        """What the brush covers in a slice of this shape (y, x)."""
        left = np.ones(shape, bool)
        for point in self.points:
            _cover(left, point, self.size / 2)
        return ~left


def best_stroke(wanted: Flags, allowed: Flags) -> Stroke | None:
    """The stroke that covers most of one ``wanted`` piece without leaving ``allowed`` (both (y, x))."""
    rows, columns = np.nonzero(wanted)
    low = max(0, rows.min() - MARGIN), max(0, columns.min() - MARGIN)
    crop = slice(low[0], rows.max() + MARGIN + 1), slice(low[1], columns.max() + MARGIN + 1)
    wanted, allowed = wanted[crop], allowed[crop]
    room = ndimage.distance_transform_edt(np.pad(allowed, 1))[1:-1, 1:-1]
    best: Stroke | None = None
    for size in SIZES:
        stroke = _stroke(wanted, room > size / 2, size)
        if stroke is not None and (best is None or stroke.gain > best.gain):
            best = stroke
    if best is None:
        return None
    return Stroke(best.size, [(y + int(low[0]), x + int(low[1])) for y, x in best.points], best.gain)


def _stroke(wanted: Flags, centres: Flags, size: int) -> Stroke | None:
    radius = size / 2
    far = ndimage.distance_transform_edt(~wanted)
    pieces, count = ndimage.label(centres & (far <= radius), np.ones((3, 3)))
    if count == 0:
        return None
    piece = pieces == 1 + int(np.argmax(ndimage.sum_labels(wanted, pieces, range(1, count + 1))))
    away, nearest = ndimage.distance_transform_edt(~piece, return_indices=True)
    return _lead(wanted & (away <= radius), piece, nearest, radius, size)


def _lead(open_: Flags, piece: Flags, nearest: npt.NDArray[np.int32], radius: float, size: int) -> Stroke | None:
    """Go to the nearest voxel that is still open, through ``piece``, until all is covered or the hand is tired."""
    left, wanted = open_.copy(), int(open_.sum())
    if wanted == 0:
        return None
    at = _centre(nearest, tuple(np.argwhere(left)[0]))
    points, length = [at], 0.0
    _cover(left, at, radius)
    while left.any():
        places = np.argwhere(left)
        goal = places[np.argmin(((places - at) ** 2).sum(axis=1))]
        route = _route(piece, at, _centre(nearest, tuple(goal)))
        step = sum(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in zip([at, *route], route, strict=False))
        if length + step > LONGEST:
            break
        length += step
        for point in route:
            _cover(left, point, radius)
        left[tuple(goal)] = False
        at = route[-1] if route else at
        points += route
    return Stroke(size, points, wanted - int(left.sum()))


def _centre(nearest: npt.NDArray[np.int32], voxel: tuple[int, ...]) -> Voxel:
    return int(nearest[0][voxel]), int(nearest[1][voxel])


def _cover(left: Flags, at: Voxel, radius: float) -> None:
    reach = int(radius)
    top, bottom = max(0, at[0] - reach), at[0] + reach + 1
    start, end = max(0, at[1] - reach), at[1] + reach + 1
    rows, columns = np.ogrid[top : min(bottom, left.shape[0]), start : min(end, left.shape[1])]
    left[top:bottom, start:end] &= (rows - at[0]) ** 2 + (columns - at[1]) ** 2 > radius**2


def _route(piece: Flags, start: Voxel, end: Voxel) -> list[Voxel]:
    """Voxel by voxel within ``piece``: straight if possible, else the shortest way; without the start."""
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    if count == 0:
        return []
    line = np.rint(np.linspace(start, end, count + 1)).astype(int)
    if piece[line[:, 0], line[:, 1]].all():
        return [(int(y), int(x)) for y, x in line[1:]]
    before: dict[Voxel, Voxel] = {start: start}
    queue = deque([start])
    while queue and end not in before:
        y, x = queue.popleft()
        for there in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
            inside = 0 <= there[0] < piece.shape[0] and 0 <= there[1] < piece.shape[1]
            if inside and piece[there] and there not in before:
                before[there] = (y, x)
                queue.append(there)
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[-2::-1]
