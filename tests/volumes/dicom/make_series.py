"""Generated DICOM CT series, as a scanner would write them, for any test that needs one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
HU_SHAPE = (6, 16, 20)  # Slices, rows, columns: all three differ, so that no swapped axis goes unseen.
Edit = Callable[[Dataset, int], None]


@dataclass(frozen=True)
class Series:
    """What was written: ``hu`` (slice, row, column), and the RAS affine of its (column, row, slice) indices."""

    folder: Path
    files: tuple[Path, ...]
    hu: np.ndarray
    uid: str
    affine: np.ndarray


def hu_values(seed: int, shape: tuple[int, int, int] = HU_SHAPE) -> np.ndarray:
    """Whole HU between −1000 and 1000 in which no two slices, rows or columns are alike."""
    return np.random.default_rng(seed).integers(-1000, 1001, shape).astype(np.int16)


def positions(
    count: int, spacing_mm: float, orientation: tuple[float, ...], origin: tuple[float, float, float]
) -> np.ndarray:
    """Image positions (LPS, mm) of ``count`` slices along the normal."""
    normal = np.cross(orientation[:3], orientation[3:])
    return np.asarray(origin) + np.outer(np.arange(count) * spacing_mm, normal)


def make_series(
    folder: Path,
    values: np.ndarray | int = 0,
    *,
    spacing: tuple[float, float, float] = (2.0, 0.7, 0.8),
    orientation: tuple[float, ...] = AXIAL,
    origin: tuple[float, float, float] = (-50.0, -60.0, -70.0),
    edit: Edit | None = None,
    seed: int = 0,
) -> Series:
    """Write one file a slice into ``folder``.

    Parameters
    ----------
    folder
        Made where it is missing; files are called ``IM0000.dcm`` … in order along the normal.
    values
        HU (slice, row, column), or a seed for ``hu_values``.
    spacing
        In mm between slices, rows, columns.
    orientation, origin
        Image orientation and the first slice's image position (LPS).
    edit
        Called with each data set and its slice number just before it is written.
    seed
        Other seeds give other UIDs.
    """
    hu = hu_values(values) if isinstance(values, int) else values
    folder.mkdir(parents=True, exist_ok=True)
    places = positions(len(hu), spacing[0], orientation, origin)
    uids = {level: generate_uid(entropy_srcs=[level, str(seed)]) for level in ("study", "series", "frame")}
    files = []
    for number, (pixels, place) in enumerate(zip(hu, places, strict=True)):
        header = _header(number, uids, generate_uid(entropy_srcs=[uids["series"], str(number)]))
        header.PixelSpacing = [spacing[1], spacing[2]]
        header.SliceThickness = spacing[0]
        header.ImageOrientationPatient = [_decimal(value) for value in orientation]
        header.ImagePositionPatient = [_decimal(value) for value in place]
        set_pixels(header, pixels.astype(np.int32) + 1024)
        if edit is not None:
            edit(header, number)
        files.append(folder / f"IM{number:04d}.dcm")
        header.save_as(files[-1], enforce_file_format=True)
    return Series(folder, tuple(files), hu, uids["series"], ras_affine(spacing, orientation, origin))


def ras_affine(
    spacing: tuple[float, float, float], orientation: tuple[float, ...], origin: tuple[float, ...]
) -> np.ndarray:
    """RAS affine of (column, row, slice), worked out here and not by the reader under test."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    affine = np.eye(4)
    affine[:3, 0] = row * spacing[2]
    affine[:3, 1] = column * spacing[1]
    affine[:3, 2] = np.cross(row, column) * spacing[0]
    affine[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def set_pixels(header: Dataset, stored: np.ndarray) -> None:
    """Put unsigned 16-bit ``stored`` (row, column) into ``header``."""
    header.Rows, header.Columns = stored.shape
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 16, 15, 0
    header.PixelData = stored.astype("<u2").tobytes()


def _header(number: int, uids: dict[str, str], instance: str) -> Dataset:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = CTImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = instance
    header.StudyInstanceUID, header.SeriesInstanceUID = uids["study"], uids["series"]
    header.FrameOfReferenceUID = uids["frame"]
    facts: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Modality": "CT",
        "Manufacturer": "SIEMENS",
        "ConvolutionKernel": "B70f",
        "SeriesDescription": "Thorax 2.0 B70f",
        "BodyPartExamined": "CHEST",
        "PatientName": "Phantom^Generated",
        "PatientID": "PHANTOM-1",
        "PatientBirthDate": "",
        "PatientSex": "",
        "PatientPosition": "HFS",
        "StudyDate": "20200101",
        "StudyTime": "120000",
        "AccessionNumber": "",
        "StudyID": "1",
        "ReferringPhysicianName": "",
        "PositionReferenceIndicator": "",
        "SeriesNumber": 3,
        "AcquisitionNumber": 1,
        "InstanceNumber": number + 1,
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        "RescaleType": "HU",
    }
    for name, value in facts.items():
        setattr(header, name, value)
    return header


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2)."""
    return f"{value:.10g}"[:16]
