"""A mask as RT structure set (PS3.3 A.19): outlines along the pixel edges of each slice, proved before kept."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes.atomic import write_atomically
from napari_lesionseg.volumes.dicom.planes import LPS_TO_RAS, Plane
from napari_lesionseg.volumes.dicom.rtstruct import CONTOUR_DATA, contour_points, read_rtstruct
from napari_lesionseg.volumes.export.contours import Polygon, outlines
from napari_lesionseg.volumes.export.dicom_header import (
    ANONYMOUS,
    IDENTITY_REMOVED,
    MAKER,
    ReferredScan,
    patient,
    refer_to,
    software_version,
)
from napari_lesionseg.volumes.export.prove import Stored, prove
from napari_lesionseg.volumes.export.segments import Code, Segment, check_segments, default_segments
from napari_lesionseg.volumes.volume import Mask, Volume

if TYPE_CHECKING:
    from pydicom import Dataset

_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY_CLASS: Final = "1.2.840.10008.3.1.2.3.1"  # Retired, and what the standard still asks for here.
_SERIES_NUMBER = 901
_DECIMALS: Final = 6  # A nanometre; sixteen characters are allowed.


def write_rtstruct(
    path: str | Path,
    mask: Mask,
    scan: Volume,
    segments: Sequence[Segment] | None = None,
    *,
    pseudonym: str = ANONYMOUS,
) -> None:
    """Write a mask as RTSTRUCT, fill its contours again in two ways, and only then keep it.

    Each component of a slice is one closed planar contour along the edges of its pixels, a hole is joined to it by a
    keyhole; filling by pixel centres gives the voxels back exactly. The number of an ROI is the label. The ways to
    fill are our reader's, all contours of a slice at once, and OpenCV's, contour by contour.

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
    referred = refer_to(scan, mask, "RTSTRUCT")
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _structure_set(referred, referred.frames(mask), described, pseudonym).save_as(buffer, enforce_file_format=True)
    readers = {
        "our own reader": lambda written: _filled_by_us(written, scan),
        "OpenCV": lambda written: _filled_by_opencv(written, referred),
    }
    write_atomically(
        Path(path), buffer.getvalue(), lambda written: prove(written, Stored.of(mask), readers, Path(path))
    )


def _structure_set(
    referred: ReferredScan, frames: npt.NDArray[Any], segments: list[Segment], pseudonym: str
) -> Dataset:
    made = _file(referred, pseudonym)
    now = datetime.now()
    made.StructureSetLabel, made.StructureSetName = "LESIONS", "Lesions marked for research"
    made.StructureSetDate, made.StructureSetTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.ReferencedFrameOfReferenceSequence = [_frame_of_reference(referred)]
    made.StructureSetROISequence = [
        _item(
            ROINumber=segment.label,
            ReferencedFrameOfReferenceUID=referred.source.frame_of_reference,
            ROIName=segment.name[:64],
            ROIGenerationAlgorithm="SEMIAUTOMATIC" if segment.algorithm else "MANUAL",
        )
        for segment in segments
    ]
    made.ROIContourSequence = [_roi_contours(referred, frames == segment.label, segment) for segment in segments]
    made.RTROIObservationsSequence = [
        _item(
            ObservationNumber=number,
            ReferencedROINumber=segment.label,
            RTROIInterpretedType="",
            ROIInterpreter="",
            RTROIIdentificationCodeSequence=[_concept(segment.type)],
        )
        for number, segment in enumerate(segments, start=1)
    ]
    return made


