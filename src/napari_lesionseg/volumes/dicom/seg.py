"""DICOM segmentations made anywhere (PS3.3 A.51), as a mask on a scan's own grid or on a grid of their own."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.mask_grid import LabelGrid, grid_of, refuse_other_frame_of_reference
from napari_lesionseg.volumes.dicom.planes import Plane, frame_planes, item_of
from napari_lesionseg.volumes.geometry import Geometry
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_CLASSES: Final = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_BACKGROUND: Final = ("125040", "DCM")
_LABEL_NOTE: Final = re.compile(r"Mask label (\d{1,5})")
_HIGHEST_LABEL: Final = 65535


@dataclass(frozen=True)
class _Segment:
    number: int
    label: int
    name: str


def read_dicom_seg(path: str | Path, like: Volume | Geometry | None = None, *, only: Collection[str] = ()) -> Mask:
    """Read a DICOM SEG: binary, label map, or fractional with no value between 0 and its maximum.

    A frame goes where its position and orientation say, never where it stands in the file. A segment's label is its
    number, or what the segment description of a file of ours says.

    Parameters
    ----------
    like
        The scan (or grid) it was drawn on. Without it, the mask has the grid of its own frames.
    only
        Names of the segments to read; by default all.

    Raises
    ------
    SegmentQuestion
        If segments overlap.
    LesionsegError
        If it is no segmentation, has fractional values, another frame of reference or grid
        than ``like``, or contradicts its own references.
    """
    path = Path(path)
    header = _open(path)
    try:
        segments, planes, groups = _segments(path, header, only), frame_planes(header), _groups(header)
        step_mm = _slice_step(header)
    except LesionsegError as error:
        raise LesionsegError(f"{path} cannot be placed: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise LesionsegError(f"{path} lacks what every segmentation says; export it again.") from error
    frames = _frames(path, header)
    if not len(frames) == len(planes) == len(groups):
        raise LesionsegError(f"{path} has {len(frames)} frames and describes {len(groups)}; export it again.")
    if isinstance(like, Volume):
        refuse_other_frame_of_reference(path, {str(header.get("FrameOfReferenceUID") or "")}, like)
    geometry = like.geometry if isinstance(like, Volume) else like or grid_of(path, planes, step_mm)
    source = like.dicom if isinstance(like, Volume) else None
    grid = LabelGrid(path, geometry, source, {segment.label: segment.name for segment in segments})
    for frame, plane, group in zip(frames, planes, groups, strict=True):
        for segment, region in _regions(header, frame, group, segments):
            grid.add(region, _as_referred(plane, group), segment.label)
    return grid.mask()


def _open(path: Path) -> Dataset:
    from pydicom import dcmread

    try:
        header = dcmread(path, force=True)  # Some files lack the preamble; what is no DICOM has no SOP class.
        kind, modality = str(header.get("SOPClassUID", "")), str(header.get("Modality", ""))
    except Exception as error:  # A damaged file makes pydicom raise almost anything.
        raise LesionsegError(f"{path} cannot be read as DICOM; export it again.") from error
    if kind not in _CLASSES:
        raise LesionsegError(f"{path} is no DICOM segmentation but {modality or 'something else'}; choose a SEG file.")
    shared = item_of(header, "SharedFunctionalGroupsSequence")
    orientation = item_of(shared, "PlaneOrientationSequence")
    if "TotalPixelMatrixColumns" in header or "ImageOrientationSlide" in orientation:
        raise LesionsegError(f"{path} segments a microscope slide, not a scan; choose the segmentation of a CT.")
    return header


def _frames(path: Path, header: Dataset) -> npt.NDArray[Any]:
    """Pixels (frames, rows, columns); fractional ones as 0 and 1 where they are nothing else."""
    try:
        pixels = header.pixel_array
    except Exception as error:  # Decoders raise almost anything.
        raise LesionsegError(f"The pixels of {path} cannot be read; export it again.") from error
    frames: npt.NDArray[Any] = pixels.reshape(-1, int(header.Rows), int(header.Columns))
    if str(header.get("SegmentationType", "BINARY")) != "FRACTIONAL":
        return frames
    highest = int(header.get("MaximumFractionalValue", 255))
    if not np.isin(frames, (0, highest)).all():
        raise LesionsegError(
            f"{path} holds probabilities or fractions of voxels, not a mask; export it as a binary segmentation."
        )
    return np.asarray(frames == highest, np.uint8)


def _segments(path: Path, header: Dataset, only: Collection[str]) -> list[_Segment]:
    """The segments to read, each with the label it gets."""
    found = []
    for item in header.get("SegmentSequence") or []:
        number, name = int(item.SegmentNumber), str(item.get("SegmentLabel", ""))
        kind = item_of(item, "SegmentedPropertyTypeCodeSequence")
        background = (str(kind.get("CodeValue", "")), str(kind.get("CodingSchemeDesignator", ""))) == _BACKGROUND
        if number == 0 or background or number == header.get("PixelPaddingValue"):
            continue
        noted = _LABEL_NOTE.fullmatch(str(item.get("SegmentDescription", "")))
        found.append(_Segment(number, int(noted[1]) if noted else number, name))
    labels = [segment.label for segment in found]
    if len(set(labels)) != len(labels) or not all(1 <= label <= _HIGHEST_LABEL for label in labels):
        found = [_Segment(segment.number, segment.number, segment.name) for segment in found]
    if only:
        found = [segment for segment in found if segment.name in only]
    if not found:
        raise LesionsegError(f"{path} has no segment{' of that name' if only else ''}; choose another file.")
    return found


def _regions(
    header: Dataset, frame: npt.NDArray[Any], group: Any, segments: list[_Segment]
) -> list[tuple[_Segment, npt.NDArray[np.bool_]]]:
    """Which pixels of a frame belong to which segment."""
    if str(header.get("SegmentationType", "")) == "LABELMAP":
        return [(segment, frame == segment.number) for segment in segments]
    identified = item_of(group, "SegmentIdentificationSequence")
    identified = identified or item_of(
        item_of(header, "SharedFunctionalGroupsSequence"), "SegmentIdentificationSequence"
    )
    number = identified.get("ReferencedSegmentNumber", segments[0].number if len(segments) == 1 else None)
    return [(segment, frame != 0) for segment in segments if segment.number == number]


def _groups(header: Dataset) -> list[Any]:
    return list(header.get("PerFrameFunctionalGroupsSequence") or [{}])


def _as_referred(plane: Plane, group: Any) -> Plane:
    """The plane as the image that the frame says it was drawn on, if it names exactly one."""
    derived = [
        image for item in group.get("DerivationImageSequence") or [] for image in item.get("SourceImageSequence") or []
    ]
    if len(derived) != 1:
        return Plane(plane.origin, plane.steps, plane.shape)
    uids = (str(derived[0].get("ReferencedSOPClassUID", "")), str(derived[0].get("ReferencedSOPInstanceUID", "")))
    number = derived[0].get("ReferencedFrameNumber")
    frame = int(number) if number is not None and not hasattr(number, "__len__") else None
    return Plane(plane.origin, plane.steps, plane.shape, uids, frame)


def _slice_step(header: Dataset) -> float | None:
    """Distance between slices in mm as the file says, or else their thickness."""
    groups = [*(header.get("SharedFunctionalGroupsSequence") or []), *_groups(header)[:1]]
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        for group in groups:
            if value := item_of(group, "PixelMeasuresSequence").get(name):
                return float(value)
    return None
