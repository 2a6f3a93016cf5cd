"""The headers of DICOM files: what a slice is, read without its pixels and without who it shows."""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lesionseg.volumes.dicom.no_zeros import NoZeros

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
DEFLATED = b"1.2.840.10008.1.2.1.99"
MOST_INFLATED = 256 << 20  # A slice needs half a megabyte, a multi-frame file is rarely deflated.
_PIECE = 1 << 20
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


def placement(header: Dataset) -> dict[str, Any]:
    """Position, orientation, spacing, thickness and scale, as far as ``header`` says them."""
    found: dict[str, Any] = {
        "position": numbers(header, "ImagePositionPatient", 3),
        "orientation": _unit_axes(numbers(header, "ImageOrientationPatient", 6)),
        "spacing": _positive(numbers(header, "PixelSpacing", 2)),
        "thickness": number(header, "SliceThickness"),
        "slope": number(header, "RescaleSlope"),
        "intercept": number(header, "RescaleIntercept"),
        "scale_type": text(header, "RescaleType") or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def text(header: Dataset, keyword: str) -> str:
    """A value as one line of text; several values are joined by a backslash, as DICOM does."""
    try:
        value = header.get(keyword)
        if value is None:
            return ""
        parts = value if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
        return "\\".join(" ".join(str(part).split()) for part in parts)
    except Exception:  # A value that breaks the rules of its type; pydicom raises almost anything.
        return ""


def number(header: Dataset, keyword: str) -> float | None:
    """A finite number, None where there is none."""
    found = numbers(header, keyword, 1)
    return found[0] if found else None


def numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly ``count`` finite numbers, or None."""
    try:
        value = header.get(keyword)
        if value is None:
            return None
        found = tuple(float(part) for part in (value if hasattr(value, "__len__") and count > 1 else [value]))
    except Exception:  # As above.
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def _positive(found: tuple[float, ...] | None) -> tuple[float, ...] | None:
    return found if found and min(found) > 0 else None


def _unit_axes(found: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Row and column direction, if they are of unit length and at right angles (PS3.3 C.7.6.2.1.1)."""
    if found is None:
        return None
    row, column = found[:3], found[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    cosine = sum(a * b for a, b in zip(row, column, strict=True))
    return found if all(abs(length - 1) < 1e-4 for length in lengths) and abs(cosine) < 1e-4 else None


def inflates_too_far(path: Path) -> bool:
    """Whether a deflated file unpacks to more than a scan can be; pydicom would unpack it at once."""
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with open(path, "rb") as file:
        start = file.read(_PIECE)
        at = start.index(b"UL\x04\x00") + 4  # (0002,0000): bytes of the meta information that follow it.
        piece = start[at + 4 + int.from_bytes(start[at : at + 4], "little") :]
        while piece and total <= MOST_INFLATED and not inflater.eof:
            total += len(inflater.decompress(piece, _PIECE))
            piece = inflater.unconsumed_tail or file.read(_PIECE)
    return total > MOST_INFLATED


def _begins_as_dicom(start: bytes) -> bool:
    """By the preamble (PS3.10 7.1), or without one by a first element of group 2 or 8."""
    return start[128:132] == b"DICM" or start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")