def _file(referred: ReferredScan, pseudonym: str) -> Dataset:
    """The modules about patient, study, series, equipment and file."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ImplicitVRLittleEndian, generate_uid

    now = datetime.now()
    made = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    # Explicit VR holds 64 kB of contour at most.
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = _CLASS, generate_uid()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.SpecificCharacterSet = "ISO_IR 192"
    made.InstanceCreationDate, made.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.update(patient(pseudonym))
    made.LongitudinalTemporalInformationModified = IDENTITY_REMOVED["LongitudinalTemporalInformationModified"]
    made.StudyInstanceUID, made.SeriesInstanceUID = referred.study, generate_uid()
    made.Modality, made.SeriesNumber, made.InstanceNumber = "RTSTRUCT", _SERIES_NUMBER, 1
    made.SeriesDescription, made.OperatorsName = "Lesion contours", ""
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = referred.source.frame_of_reference, ""
    made.Manufacturer = made.ManufacturerModelName = MAKER
    made.SoftwareVersions = software_version()
    if referred.scan.lossy:
        made.StructureSetDescription = "Drawn on images that went through lossy compression"
    return made


def _frame_of_reference(referred: ReferredScan) -> Dataset:
    """All images of the series (PS3.3 C.8.8.5), as the place that contours count from."""
    series = _item(
        SeriesInstanceUID=referred.source.series,
        ContourImageSequence=[_image(plane) for plane, _ in referred.slices],
    )
    study = _item(
        ReferencedSOPClassUID=_STUDY_CLASS,
        ReferencedSOPInstanceUID=referred.study,
        RTReferencedSeriesSequence=[series],
    )
    return _item(FrameOfReferenceUID=referred.source.frame_of_reference, RTReferencedStudySequence=[study])


def _roi_contours(referred: ReferredScan, regions: npt.NDArray[np.bool_], segment: Segment) -> Dataset:
    contours = [
        _contour(plane, polygon)
        for (plane, _), region in zip(referred.slices, regions, strict=True)
        if region.any()
        for polygon in outlines(region)
    ]
    roi = _item(ROIDisplayColor=list(segment.colour), ReferencedROINumber=segment.label)
    if contours:
        roi.ContourSequence = contours
    return roi


def _contour(plane: Plane, polygon: Polygon) -> Dataset:
    from pydicom import DataElement

    points = (plane.origin + polygon[:, ::-1] @ plane.steps.T) @ LPS_TO_RAS
    contour = _item(
        ContourImageSequence=[_image(plane)],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
    )
    decimals = [f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") for value in points.ravel()]
    # Already text: pydicom would make an object of each number, which takes most of the time.
    contour.add(DataElement(CONTOUR_DATA, "DS", decimals, already_converted=True))
    return contour


def _image(plane: Plane) -> Dataset:
    image = _item(ReferencedSOPClassUID=plane.instance[0], ReferencedSOPInstanceUID=plane.instance[1])
    if plane.frame is not None:
        image.ReferencedFrameNumber = plane.frame
    return image


def _concept(code: Code) -> Dataset:
    return _item(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)


def _item(**elements: Any) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def _filled_by_us(written: Path, scan: Volume) -> Stored:
    return Stored.of(read_rtstruct(written, scan))


def _filled_by_opencv(written: Path, referred: ReferredScan) -> Stored:
    """Contours found by the image they refer to, each filled on its own by OpenCV."""
    from pydicom import dcmread

    images = {(plane.instance[1], plane.frame): (plane, placement) for plane, placement in referred.slices}
    file = dcmread(written)
    labels = [int(roi.ReferencedROINumber) for roi in file.ROIContourSequence]
    geometry = referred.scan.geometry
    stored = np.zeros(geometry.shape, np.uint8 if max(labels) < 256 else np.uint16)
    for roi, label in zip(file.ROIContourSequence, labels, strict=True):
        for contour in roi.get("ContourSequence", []):
            image = contour.ContourImageSequence[0]
            plane, placement = images[image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")]
            points = contour_points(contour) @ LPS_TO_RAS - plane.origin
            corners = (points @ np.linalg.pinv(plane.steps).T)[:, ::-1]
            low = np.floor(corners.min(axis=0)).astype(np.int64) + 1
            filled = _fill_by_opencv(corners - low)
            placement.moved(int(low[0]), int(low[1])).view(stored, filled.shape)[filled] = label
    return Stored(stored, geometry)


def _fill_by_opencv(corners: Polygon) -> npt.NDArray[np.bool_]:
    """Fill one polygon whose corners are pixel corners, from (-0.5, -0.5) on.

    OpenCV draws the edges too and knows whole coordinates only. At twice the size, corners are even numbers and pixel
    centres odd ones, so no centre is on an edge.
    """
    import cv2

    doubled = np.rint(2 * corners + 1).astype(np.int32)
    canvas = np.zeros(doubled.max(axis=0) + 1, np.uint8)
    cv2.fillPoly(canvas, [doubled[:, ::-1]], (1,))
    return np.asarray(canvas[1::2, 1::2] != 0)
