"""Which DICOM slices a scan was stacked from, with nothing that names the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset


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
