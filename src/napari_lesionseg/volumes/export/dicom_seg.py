"""A mask as DICOM segmentation (PS3.3 A.51): binary, referring to the slices it was drawn on, proved before kept."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.export.dicom_header import (
    ANONYMOUS,
    IDENTITY_REMOVED,
    MAKER,
    ReferredScan,
    fresh_headers,
    refer_to,
    software_version,
)
from napari_lesionseg.volumes.export.prove import Stored, prove
from napari_lesionseg.volumes.export.segments import Code, Segment, check_segments, default_segments
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from highdicom.seg import Segmentation, SegmentDescription

LABEL_NOTE: Final = "Mask label "
"""Segments are numbered 1, 2, … in DICOM; the segment description says which label of the mask each one is."""
_SERIES_NUMBER = 900  # Behind the images in every list of a study.
_OFF_MM: Final = 1e-3


def write_dicom_seg(
    path: str | Path,
    mask: Mask,
    scan: Volume,
    segments: Sequence[Segment] | None = None,
    *,
    pseudonym: str = ANONYMOUS,
) -> None:
    """Write a mask as DICOM SEG, read it back with two readers, and only then keep it.

    The readers are highdicom (by reference to the slices) and our own (by position in space). Slices without a
    lesion have no frame; a mask without any lesion has all frames, empty.

    Parameters
    ----------
    scan
        The scan the mask was drawn on, read from DICOM.
    segments
        What the labels mean; by default ``default_segments``.
    pseudonym
        Patient name and id in the file.

    Raises
    ------
    LesionsegError
        If the scan did not come from DICOM, a label is not described, or what was written does not read back as the
        mask. Nothing is kept then.
    """
    described = check_segments(mask, list(segments) if segments is not None else default_segments(mask))
    referred = refer_to(scan, mask, "DICOM SEG")
    frames = _numbered(referred.frames(mask), described)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # highdicom warns of what other readers would stumble over.
        made = _segmentation(frames, referred, described, pseudonym)
        buffer = BytesIO()
        made.save_as(buffer)
    readers = {
        "highdicom": lambda written: _by_reference(written, referred, described),
        "our own reader": lambda written: _by_position(written, scan),
    }
    write_atomically(
        Path(path), buffer.getvalue(), lambda written: prove(written, Stored.of(mask), readers, Path(path))
    )


def _numbered(frames: npt.NDArray[Any], segments: list[Segment]) -> npt.NDArray[Any]:
    """Frames with segment numbers 1…n in place of labels."""
    numbers = np.zeros(max(segment.label for segment in segments) + 1, np.uint8 if len(segments) < 256 else np.uint16)
    numbers[[segment.label for segment in segments]] = np.arange(1, len(segments) + 1)
    return np.asarray(numbers[frames])


def _segmentation(
    frames: npt.NDArray[Any], referred: ReferredScan, segments: list[Segment], pseudonym: str
) -> Segmentation:
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom.uid import generate_uid

    made = Segmentation(
        source_images=fresh_headers(referred, pseudonym),
        pixel_array=frames,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, segment) for number, segment in enumerate(segments, start=1)],
        series_instance_uid=generate_uid(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=software_version(),
        device_serial_number="0",
        content_label="LESIONS",
        content_description="Lesions marked for research",
        series_description="Lesion segmentation",
        omit_empty_frames=bool(frames.any()),
    )
    made.LongitudinalTemporalInformationModified = IDENTITY_REMOVED["LongitudinalTemporalInformationModified"]
    return made


def _description(number: int, segment: Segment) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    by_hand = not segment.algorithm
    identification = None
    if not by_hand:
        identification = AlgorithmIdentificationSequence(
            name=segment.algorithm, family=codes.DCM.ArtificialIntelligence, version=software_version(), source=MAKER
        )
    description = SegmentDescription(
        segment_number=number,
        segment_label=segment.name[:64],
        segmented_property_category=_concept(segment.category),
        segmented_property_type=_concept(segment.type),
        algorithm_type=SegmentAlgorithmTypeValues.MANUAL if by_hand else SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=identification,
        anatomic_regions=[_concept(segment.region)],
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
    description.SegmentDescription = f"{LABEL_NOTE}{segment.label}"
    return description


def _concept(code: Code) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value=code.value, scheme_designator=code.scheme, meaning=code.meaning)


def _by_reference(written: Path, referred: ReferredScan, segments: list[Segment]) -> Stored:
    """What highdicom finds for each source slice, as labels on the scan's grid.

    Raises
    ------
    LesionsegError
        If a frame lies elsewhere than the slice it refers to.
    """
    from highdicom.seg import segread

    seg = segread(written)
    options: dict[str, Any] = {"combine_segments": True, "assert_missing_frames_are_empty": True}
    planes = [plane for plane, _ in referred.slices]
    if referred.source.multi_frame:
        found = seg.get_pixels_by_source_frame(planes[0].instance[1], [int(p.frame or 1) for p in planes], **options)
    else:
        found = seg.get_pixels_by_source_instance([plane.instance[1] for plane in planes], **options)
    if (off_mm := _farthest_frame(seg, referred)) > _OFF_MM:
        raise LesionsegError(f"a frame lies {off_mm:.3g} mm from the slice it refers to")
    labels = np.array([0, *(segment.label for segment in segments)])
    geometry = referred.scan.geometry
    stored = np.zeros(geometry.shape, np.uint8 if labels.max() < 256 else np.uint16)
    for (plane, placement), frame in zip(referred.slices, found, strict=True):
        if frame.any():
            placement.view(stored, plane.shape)[...] = labels[frame]
    return Stored(stored, geometry)


def _by_position(written: Path, scan: Volume) -> Stored:
    """What our own reader finds: bits unpacked by pydicom, frames placed by their position in space."""
    from napari_lesionseg.volumes.dicom.seg import read_dicom_seg

    return Stored.of(read_dicom_seg(written, scan))


def _farthest_frame(seg: Any, referred: ReferredScan) -> float:
    from napari_lesionseg.volumes.dicom.planes import frame_planes

    origins = {(plane.instance[1], plane.frame): plane for plane, _ in referred.slices}
    farthest = 0.0
    for group, plane in zip(seg.PerFrameFunctionalGroupsSequence, frame_planes(seg), strict=True):
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        frame = int(image.ReferencedFrameNumber) if "ReferencedFrameNumber" in image else None
        source = origins[(str(image.ReferencedSOPInstanceUID), frame)]
        far_corner = (plane.steps - source.steps) @ np.array(source.shape[::-1])
        off = np.abs([plane.origin - source.origin, plane.origin - source.origin + far_corner]).max()
        farthest = max(farthest, float(off))
    return farthest
