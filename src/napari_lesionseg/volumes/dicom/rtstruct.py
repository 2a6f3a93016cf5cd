"""RT structure sets made anywhere (PS3.3 A.19), filled into a mask on the scan's own grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.mask_grid import LabelGrid, refuse_other_frame_of_reference
from napari_lesionseg.volumes.dicom.planes import LPS_TO_RAS, Plane
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OFF_SLICE: Final = 0.25
"""How far, in slices, a contour's points may lie from the slice they are meant for."""
_HIGHEST_LABEL: Final = 65535
CONTOUR_DATA: Final = 0x30060050

Corners = npt.NDArray[np.float64]
"""Stored indices (i, j, k) of a contour's points, shape (n, 3)."""


def read_rtstruct(path: str | Path, like: Volume | Geometry | None = None, *, only: Collection[str] = ()) -> Mask:
    """Read the closed contours of an RTSTRUCT onto the grid of a scan.

    A voxel belongs to an ROI if its centre lies inside an odd number of the ROI's contours on its slice, so a contour
    within a contour is a hole (keyholes come out the same). Slices are found by the position of the points. The
    label is the number of the ROI, or its place in the list where the numbers cannot be labels.

    Parameters
    ----------
    like
        The scan (or grid) it was drawn on; contours have no grid of their own.
    only
        Names of the ROIs to read; by default all that have closed contours.

    Raises
    ------
    SegmentQuestion
        If ROIs overlap.
    LesionsegError
        If it is no RTSTRUCT, has no contours, contours between slices or off the grid, another frame
        of reference than ``like``, or contradicts its own references.
    """
    path = Path(path)
    header = _open(path)
    if like is None:
        raise LesionsegError(f"{path} holds contours without a grid; open the scan it was drawn on first.")
    geometry = like.geometry if isinstance(like, Volume) else like
    try:
        rois = _rois(path, header, only)
    except (AttributeError, TypeError, ValueError) as error:
        raise LesionsegError(f"{path} lacks what every structure set says; export it again.") from error
    if isinstance(like, Volume):
        refuse_other_frame_of_reference(path, _frames_of_reference(header), like)
    names = {label: name for label, name, _ in rois}
    grid = LabelGrid(path, geometry, like.dicom if isinstance(like, Volume) else None, names)
    for label, _, contours in rois:
        for region, plane in _slices(path, contours, geometry):
            grid.add(region, plane, label)
    return grid.mask()


