"""A mask as RTSTRUCT: contours, what they refer to, and what is not said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.dicom.rtstruct import read_rtstruct
from napari_lesionseg.volumes.export import rtstruct
from napari_lesionseg.volumes.export.rtstruct import write_rtstruct
from napari_lesionseg.volumes.export.segments import NODULE, Segment
from tests.volumes.export.dicom_scans import make_dicom_scan, rotation


@pytest.fixture
def scan() -> Volume:
    return make_dicom_scan(directions=rotation(5, -10, 20))


def stored_mask(scan: Volume, *boxes: tuple[int, tuple[slice, ...]]) -> Mask:
    stored = np.zeros(scan.geometry.shape, np.uint8)
    for label, box in boxes:
        stored[box] = label
    return Mask(scan.geometry.to_display(stored), scan.geometry)


@pytest.fixture
def mask(scan: Volume) -> Mask:
    return stored_mask(scan, (1, np.s_[2:6, 3:5, 2]), (7, np.s_[2:3, 3:9, 4]))


def written(path: Path, mask: Mask, scan: Volume, *args, **options) -> Dataset:
    write_rtstruct(path, mask, scan, *args, **options)
    return pydicom.dcmread(path)


def contours(file: Dataset) -> list[Dataset]:
    return [contour for roi in file.ROIContourSequence for contour in roi.get("ContourSequence", [])]


def test_a_box_is_one_closed_contour_through_the_outer_corners_of_its_voxels(tmp_path, mask, scan):
    first, second = contours(written(tmp_path / "m.dcm", mask, scan))
    assert (first.ContourGeometricType, int(first.NumberOfContourPoints)) == ("CLOSED_PLANAR", 4)
    points = np.array(first.ContourData, float).reshape(-1, 3) * [-1, -1, 1]
    corners = (points - scan.geometry.affine[:3, 3]) @ np.linalg.inv(scan.geometry.affine[:3, :3]).T
    found = sorted(tuple(corner) for corner in np.round(corners, 4).tolist())
    assert found == [(1.5, 2.5, 2.0), (1.5, 4.5, 2.0), (5.5, 2.5, 2.0), (5.5, 4.5, 2.0)]
    assert int(second.NumberOfContourPoints) == 4


def test_each_contour_names_its_slice_and_the_file_all_slices(tmp_path, mask, scan):
    file = written(tmp_path / "m.dcm", mask, scan)
    named = [contour.ContourImageSequence[0].ReferencedSOPInstanceUID for contour in contours(file)]
    assert named == [scan.dicom.headers[2].SOPInstanceUID, scan.dicom.headers[4].SOPInstanceUID]
    reference = file.ReferencedFrameOfReferenceSequence[0]
    assert reference.FrameOfReferenceUID == scan.dicom.frame_of_reference
    study = reference.RTReferencedStudySequence[0]
    assert study.ReferencedSOPInstanceUID == scan.dicom.headers[0].StudyInstanceUID
    series = study.RTReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == scan.dicom.series
    images = [image.ReferencedSOPInstanceUID for image in series.ContourImageSequence]
    assert images == [header.SOPInstanceUID for header in scan.dicom.headers]


def test_the_number_of_an_roi_is_its_label_and_its_name_the_segment_s(tmp_path, mask, scan):
    file = written(tmp_path / "m.dcm", mask, scan, [Segment(1, "Left"), Segment(7).of(NODULE)])
    rois = [(int(roi.ROINumber), roi.ROIName) for roi in file.StructureSetROISequence]
    assert rois == [(1, "Left"), (7, "Nodule")]
    assert [int(roi.ReferencedROINumber) for roi in file.ROIContourSequence] == [1, 7]
    codes = [roi.RTROIIdentificationCodeSequence[0].CodeValue for roi in file.RTROIObservationsSequence]
    assert codes == ["52988006", "27925004"]


def test_a_ring_is_one_contour_and_an_island_another(tmp_path, scan):
    ring = stored_mask(scan, (1, np.s_[1:10, 1:9, 3]), (0, np.s_[2:9, 2:8, 3]), (1, np.s_[4:6, 4:6, 3]))
    file = written(tmp_path / "m.dcm", ring, scan)
    assert [int(contour.NumberOfContourPoints) for contour in contours(file)] in ([11, 4], [4, 11])
    assert (read_rtstruct(tmp_path / "m.dcm", scan).array == ring.array).all()


def test_a_mask_without_a_lesion_has_an_roi_without_contours(tmp_path, scan):
    file = written(tmp_path / "m.dcm", Mask.empty(scan.geometry), scan)
    assert len(file.ROIContourSequence) == 1
    assert contours(file) == []
    assert not read_rtstruct(tmp_path / "m.dcm", scan).array.any()


def test_nothing_of_the_source_but_its_ids_and_geometry_is_in_the_file(tmp_path, mask, scan):
    for header in scan.dicom.headers:
        header.PatientName = header.PatientID = header.StudyDescription = header.ImageComments = "CANARY"
        header.StudyDate = header.PatientBirthDate = "19770707"
    file = written(tmp_path / "m.dcm", mask, scan, pseudonym="case-017")
    content = (tmp_path / "m.dcm").read_bytes()
    assert b"CANARY" not in content
    assert b"19770707" not in content
    assert (file.PatientID, file.PatientIdentityRemoved) == ("case-017", "YES")


def test_lossy_compression_of_the_scan_is_told(tmp_path, mask, scan):
    assert "StructureSetDescription" not in written(tmp_path / "a.dcm", mask, scan)
    assert "lossy" in written(tmp_path / "b.dcm", mask, replace(scan, lossy=True)).StructureSetDescription


def test_a_contour_longer_than_explicit_vr_can_hold_is_written(tmp_path):
    wide = make_dicom_scan((200, 200, 3))
    snake = np.zeros(wide.geometry.shape, np.uint8)
    snake[np.add.outer(np.arange(200), np.arange(200)) % 2 == 0, 1] = 1
    snake[:, ::2, 1] = 1
    mask = Mask(wide.geometry.to_display(snake), wide.geometry)
    (contour,) = contours(written(tmp_path / "m.dcm", mask, wide))
    assert len("\\".join(map(str, contour.ContourData))) > 2**16
    assert (read_rtstruct(tmp_path / "m.dcm", wide).array == mask.array).all()


def test_a_scan_that_is_no_dicom_is_refused_in_one_sentence(tmp_path, mask, scan):
    with pytest.raises(LesionsegError, match=r"refers to DICOM slices.*import the DICOM series"):
        write_rtstruct(tmp_path / "m.dcm", mask, replace(scan, dicom=None))


def test_a_series_without_a_frame_of_reference_is_refused(tmp_path, mask, scan):
    source = replace(scan.dicom, frame_of_reference="")
    with pytest.raises(LesionsegError, match="no frame of reference"):
        write_rtstruct(tmp_path / "m.dcm", mask, replace(scan, dicom=source))


@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.0, -1.0)])
def test_contours_that_fill_to_something_else_are_not_kept(tmp_path, mask, scan, monkeypatch, shift):
    real = rtstruct.outlines
    monkeypatch.setattr(rtstruct, "outlines", lambda region: [polygon + shift for polygon in real(region)])
    (tmp_path / "m.dcm").write_bytes(b"before")
    with pytest.raises(LesionsegError, match="did not read back"):
        write_rtstruct(tmp_path / "m.dcm", mask, scan)
    assert (tmp_path / "m.dcm").read_bytes() == b"before"
