"""Generated DICOM series in any orientation, as their readers hand them on: voxels with the headers they came from."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.volumes.dicom.source import DicomSource

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

CT = "1.2.840.10008.5.1.4.1.1.2"
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def orientations() -> list[npt.NDArray[np.float64]]:
    """The 48 ways along which columns, rows and slices can run: signed permutation matrices."""
    identity = np.eye(3)
    return [
        identity[:, list(order)] * np.array(signs)
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]


def rotation(*degrees: float) -> npt.NDArray[np.float64]:
    """A rotation about x, then y, then z."""
    turned = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        a, b = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[[a, b], [a, b]] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        turned = turn @ turned
    return turned


def make_dicom_scan(
    shape: tuple[int, int, int] = (12, 10, 6),
    directions: npt.NDArray[np.float64] | None = None,
    spacing: tuple[float, float, float] = (0.7, 0.9, 2.5),
    origin: tuple[float, float, float] = (-120.5, -80.25, 33.3),
    thickness: float | None = 3.0,
) -> Volume:
    """A scan of (columns, rows, slices) voxels whose slices are DICOM files.

    ``directions`` holds the LPS directions of columns, rows and slices as columns.
    """
    from pydicom import Dataset
    from pydicom.uid import generate_uid

    directions = np.eye(3) if directions is None else directions
    columns, rows, slices = shape
    # The affine is what the files say, with their sixteen characters a number.
    cosines = [float(_decimal(value)) for value in directions[:, :2].T.ravel()]
    series, study, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    headers: list[Dataset] = []
    for k in range(slices):
        header = Dataset()
        header.SOPClassUID, header.SOPInstanceUID = CT, generate_uid()
        header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = (
            study,
            series,
            frame_of_reference,
        )
        header.Modality, header.Rows, header.Columns = "CT", rows, columns
        header.ImageOrientationPatient = [_decimal(value) for value in cosines]
        position = np.array(origin) + directions[:, 2] * spacing[2] * k
        header.ImagePositionPatient = [_decimal(value) for value in position]
        header.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
        header.SliceThickness = None if thickness is None else _decimal(thickness)
        headers.append(header)
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ directions * np.array(spacing)
    affine[:3, 3] = LPS_TO_RAS @ np.array(origin)
    geometry = Geometry(shape, affine)
    stored = np.random.default_rng(0).integers(-1000, 400, shape, dtype=np.int16)
    source = DicomSource(tuple(headers), series, frame_of_reference)
    return Volume(geometry.to_display(stored), geometry, dicom=source)


def write_series(scan: Volume, folder: Path) -> None:
    """Write the scan's slices as CT files, for tools that want the images beside the mask."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    assert scan.dicom is not None
    folder.mkdir(parents=True, exist_ok=True)
    stored = scan.geometry.to_stored(scan.array)
    for k, header in enumerate(scan.dicom.headers):
        file = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
        file.update(header)
        file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file.PatientName = file.PatientID = "ANONYMOUS"
        file.InstanceNumber, file.StudyID, file.SeriesNumber = k + 1, "", 1
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 1
        file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
        file.RescaleSlope, file.RescaleIntercept = 1, 0
        file.PixelData = np.ascontiguousarray(stored[:, :, k].T).astype("<i2").tobytes()
        file.save_as(folder / f"{k:04}.dcm", enforce_file_format=True)


def _decimal(value: float) -> str:
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))
