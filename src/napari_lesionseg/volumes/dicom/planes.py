"""Where a frame lies in the patient, and which voxels of a stored grid its pixels are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.geometry import Geometry

if TYPE_CHECKING:
    from pydicom import Dataset

    from napari_lesionseg.volumes.dicom.source import DicomSource

OFF_GRID: Final = 0.1
"""How far, in voxels, a frame's corner may lie from a voxel centre: decimals cut short, never a neighbour."""
LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Plane:
    """One frame in space (PS3.3 C.7.6.2.1.1).

    Parameters
    ----------
    origin
        RAS position in mm of the first pixel's centre, shape (3,).
    steps
        RAS steps in mm to the next column and to the next row, shape (3, 2).
    shape
        Rows and columns.
    instance
        SOP class and SOP instance UID of the image, empty if unknown.
    frame
        Number of the frame in a multi-frame image, from 1; None for a single-frame image.
    """

    origin: npt.NDArray[np.float64]
    steps: npt.NDArray[np.float64]
    shape: tuple[int, int]
    instance: tuple[str, str] = ("", "")
    frame: int | None = None

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across columns and rows."""
        normal = np.cross(self.steps[:, 0], self.steps[:, 1])
        return np.asarray(normal / np.linalg.norm(normal))


@dataclass(frozen=True, eq=False)
class Placement:
    """The voxels of a stored grid that the pixels of a frame are: ``first + steps @ (column, row)``."""

    first: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]

    @property
    def across(self) -> int:
        """The stored axis that the frame is a slice of."""
        return int(np.flatnonzero(~self.steps.any(axis=1))[0])

    @property
    def slice(self) -> int:
        """The index on that axis."""
        return int(self.first[self.across])

    def moved(self, row: int, column: int) -> Placement:
        """The placement of the part of the frame that begins at this row and column."""
        return Placement(self.first + self.steps @ np.array([column, row]), self.steps)

    def fits(self, frame_shape: tuple[int, int], grid_shape: tuple[int, ...]) -> bool:
        """Whether all pixels of a frame of (rows, columns) lie on the grid."""
        rows, columns = frame_shape
        ends = np.stack([self.first, self.first + self.steps @ np.array([columns - 1, rows - 1])])
        return bool((ends >= 0).all() and (ends < grid_shape).all())

    def view(self, stored: npt.NDArray[Any], frame_shape: tuple[int, int]) -> npt.NDArray[Any]:
        """The pixels of a frame that fits, (rows, columns), in a stored array (i, j, k); nothing is copied."""
        index: list[int | slice] = [0, 0, 0]
        axes = []
        for count, step in zip(frame_shape, (self.steps[:, 1], self.steps[:, 0]), strict=True):
            axis = int(np.flatnonzero(step)[0])
            start, sign = int(self.first[axis]), int(step[axis])
            stop = start + sign * count
            index[axis] = slice(start, stop if stop >= 0 else None, sign)
            axes.append(axis)
        index[self.across] = self.slice
        picture = stored[tuple(index)]
        return picture if axes[0] < axes[1] else picture.T


def item_of(holder: Any, name: str) -> Any:
    """The first item of a sequence, an empty one where there is none."""
    return next(iter(holder.get(name) or []), {})


def plane_of(ipp: Any, iop: Any, pixel_spacing: Any, shape: tuple[int, int], **identity: Any) -> Plane:
    """Make a plane from the three attributes of PS3.3 C.7.6.2 (LPS mm; spacing of rows, then of columns)."""
    cosines = np.array([float(value) for value in iop]).reshape(2, 3)
    row_mm, column_mm = (float(value) for value in pixel_spacing)
    steps = LPS_TO_RAS @ np.stack([cosines[0] * column_mm, cosines[1] * row_mm], axis=1)
    return Plane(LPS_TO_RAS @ np.array([float(value) for value in ipp]), steps, shape, **identity)


def frame_planes(header: Dataset) -> list[Plane]:
    """The planes of an image, one a frame: functional groups first (PS3.3 C.7.6.16), then the image plane module.

    Raises
    ------
    LesionsegError
        If a frame has no position, orientation or spacing.
    """
    shape = (int(header.Rows), int(header.Columns))
    instance = (str(header.SOPClassUID), str(header.SOPInstanceUID))
    if "PerFrameFunctionalGroupsSequence" not in header:
        return [_plane(header, header, header, shape, instance, None)]
    shared = item_of(header, "SharedFunctionalGroupsSequence")
    planes = []
    for number, group in enumerate(header.PerFrameFunctionalGroupsSequence, start=1):
        position, orientation, measures = (
            item_of(group, name) or item_of(shared, name)
            for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        )
        planes.append(_plane(position, orientation, measures, shape, instance, number))
    return planes


def _plane(
    position: Any, orientation: Any, measures: Any, shape: tuple[int, int], instance: tuple[str, str], frame: int | None
) -> Plane:
    ipp, iop = position.get("ImagePositionPatient"), orientation.get("ImageOrientationPatient")
    spacing = measures.get("PixelSpacing")
    if ipp is None or iop is None or spacing is None:
        raise LesionsegError("a frame does not say where it lies in the patient; export it again with its position.")
    return plane_of(ipp, iop, spacing, shape, instance=instance, frame=frame)


def place(plane: Plane, geometry: Geometry, tolerance: float = OFF_GRID) -> Placement | None:
    """Find the voxels of a grid that a frame's pixels are; None if they fall between voxels.

    The placement may lie outside the grid. ``tolerance`` is in voxels.
    """
    to_index = np.linalg.inv(geometry.affine[:3, :3])
    steps = to_index @ plane.steps
    first = to_index @ (plane.origin - geometry.affine[:3, 3])
    whole_steps, whole_first = np.rint(steps).astype(np.int64), np.rint(first).astype(np.int64)
    if not (np.abs(whole_steps).sum(axis=0) == 1).all() or (np.abs(whole_steps).sum(axis=1) > 1).any():
        return None
    rows, columns = plane.shape
    ends = np.array([(0, 0), (0, rows - 1), (columns - 1, 0), (columns - 1, rows - 1)]).T
    off = (steps - whole_steps) @ ends + (first - whole_first)[:, None]
    if np.abs(off).max() > tolerance:
        return None
    return Placement(whole_first, whole_steps)


def source_slices(source: DicomSource, geometry: Geometry) -> list[tuple[Plane, Placement]]:
    """The slices behind a scan in the order of its headers and frames, each with the voxels it holds.

    Raises
    ------
    LesionsegError
        If they are not the slices of the scan's grid, one each, as after resampling.
    """
    slices: dict[int, tuple[Plane, Placement]] = {}
    across, pixels = set(), 0
    for header in source.headers:
        for plane in frame_planes(header):
            placement = place(plane, geometry)
            if placement is None or not placement.fits(plane.shape, geometry.shape) or placement.slice in slices:
                raise _no_longer_its_slices()
            slices[placement.slice] = (plane, placement)
            across.add(placement.across)
            pixels += plane.shape[0] * plane.shape[1]
    if len(across) != 1 or pixels != math.prod(geometry.shape):
        raise _no_longer_its_slices()
    return list(slices.values())


def _no_longer_its_slices() -> LesionsegError:
    return LesionsegError(
        "The scan's voxels are no longer those of its DICOM slices, so nothing can refer to them; "
        "import the series without resampling, or export NIfTI."
    )
