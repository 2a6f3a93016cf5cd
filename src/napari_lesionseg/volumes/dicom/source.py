"""Which DICOM slices a scan was stacked from, with nothing that names the patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_lesionseg.volumes.dicom.headers import KEPT, DicomFile, Slice

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

# The functional groups that place a frame (PS3.3 C.7.6.16.2), without its dates, comments and acquisition.
_PLACING = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    "FrameContentSequence": ("InStackPositionNumber", "TemporalPositionIndex", "DimensionIndexValues"),
}


@dataclass(frozen=True, eq=False)
class DicomSource:
    """The slices behind a scan, as a DICOM SEG or RTSTRUCT refers to them.

    Parameters
    ----------
    headers
        One data set a stored slice k (the third axis of ``Geometry.shape``), or a single one for a multi-frame
        file. Each holds the UIDs, the geometry (rows, columns, position, orientation, spacing, thickness), the
        modality and the compression flags of its file; names, ids, dates, comments and private tags were left
        out when it was read.
    series
        Series instance UID.
    frame_of_reference
        Frame of reference UID; ``""`` where the series has none.
    """

    headers: tuple[Dataset, ...]
    series: str
    frame_of_reference: str

    @property
    def multi_frame(self) -> bool:
        """Whether all slices are the frames of one file."""
        return len(self.headers) == 1 and int(self.headers[0].get("NumberOfFrames", 1)) > 1


def source_of(slices: Sequence[Slice]) -> DicomSource:
    """Keep of the headers of ``slices`` what a DICOM export refers to, and nothing else."""
    first = slices[0].file
    files = [first] if first.frames > 1 else [one.file for one in slices]
    return DicomSource(
        tuple(_kept(file) for file in files), first.text("SeriesInstanceUID"), first.text("FrameOfReferenceUID")
    )


def _kept(file: DicomFile) -> Dataset:
    kept = _only(file.header, KEPT)
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if keyword in file.header:
            setattr(kept, keyword, [_groups(item) for item in file.header.get(keyword)])
    kept.file_meta = _meta(file)
    return kept


def _groups(item: Dataset) -> Dataset:
    """Of the functional groups of a frame those that place it."""
    from pydicom import Dataset

    groups = Dataset()
    for name, keywords in _PLACING.items():
        if item.get(name):
            setattr(groups, name, [_only(item[name][0], keywords)])
    return groups


def _only(header: Dataset, keywords: Iterable[str]) -> Dataset:
    from pydicom import Dataset

    kept = Dataset()
    for keyword in keywords:
        with suppress(Exception):  # A damaged element that nobody needed to place the slice.
            if keyword in header:
                kept[keyword] = header[keyword]
    return kept


def _meta(file: DicomFile) -> FileMetaDataset:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(file.syntax)
    meta.MediaStorageSOPClassUID = UID(file.text("SOPClassUID"))
    meta.MediaStorageSOPInstanceUID = UID(file.text("SOPInstanceUID"))
    return meta
