"""Copy lesions on to the next slices, each time moved to where the picture says they went."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Labels
from napari_lesionseg.review.tools.boxes import Bools, Voxel, check_voxel, redraw_slice
from napari_lesionseg.review.tools.follow import Lost, follow
from napari_lesionseg.review.tools.given import Edited, Given
from napari_lesionseg.review.tools.pieces import pieces_of

_BLUR_MM = 0.7
_ENDS = (2, 98)  # Percentiles of the HU a piece has.
_WIDER = 0.1  # Of the range between them, on either side,
_WIDER_HU = 20.0  # and so many HU at least.


class Copied(NamedTuple):
    """The slices that were drawn, and why no more of them were: ``""`` if all were that were asked for."""

    edited: Edited
    stopped: str


def copy_onwards(given: Given, step: int, count: int | None = None, at: Voxel | None = None, label: int = 1) -> Copied:
    """Copy the lesions of the slice looked at on to the next slices, above (``step`` 1) or below (−1).

    From slice to slice, each 8-connected piece is moved to where the picture around its outline is most like, by 5 mm
    at most, and what is not of the HU of the first piece is clipped (see ``follow``). It is added to what is drawn
    there. A piece that is lost goes no further.

    Parameters
    ----------
    count
        How many slices; by default to the end of the slab.
    at
        A voxel of the one piece to copy; by default all are.

    Raises
    ------
    LesionsegError
        If the slice holds no lesion, there is no slice to copy to, or the first one is not like it.
    """
    targets = _targets(given, step, count)
    grey, spacing = _Grey(given), given.scan.geometry.spacing[1:]
    drawn: dict[int, Labels] = {}
    reasons: dict[int, str] = {}
    for piece in _pieces(given, at):
        hu = _hu_of(grey.slice(given.z)[piece])
        for z in targets:
            lungs = None if given.lungs is None else given.lungs.array[z] != 0
            found = follow(piece, grey.slice(z - step), grey.slice(z), hu, spacing, lungs)
            if isinstance(found, Lost):
                reasons.setdefault(z, found.why)
                break
            piece = found
            _add(given, drawn, z, piece, label)
    reason = _reason(reasons, step)
    if not drawn:
        raise LesionsegError(reason or "All of it is drawn there already; go on to another slice.")
    return Copied(dict(sorted(drawn.items())), reason)


def _targets(given: Given, step: int, count: int | None) -> range:
    end = given.slab[-1] if step > 0 else given.slab[0]
    last = end if count is None else given.z + step * count
    last = min(max(last, 0), len(given.mask) - 1)
    targets = range(given.z + step, last + step, step)
    if not targets:
        side = "above" if step > 0 else "below"
        raise LesionsegError(f"There is no slice {side} slice {given.z} to copy to; go to another slice.")
    return targets


def _pieces(given: Given, at: Voxel | None) -> list[Bools]:
    lesion = given.mask[given.z] != 0
    if not lesion.any():
        raise LesionsegError(f"Slice {given.z} holds no lesion to copy; draw one first, or go to another slice.")
    pieces, voxels = pieces_of(lesion[None])
    if at is None:
        return [pieces[0] == piece for piece in range(1, len(voxels))]
    check_voxel(given, at)
    piece = pieces[0][at[1:]]
    if at[0] != given.z or not piece:
        raise LesionsegError("There is no lesion at this place; click on one.")
    return [pieces[0] == piece]


def _hu_of(values: npt.NDArray[Any]) -> tuple[float, float]:
    low, high = (float(end) for end in np.percentile(values, _ENDS))
    wider = max(_WIDER * (high - low), _WIDER_HU)
    return low - wider, high + wider


def _add(given: Given, drawn: dict[int, Labels], z: int, piece: Bools, label: int) -> None:
    old = drawn.get(z, given.mask[z])
    new = redraw_slice(old, piece | (old != 0), (slice(None), slice(None)), label)
    if new is not None:
        drawn[z] = new


def _reason(reasons: dict[int, str], step: int) -> str:
    if not reasons:
        return ""
    first = min(reasons, key=lambda z: step * z)
    return f"Stopped at slice {first}: {reasons[first]}"


class _Grey:
    """Slices of the scan, blurred a little; each once."""

    def __init__(self, given: Given) -> None:
        self._scan = given.scan
        self._slices: dict[int, npt.NDArray[np.float32]] = {}

    def slice(self, z: int) -> npt.NDArray[np.float32]:
        if z not in self._slices:
            sigma = [_BLUR_MM / side for side in self._scan.geometry.spacing[1:]]
            self._slices[z] = ndimage.gaussian_filter(self._scan.array[z].astype(np.float32), sigma)
        return self._slices[z]
