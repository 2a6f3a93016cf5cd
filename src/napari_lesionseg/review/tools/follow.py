"""Follow a piece of lesion into the next slice by the picture around its outline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.review.tools.boxes import Bools
from napari_lesionseg.review.tools.fill_holes import without_holes

Grey = npt.NDArray[np.float32]
Shift = tuple[int, int]

LEAST_LIKENESS = 0.5  # Correlation of the grey in the band.
_LEAST_LEFT = 0.3  # Of the moved piece, after clipping.
_BAND_MM = 4.0  # On either side of the outline.
_FARTHEST_MM = 5.0
_GROWTH_MM = 2.0  # How far the outline may move out, where the HU say so.
_SPECK = 5  # Voxels across: smaller than that it is a vessel, or noise.
_MOST_VOXELS = 1000  # Of the band; more do not tell more.
_NO_BETTER = 1e-3  # A difference in correlation that does not speak for a longer shift.


@dataclass(frozen=True)
class Lost:
    """The piece is not in the next slice, and why: the second half of a sentence."""

    why: str


def follow(
    piece: Bools, here: Grey, there: Grey, hu: tuple[float, float], spacing: tuple[float, float], lungs: Bools | None
) -> Bools | Lost:
    """Find ``piece`` of one slice in the next one.

    It is moved by the whole-voxel shift, up to 5 mm, with the highest correlation of the grey within 4 mm of its
    outline. It keeps what lies in the HU range, and may grow by 2 mm in it; but not to where it did not reach before
    though the HU were the same, such as the chest wall.

    Parameters
    ----------
    piece
        Bool (y, x).
    here, there
        Its slice, and the next one.
    hu
        From and to.
    spacing
        In mm along y and x.
    lungs
        Of the next slice, where they are known: the piece does not grow out of them.
    """
    margin = math.ceil((_BAND_MM + _FARTHEST_MM) / min(spacing))
    place = tuple(
        slice(max(0, side.start - margin), side.stop + margin) for side in ndimage.find_objects(piece.view(np.uint8))[0]
    )
    inside, there = piece[place], there[place]
    shift, likeness = _best_shift(inside, here[place], there, spacing)
    if likeness < LEAST_LIKENESS:
        return Lost(f"the picture is not like the slice before (correlation {likeness:.2f}).")
    moved = _moved(inside, shift)
    fits = (there >= hu[0]) & (there <= hu[1])
    if np.count_nonzero(moved & fits) < _LEAST_LEFT * np.count_nonzero(moved):
        return Lost(f"too little of the lesion has its HU there ({hu[0]:.0f} to {hu[1]:.0f}).")
    whole = np.zeros_like(piece)
    may_grow = fits & ~_moved(_left_out(inside, here[place], hu), shift)
    if lungs is not None:
        may_grow &= lungs[place]
    whole[place] = _adapted(moved & fits, may_grow, spacing)
    return whole


def _best_shift(inside: Bools, here: Grey, there: Grey, spacing: tuple[float, float]) -> tuple[Shift, float]:
    rows, columns = np.nonzero(_distance(inside, spacing) + _distance(~inside, spacing) <= _BAND_MM)
    every = max(1, len(rows) // _MOST_VOXELS)
    rows, columns = rows[::every], columns[::every]
    shifts = _shifts(spacing)
    far = np.abs(shifts).max(axis=0)
    padded = np.pad(there, [(int(side), int(side)) for side in far], mode="edge")
    at = (rows + far[0]) * padded.shape[1] + columns + far[1]
    theirs = padded.ravel()[at + (shifts @ (padded.shape[1], 1))[:, None]]
    alike = _standard(theirs) @ _standard(here[rows, columns])
    best = int(np.argmax(alike >= alike.max() - _NO_BETTER))  # Of equals the shortest.
    return (int(shifts[best, 0]), int(shifts[best, 1])), float(alike[best])


def _shifts(spacing: tuple[float, float]) -> npt.NDArray[np.int64]:
    """All shifts (n, 2) of at most 5 mm along y and x, the shortest first."""
    far_y, far_x = (math.floor(_FARTHEST_MM / side) for side in spacing)
    shifts = np.mgrid[-far_y : far_y + 1, -far_x : far_x + 1].reshape(2, -1).T
    lengths = np.hypot(*(shifts * spacing).T)
    near = np.argsort(lengths, kind="stable")[: np.count_nonzero(lengths <= _FARTHEST_MM)]
    return np.asarray(shifts[near])


def _left_out(inside: Bools, here: Grey, hu: tuple[float, float]) -> Bools:
    """Give what has the HU of the piece and is not drawn, without specks."""
    same: Bools = ndimage.binary_opening(~inside & (here >= hu[0]) & (here <= hu[1]), np.ones((_SPECK, _SPECK)))
    return same


def _adapted(kept: Bools, may_grow: Bools, spacing: tuple[float, float]) -> Bools:
    grown = may_grow & (_distance(~kept, spacing) <= _GROWTH_MM)
    grown = ndimage.binary_opening(grown | kept) | kept  # No hairs along vessels.
    pieces, _ = ndimage.label(grown)
    joined = np.unique(pieces[kept])
    filled: Bools = without_holes(np.isin(pieces, joined)[None])[0]
    return filled


def _moved(inside: Bools, shift: Shift) -> Bools:
    moved: Bools = ndimage.shift(inside.view(np.uint8), shift, order=0, prefilter=False).view(bool)
    return moved


def _distance(inside: Bools, spacing: tuple[float, float]) -> npt.NDArray[Any]:
    """From each voxel of ``inside`` to the nearest one outside, in mm."""
    distance: npt.NDArray[Any] = ndimage.distance_transform_edt(inside, sampling=spacing)
    return distance


def _standard(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    centred: npt.NDArray[Any] = values - values.mean(axis=-1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-6)
    return centred