def fill(polygons: list[npt.NDArray[np.float64]], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Fill polygons of (row, column) corners by the even-odd rule at pixel centres.

    A centre on an edge belongs to the polygon on its far side only, so that neighbours share no pixel.
    """
    rows, columns = shape
    toggles = np.zeros((rows, columns + 1), np.int64)
    for corners in polygons:
        start, end = corners, np.roll(corners, -1, axis=0)
        upright = start[:, 0] != end[:, 0]
        # From the upper end, so that an edge and its way back cross a row at the same place to the last digit.
        down = start[upright, 0] < end[upright, 0]
        upper = np.where(down[:, None], start[upright], end[upright])
        lower = np.where(down[:, None], end[upright], start[upright])
        first = np.clip(np.ceil(upper[:, 0]), 0, rows).astype(np.int64)
        count = np.clip(np.ceil(lower[:, 0]), 0, rows).astype(np.int64) - first
        edge = np.repeat(np.arange(len(first)), count)
        row = first[edge] + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        slope = (lower[:, 1] - upper[:, 1]) / (lower[:, 0] - upper[:, 0])
        column = upper[edge, 1] + (row - upper[edge, 0]) * slope[edge]
        np.add.at(toggles, (row, np.clip(np.ceil(column), 0, columns).astype(np.int64)), 1)
    return np.asarray(np.cumsum(toggles[:, :-1], axis=1) % 2 == 1)


def _open(path: Path) -> Dataset:
    from pydicom import dcmread

    try:
        header = dcmread(path, force=True)  # Some files lack the preamble; what is no DICOM has no SOP class.
        kind, modality = str(header.get("SOPClassUID", "")), str(header.get("Modality", ""))
    except Exception as error:  # A damaged file makes pydicom raise almost anything.
        raise LesionsegError(f"{path} cannot be read as DICOM; export it again.") from error
    if kind != _CLASS:
        raise LesionsegError(f"{path} is no RTSTRUCT but {modality or 'something else'}; choose an RTSTRUCT file.")
    return header


def _rois(path: Path, header: Dataset, only: Collection[str]) -> list[tuple[int, str, list[Any]]]:
    """Label, name and closed contours of each ROI to read."""
    names = {int(roi.ROINumber): str(roi.get("ROIName", "")) for roi in header.get("StructureSetROISequence") or []}
    found = []
    for roi in header.get("ROIContourSequence") or []:
        number = int(roi.ReferencedROINumber)
        contours = list(roi.get("ContourSequence") or [])
        closed = [contour for contour in contours if str(contour.get("ContourGeometricType", "")) in _CLOSED]
        # An ROI of points or open lines is no region; one without any contour is an empty region.
        if (closed or not contours) and (not only or names.get(number, "") in only):
            found.append((number, names.get(number, ""), closed))
    if not found:
        raise LesionsegError(f"{path} has no closed contours{' of that name' if only else ''}; choose another file.")
    numbers = [number for number, _, _ in found]
    if len(set(numbers)) != len(numbers) or not all(1 <= number <= _HIGHEST_LABEL for number in numbers):
        found = [(place, name, contours) for place, (_, name, contours) in enumerate(found, start=1)]
    return found


def _frames_of_reference(header: Dataset) -> set[str]:
    rois = header.get("StructureSetROISequence") or []
    return {str(roi.get("ReferencedFrameOfReferenceUID") or "") for roi in rois}


def _slices(path: Path, contours: list[Any], geometry: Geometry) -> Iterator[tuple[npt.NDArray[np.bool_], Plane]]:
    """The filled contours of one ROI, slice by slice, each with the plane and image it lies on."""
    together: dict[tuple[int, int], list[Corners]] = defaultdict(list)
    images: dict[tuple[int, int], tuple[str, int | None]] = {}
    for contour in contours:
        corners = _corners(path, contour, geometry)
        place = _slice_of(path, corners)
        together[place].append(corners)
        images[place] = _image(contour)
        if len(together[place]) > 1 and images[place] != _image(contour):
            images[place] = ("", None)
    for (across, index), polygons in together.items():
        plane = _plane(geometry, across, index, images[across, index])
        taken = [axis for axis in range(3) if axis != across]
        yield fill([corners[:, taken[::-1]] for corners in polygons], plane.shape), plane


def _corners(path: Path, contour: Any, geometry: Geometry) -> Corners:
    try:
        points = contour_points(contour)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LesionsegError(f"{path} has a contour whose points cannot be read; export it again.") from error
    return np.asarray((points @ LPS_TO_RAS - geometry.affine[:3, 3]) @ np.linalg.inv(geometry.affine[:3, :3]).T)


def _slice_of(path: Path, corners: Corners) -> tuple[int, int]:
    """The stored axis and index of the slice a contour lies on; the scan's own slices first."""
    for across in (2, 1, 0):
        along = corners[:, across]
        index = int(np.rint(along.mean()))
        if np.abs(along - index).max() <= _OFF_SLICE:
            return across, index
    raise LesionsegError(
        f"{path} has contours that lie between the slices of the scan or across them; "
        "open the scan it was drawn on, or export a SEG or NIfTI mask."
    )


def contour_points(contour: Dataset) -> npt.NDArray[np.float64]:
    """The points of a contour in LPS mm, shape (n, 3).

    Raises
    ------
    TypeError, ValueError
        If they are not numbers in threes.
    """
    element = contour.get_item(CONTOUR_DATA)
    value: Any = element.value if element is not None else None
    if isinstance(value, bytes):  # As it was read: pydicom would make an object of each number.
        value = value.rstrip(b" \0").split(b"\\")
    points = np.array(value).astype(np.float64).reshape(-1, 3)
    if not points.size or not np.isfinite(points).all():
        raise ValueError("no points, or points at no place")
    return points


def _image(contour: Any) -> tuple[str, int | None]:
    """The image that a contour says it was drawn on; empty if it names none or several."""
    images = list(contour.get("ContourImageSequence") or [])
    if len(images) != 1:
        return "", None
    frame = images[0].get("ReferencedFrameNumber")
    return str(images[0].get("ReferencedSOPInstanceUID", "")), None if frame is None else int(frame)


def _plane(geometry: Geometry, across: int, index: int, image: tuple[str, int | None]) -> Plane:
    """A slice of the grid as a plane: columns along the first of the other axes, rows along the second."""
    columns, rows = (axis for axis in range(3) if axis != across)
    start = np.zeros(3)
    start[across] = index
    affine = geometry.affine
    origin = affine[:3, :3] @ start + affine[:3, 3]
    shape = (geometry.shape[rows], geometry.shape[columns])
    return Plane(origin, affine[:3, [columns, rows]], shape, ("", image[0]), image[1])
