"""Connected pieces of lesion, found without looking at the whole scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.tools.boxes import Bools, Box, Indices

_FIRST_REACH = (4, 32, 32)  # Voxels (z, y, x) on either side of the seeds.


def pieces_of(lesion: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Number the pieces of a bool array (z, y, x) from 1, and count the voxels of each, background first.

    26-connected; in one slice that is 8-connected.
    """
    pieces = _components(lesion, 26)
    return pieces, np.bincount(pieces.ravel(), minlength=1)


def pieces_at(
    inside: Callable[[Box], Bools], seeds: Indices, limits: Box, connectivity: Literal[6, 26] = 26
) -> tuple[Box, Bools]:
    """Find the connected pieces that hold ``seeds``.

    Parameters
    ----------
    inside
        Tells which voxels of a box of the scan may belong to a piece.
    seeds
        Voxels (n, 3) as z, y, x, all within ``limits``.
    limits
        The box the pieces end at.

    Returns
    -------
    tuple
        A box of the scan, and the pieces in it, bool.

    Notes
    -----
    The box grows, on the sides the pieces reach, until they reach none; so it costs what the pieces are large.
    """
    reach = np.array(_FIRST_REACH)
    low, high = np.array([[side.start, side.stop] for side in limits]).T
    first, last = np.maximum(seeds.min(axis=0) - reach, low), np.minimum(seeds.max(axis=0) + reach + 1, high)
    while True:
        box: Box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))  # type: ignore[assignment]
        components = _components(inside(box), connectivity)
        wanted = np.zeros(int(components.max()) + 1, bool)
        wanted[components[tuple((seeds - first).T)]] = True
        wanted[0] = False
        found = wanted[components]
        below, above = _sides_reached(found)
        below, above = below & (first > low), above & (last < high)
        if not (below.any() or above.any()):
            return box, found
        size = last - first
        first = np.where(below, np.maximum(first - size, low), first)
        last = np.where(above, np.minimum(last + size, high), last)


def _components(lesion: npt.NDArray[Any], connectivity: Literal[6, 26]) -> npt.NDArray[Any]:
    import cc3d

    components: npt.NDArray[Any] = cc3d.connected_components(
        np.ascontiguousarray(lesion, np.uint8),
        connectivity=connectivity,  # It fails on some thin bool arrays.
    )
    return components


def _sides_reached(found: Bools) -> tuple[Bools, Bools]:
    ends = [(found.take(0, axis).any(), found.take(-1, axis).any()) for axis in range(found.ndim)]
    below, above = np.array(ends).T
    return below, above
