"""The headers of DICOM files: what a slice is, read without its pixels and without who it shows."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.volumes.dicom.inflate import DEFLATED, inflates_too_far
from napari_lesionseg.volumes.dicom.no_zeros import NoZeros
from napari_lesionseg.volumes.dicom.values import number, placement, text

if TYPE_CHECKING:
    from pydicom import Dataset

# What later rooms need to refer to a slice (PS3.3 C.12.1, C.7.6.2, C.7.6.1.1.5): nothing that names a patient.
KEPT = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_ALSO_READ = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "SeriesDescription",
    "ProtocolName",
    "BodyPartExamined",
    "Manufacturer",
    "ConvolutionKernel",
    "ImageType",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "EchoNumbers",
    "EchoTime",
    "StackID",
    "NominalPercentageOfCardiacPhase",
    "DiffusionBValue",
    "TriggerTime",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "ModalityLUTSequence",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "DirectoryRecordSequence",
)
NOT_SCANS = {"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "RTIMAGE", "SR", "PR", "KO", "REG", "FID", "ECG", "DOC"}
# CT, enhanced and legacy converted CT; MR and PET alike (PS3.4 B.5).
SCANNERS = {f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "2.1", "2.2", "4", "4.1", "4.4", "128", "128.1", "130")}


class Damaged(Exception):
    """A file that begins as DICOM does and cannot be read on."""


@dataclass(frozen=True, eq=False)
class DicomFile:
    """The facts that all frames of one file share; ``name`` is what a sentence calls it, ``kind`` its SOP class."""

    path: Path
    name: str
    header: Dataset
    kind: str
    syntax: str
    frames: int

    def text(self, keyword: str) -> str:
        """A text of the header in one line, ``""`` where it is missing."""
        return text(self.header, keyword)

    @property
    def series(self) -> str:
        """Series instance UID; files without one belong together by their folder."""
        return self.text("SeriesInstanceUID") or f"without-uid-{Path(self.name).parent}"

    @property
    def modality(self) -> str:
        """For example ``"CT"``."""
        return self.text("Modality").upper()


@dataclass(frozen=True, eq=False)
class Slice:
    """One frame: where it lies (LPS mm, PS3.3 C.7.6.2) and how its values are scaled; empty where nobody said.

    Parameters
    ----------
    index
        Which frame of the file, from 0.
    spacing
        Between rows and between columns, in mm.
    marks
        What tells slices in one place apart: time, echo, stack, acquisition, kernel, image type.
    """

    file: DicomFile
    index: int = 0
    rows: int = 0
    columns: int = 0
    position: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()
    spacing: tuple[float, ...] = ()
    thickness: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    scale_type: str = ""
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What a sentence calls this slice: its file, and the frame if there are several."""
        return f"{self.file.name} frame {self.index + 1}" if self.file.frames > 1 else self.file.name

    def mark(self, name: str) -> str:
        """One of ``marks``, ``""`` where it is missing."""
        return dict(self.marks).get(name, "")

    @property
    def placed(self) -> bool:
        """Whether the header says where the slice lies and how large its pixels are."""
        return bool(self.position and self.orientation and self.spacing)


def read_file(path: Path, name: str) -> DicomFile | None:
    """Read the header of one file; None if it is no DICOM.

    Raises
    ------
    Damaged
        If it begins as DICOM does, and cannot be read.
    """
    import pydicom

    try:
        with open(path, "rb") as opened:
            start = opened.read(1024)
        if not _begins_as_dicom(start):
            return None
        if DEFLATED in start and inflates_too_far(path):
            raise ValueError("more than any slice needs")
        with NoZeros(io.FileIO(path)) as opened:
            header = pydicom.dcmread(opened, stop_before_pixels=True, force=True, specific_tags=[*KEPT, *_ALSO_READ])
        meta = getattr(header, "file_meta", {})
        kind = str(meta.get("MediaStorageSOPClassUID", "")) or text(header, "SOPClassUID")
        if not kind:  # No data set is without (PS3.3 C.12.1).
            raise ValueError("no class")
        syntax = str(meta.get("TransferSyntaxUID", ""))
        frames = int(number(header, "NumberOfFrames") or 1)
        return DicomFile(path, name, header, kind, syntax, max(frames, 1))
    except Exception as error:  # A damaged file makes pydicom raise almost anything.
        raise Damaged(name) from error


def is_image(file: DicomFile) -> bool:
    """Whether a file belongs to a scan, be it one that will be refused; masks, reports and plans do not."""
    if file.modality in NOT_SCANS or "DirectoryRecordSequence" in file.header:
        return False
    return (number(file.header, "Rows") or 0) > 0 or file.kind in SCANNERS


def slices_of(file: DicomFile) -> list[Slice]:
    """The slices in one file: one, or those of a multi-frame file with functional groups."""
    header = file.header
    first = Slice(
        file,
        rows=int(number(header, "Rows") or 0),
        columns=int(number(header, "Columns") or 0),
        **placement(header),
        marks=tuple((name, value) for name in MARKS if (value := text(header, name))),
    )
    if "PerFrameFunctionalGroupsSequence" not in header:
        return [replace(first, index=index) for index in range(min(file.frames, _MOST_FRAMES))]
    from napari_lesionseg.volumes.dicom.multiframe import frames_of

    return frames_of(first)


TIME_MARKS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "EchoNumbers",
    "EchoTime",
    "StackID",
    "NominalPercentageOfCardiacPhase",
    "DiffusionBValue",
)
MARKS = (*TIME_MARKS, "AcquisitionNumber", "ConvolutionKernel", "ImageType", "TriggerTime")
_MOST_FRAMES = 65_535


def _begins_as_dicom(start: bytes) -> bool:
    """By the preamble (PS3.10 7.1), or without one by a first element of group 2 or 8."""
    return start[128:132] == b"DICM" or start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")
