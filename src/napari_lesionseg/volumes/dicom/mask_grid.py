"""The grid that slices of a DICOM mask are put on: the scan's by position and reference, or one of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.errors import SegmentQuestion
from napari_lesionseg.volumes.dicom.planes import Placement, Plane, place, source_slices
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from napari_lesionseg.volumes.dicom.source import DicomSource

_OFF_OWN_GRID: Final = 0.02
"""In voxels; stricter than on a given grid, since slices at any places are near some fine enough grid."""


class LabelGrid:
    """Labels on a stored grid, filled slice by slice; what contradicts itself is refused, naming the file.

    Parameters
    ----------
    source
        The slices behind the grid; a slice that refers to one of them must lie where that one lies.
    names
        What each label to come is called in the file.
    """

    def __init__(self, path: Path, geometry: Geometry, source: DicomSource | None, names: Mapping[int, str]) -> None:
        self._path, self._geometry, self._names = path, geometry, names
        self._stored = np.zeros(geometry.shape, np.uint8 if max(names) < 256 else np.uint16)
        self._referred: dict[tuple[str, int | None], tuple[int, int]] = {}
        for plane, placement in source_slices(source, geometry) if source is not None else []:
            self._referred[plane.instance[1], plane.frame] = (placement.across, placement.slice)

    def add(self, region: npt.NDArray[np.bool_], plane: Plane, label: int) -> None:
        """Give the voxels under ``region``, (rows, columns) of ``plane``, a label.

        Raises
        ------
        SegmentQuestion
            If they fall on voxels of another label.
        LesionsegError
            If they fall between voxels, outside the grid, or on another slice than the one referred to.
        """
        placement = place(plane, self._geometry)
        if placement is None:
            raise LesionsegError(
                f"{self._path} lies on another grid than the scan (other position, direction or voxel size); "
                "open it with the scan it was drawn on."
            )
        self._refuse_other_slice(placement, plane)
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        if rows.size == 0:
            return
        region = region[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        placement = placement.moved(int(rows[0]), int(columns[0]))
        if not placement.fits(region.shape, self._geometry.shape):
            raise LesionsegError(f"{self._path} reaches beyond the scan; open it with the scan it was drawn on.")
        self._put(placement.view(self._stored, region.shape), region, label)

    def _put(self, voxels: npt.NDArray[Any], region: npt.NDArray[np.bool_], label: int) -> None:
        before = voxels[region]
        if other := next((int(value) for value in np.unique(before) if value not in (0, label)), 0):
            overlap = f"{self._path} has overlapping regions ({self._names[other]!r} and {self._names[label]!r})"
            raise SegmentQuestion(f"{overlap}, and a mask holds one label a voxel", list(self._names.values()))
        voxels[region] = label

    def _refuse_other_slice(self, placement: Placement, plane: Plane) -> None:
        referred = self._referred.get((plane.instance[1], plane.frame))
        if referred is not None and referred != (placement.across, placement.slice):
            raise LesionsegError(
                f"{self._path} contradicts itself: what refers to slice {referred[1] + 1} of the scan lies on slice "
                f"{placement.slice + 1}; export it again."
            )

    def mask(self) -> Mask:
        """The labels as a mask."""
        return Mask(self._geometry.to_display(self._stored), self._geometry, self._path)


def refuse_other_frame_of_reference(path: Path, frames_of_reference: set[str], scan: Volume) -> None:
    """Raise one sentence if a mask's coordinates are of another frame of reference than the scan's.

    An empty UID in either says nothing; then the position alone decides.
    """
    wanted = scan.dicom.frame_of_reference if scan.dicom is not None else ""
    named = frames_of_reference - {""}
    if wanted and named and wanted not in named:
        raise LesionsegError(
            f"{path} belongs to another scan: its positions count from another frame of reference; "
            "open the scan it was drawn on."
        )


def grid_of(path: Path, planes: Sequence[Plane], step_mm: float | None) -> Geometry:
    """The smallest regular grid that holds all planes: columns, rows, then slices along the normal.

    Parameters
    ----------
    step_mm
        Distance between slices that the file names; slices in between may be missing.

    Raises
    ------
    LesionsegError
        If the planes are not parallel slices of one regular grid.
    """
    first = planes[0]
    along = np.array([plane.origin @ first.normal for plane in planes])
    places = np.unique(np.round(along, 3))
    gaps = np.diff(places)
    step = step_mm or (float(gaps.min()) if gaps.size else 0.0)
    if gaps.size and np.abs(gaps / step - np.rint(gaps / step)).max() > 0.05:
        step = float(gaps.min())  # The named distance is often the thickness of overlapping slices.
    if not step:
        raise LesionsegError(f"{path} does not say how thick its only slice is; open it together with its scan.")
    count = round(float(places[-1] - places[0]) / step) + 1 if gaps.size else 1
    if gaps.size:
        step = float(places[-1] - places[0]) / (count - 1)
    affine = np.eye(4)
    affine[:3, :2], affine[:3, 2] = first.steps, first.normal * step
    affine[:3, 3] = planes[int(np.argmin(along))].origin
    rows, columns = first.shape
    geometry = Geometry((columns, rows, count), affine)
    if any(
        (placed := place(plane, geometry, _OFF_OWN_GRID)) is None or not placed.fits(plane.shape, geometry.shape)
        for plane in planes
    ):
        raise LesionsegError(f"The frames of {path} are no regular grid of slices; open it together with its scan.")
    return geometry
