"""An RTSTRUCT as clinics have them: two regions of one name each that overlap."""

from __future__ import annotations

from pathlib import Path

import pydicom

from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.export.rtstruct import write_rtstruct


def overlapping_regions(path: Path, scan: Volume) -> tuple[Path, Mask]:
    """Write "Lesion" of 6 voxels within "Lesion 2" of 6 + 4; gives the file, and "Lesion 2" as it should be read."""
    mask = Mask.empty(scan.geometry)
    mask.array[2, 5:7, 6:9] = 1
    mask.array[2, 5:7, 9:11] = 2
    write_rtstruct(path, mask, scan)
    file = pydicom.dcmread(path)
    inner, outer = file.ROIContourSequence
    outer.ContourSequence.extend(inner.ContourSequence)
    file.save_as(path)
    return path, Mask((mask.array > 0).astype("uint8") * 2, scan.geometry)
