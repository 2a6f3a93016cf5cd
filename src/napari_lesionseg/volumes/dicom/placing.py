"""Where voxels lie: the affine of a stack from position, orientation and spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.dicom.grouping import heights, normal
from napari_lesionseg.volumes.dicom.headers import Slice
from napari_lesionseg.volumes.geometry import Geometry

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def geometry_of(slices: Sequence[Slice]) -> Geometry:
    """The grid of regular slices in order along their normal, stored as (column, row, slice)."""
    places = heights(slices)
    spacing = float(places[-1] - places[0]) / (len(slices) - 1)
    first = slices[0]
    return Geometry((first.columns, first.rows, len(slices)), affine_of(first, spacing, first.position))


def affine_of(first: Slice, spacing: float, origin: Sequence[float]) -> npt.NDArray[np.float64]:
    """RAS affine by PS3.3 C.7.6.2.1.1, with the third axis along the normal.

    Parameters
    ----------
    first
        A slice of the stack, for its orientation and pixel spacing.
    spacing
        Between slices, in mm.
    origin
        Centre of the first voxel, LPS mm.
    """
    row_spacing, column_spacing = first.spacing
    axes = np.array(first.orientation)
    affine = np.eye(4)
    affine[:3, 0] = axes[:3] * column_spacing
    affine[:3, 1] = axes[3:] * row_spacing
    affine[:3, 2] = normal(first) * spacing
    affine[:3, 3] = origin
    return np.asarray(_LPS_TO_RAS @ affine)
