"""Where a place of an earlier scan is in a later one: a shift, told from the lungs or set by hand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.cross_hair import Place
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Volume

COARSE_MM = 3.0


class Shift(NamedTuple):
    """Millimetres along display z, y, x that take a place of the prior scan to the same place of the current one."""

    z: float = 0.0
    y: float = 0.0
    x: float = 0.0


class Alignment(NamedTuple):
    """A shift, and whether it is one of the lungs' centres; else it is one of the middles of both scans."""

    shift: Shift
    by_lungs: bool


def align(current: Volume, prior: Volume) -> Alignment:
    """Lay the centre of the prior scan's lungs over that of the current one's.

    The lungs of both are found in the same way, at about 3 mm. Neither turned nor stretched: a breath taken deeper
    leaves the bases apart.
    """
    here, there = lung_centre(current), lung_centre(prior)
    by_lungs = here is not None and there is not None
    if here is None or there is None:
        here, there = _middle(current), _middle(prior)
    z, y, x = (round(float(mm), 1) for mm in np.subtract(here, there))
    return Alignment(Shift(z, y, x), by_lungs)


def lung_centre(scan: Volume) -> npt.NDArray[np.float64] | None:
    """Mean place of the air-filled lungs in mm (z, y, x) from the first voxel, None where none are found."""
    from napari_lesionseg.inference.lungs import segment_lungs  # It brings scipy: not while the dock opens.

    spacing = scan.geometry.spacing
    z, y, x = (max(1, int(COARSE_MM / side)) for side in spacing)
    coarse = scan.array[::z, ::y, ::x]
    sides = (spacing[0] * z, spacing[1] * y, spacing[2] * x)
    geometry = Geometry.from_spacing(coarse.shape, sides)
    try:
        lungs = segment_lungs(Volume(coarse, geometry, scan.intensity))
    except LesionsegError:
        return None
    return np.asarray(np.argwhere(lungs.array).mean(axis=0) * sides)


def to_prior(place: Place, current: Geometry, prior: Geometry, shift: Shift) -> Place:
    """The voxel (z, y, x) of the prior scan that lies where ``place`` of the current one does; it may be outside."""
    return _carry(place, current, prior, -1, shift)


def to_current(place: Place, current: Geometry, prior: Geometry, shift: Shift) -> Place:
    """The voxel (z, y, x) of the current scan that lies where ``place`` of the prior one does; it may be outside."""
    return _carry(place, prior, current, 1, shift)


def inside(place: Place, geometry: Geometry) -> bool:
    """Whether a voxel (z, y, x) is one of the grid's."""
    return all(0 <= at < count for at, count in zip(place, geometry.display_shape, strict=True))


def _carry(place: Place, start: Geometry, end: Geometry, sign: int, shift: Shift) -> Place:
    mm = np.multiply(place, start.spacing) + sign * np.array(shift)
    z, y, x = (round(float(at)) for at in mm / end.spacing)
    return z, y, x


def _middle(scan: Volume) -> npt.NDArray[np.float64]:
    return np.asarray((np.array(scan.array.shape) - 1) / 2 * scan.geometry.spacing)
