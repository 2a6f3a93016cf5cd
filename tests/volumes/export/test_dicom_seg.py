"""A mask as DICOM SEG: what it refers to, what it says, and what it does not say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.seg import segread
from pydicom import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.dicom.seg import read_dicom_seg
from napari_lesionseg.volumes.dicom.source import DicomSource
from napari_lesionseg.volumes.export import dicom_seg
from napari_lesionseg.volumes.export.dicom_seg import write_dicom_seg
from napari_lesionseg.volumes.export.segments import GROUND_GLASS, Segment
from tests.volumes.export.dicom_scans import make_dicom_scan, rotation


@pytest.fixture
def scan() -> Volume:
    return make_dicom_scan(directions=rotation(5, -10, 20))


@pytest.fixture
def mask(scan: Volume) -> Mask:
    stored = np.zeros(scan.geometry.shape, np.uint8)
    stored[2:6, 3:5, 2] = 1  # 8 voxels of slice 2
    stored[2:3, 3:9, 4] = 7  # 6 voxels of slice 4
    return Mask(scan.geometry.to_display(stored), scan.geometry)


def written(path: Path, mask: Mask, scan: Volume, *args, **options) -> Dataset:
    write_dicom_seg(path, mask, scan, *args, **options)
    return pydicom.dcmread(path)


def test_only_slices_with_a_lesion_have_frames_and_each_names_its_slice(tmp_path, mask, scan):
    file = written(tmp_path / "m.dcm", mask, scan)
    assert int(file.NumberOfFrames) == 2
    named = [
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        for frame in file.PerFrameFunctionalGroupsSequence
    ]
    assert named == [scan.dicom.headers[2].SOPInstanceUID, scan.dicom.headers[4].SOPInstanceUID]
    assert [int(frame.sum()) for frame in file.pixel_array] == [8, 6]


def test_all_slices_of_the_series_are_referred_to(tmp_path, mask, scan):
    series = written(tmp_path / "m.dcm", mask, scan).ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == scan.dicom.series
    named = [image.ReferencedSOPInstanceUID for image in series.ReferencedInstanceSequence]
    assert named == [header.SOPInstanceUID for header in scan.dicom.headers]


def test_highdicom_reads_names_types_and_region(tmp_path, mask, scan):
    write_dicom_seg(tmp_path / "m.dcm", mask, scan, [Segment(7).of(GROUND_GLASS), Segment(1, "Left", (1, 2, 3))])
    seg = segread(tmp_path / "m.dcm")
    first, second = seg.get_segment_description(1), seg.get_segment_description(2)
    assert (first.segment_label, second.segment_label) == ("Left", "Ground-glass opacity")
    assert (second.segmented_property_type.value, second.segmented_property_type.scheme_designator) == ("112120", "DCM")
    assert first.segmented_property_category.value == "49755003"
    assert first.anatomic_regions[0].value == "39607008"
    assert str(first.algorithm_type) == "SegmentAlgorithmTypeValues.MANUAL"


def test_a_segment_that_a_model_drew_names_the_model(tmp_path, mask, scan):
    write_dicom_seg(tmp_path / "m.dcm", mask, scan, [Segment(1, algorithm="covid-base"), Segment(7)])
    first = segread(tmp_path / "m.dcm").get_segment_description(1)
    assert first.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert first.SegmentAlgorithmName == "covid-base"


def test_the_labels_come_back_though_dicom_numbers_segments_from_one(tmp_path, mask, scan):
    file = written(tmp_path / "m.dcm", mask, scan)
    assert [int(segment.SegmentNumber) for segment in file.SegmentSequence] == [1, 2]
    assert np.unique(read_dicom_seg(tmp_path / "m.dcm", scan).array).tolist() == [0, 1, 7]


def test_a_mask_without_a_lesion_has_all_frames_empty(tmp_path, scan):
    file = written(tmp_path / "m.dcm", Mask.empty(scan.geometry), scan)
    assert int(file.NumberOfFrames) == 6
    assert not file.pixel_array.any()
    assert not read_dicom_seg(tmp_path / "m.dcm", scan).array.any()


def test_nothing_of_the_source_but_its_ids_and_geometry_is_in_the_file(tmp_path, mask, scan):
    names = ("PatientName", "PatientID", "StudyDescription", "SeriesDescription", "StationName", "ImageComments")
    for header in scan.dicom.headers:
        for name in names:
            setattr(header, name, "CANARY")
        header.StudyDate = header.PatientBirthDate = "19770707"
        header.add_new((0x0009, 0x0010), "LO", "CANARY")
    write_dicom_seg(tmp_path / "m.dcm", mask, scan)
    content = (tmp_path / "m.dcm").read_bytes()
    assert b"CANARY" not in content
    assert b"19770707" not in content


def test_the_patient_has_the_pseudonym(tmp_path, mask, scan):
    assert written(tmp_path / "a.dcm", mask, scan).PatientID == "ANONYMOUS"
    file = written(tmp_path / "b.dcm", mask, scan, pseudonym="case-017")
    assert (file.PatientID, str(file.PatientName), file.PatientIdentityRemoved) == ("case-017", "case-017^", "YES")


def test_two_exports_are_two_instances_of_two_series(tmp_path, mask, scan):
    one, two = (written(tmp_path / name, mask, scan) for name in ("a.dcm", "b.dcm"))
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SeriesInstanceUID != two.SeriesInstanceUID
    assert one.StudyInstanceUID == two.StudyInstanceUID == scan.dicom.headers[0].StudyInstanceUID


def test_lossy_compression_of_the_scan_is_told(tmp_path, mask, scan):
    assert written(tmp_path / "a.dcm", mask, scan).LossyImageCompression == "00"
    scan.dicom.headers[0].LossyImageCompressionRatio = "12.5"
    file = written(tmp_path / "b.dcm", mask, replace(scan, lossy=True))
    assert (file.LossyImageCompression, float(file.LossyImageCompressionRatio)) == ("01", 12.5)


def test_a_source_without_thickness_gets_the_distance_of_its_slices(tmp_path, mask, scan):
    for header in scan.dicom.headers:
        header.SliceThickness = None
    measures = written(tmp_path / "m.dcm", mask, scan).SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert (float(measures.SliceThickness), float(measures.SpacingBetweenSlices)) == (2.5, 2.5)


def test_a_scan_that_is_no_dicom_is_refused_in_one_sentence(tmp_path, mask, scan):
    with pytest.raises(LesionsegError, match=r"refers to DICOM slices.*import the DICOM series"):
        write_dicom_seg(tmp_path / "m.dcm", mask, replace(scan, dicom=None))
    assert not (tmp_path / "m.dcm").exists()


def test_a_scan_moved_away_from_its_slices_is_refused(tmp_path, scan):
    affine = scan.geometry.affine.copy()
    affine[2, 3] += 1.0
    moved = Geometry(scan.geometry.shape, affine)
    with pytest.raises(LesionsegError, match="no longer those of its DICOM slices"):
        write_dicom_seg(tmp_path / "m.dcm", Mask.empty(moved), replace(scan, geometry=moved))


def test_a_series_with_a_slice_too_few_is_refused(tmp_path, mask, scan):
    source = replace(scan.dicom, headers=scan.dicom.headers[:-1])
    with pytest.raises(LesionsegError, match="no longer those of its DICOM slices"):
        write_dicom_seg(tmp_path / "m.dcm", mask, replace(scan, dicom=source))


def test_a_mask_of_another_grid_is_refused(tmp_path, scan):
    with pytest.raises(LesionsegError, match="another grid"):
        write_dicom_seg(tmp_path / "m.dcm", Mask.empty(Geometry((4, 4, 4), np.eye(4))), scan)


def test_a_file_that_does_not_read_back_is_not_kept(tmp_path, mask, scan, monkeypatch):
    (tmp_path / "m.dcm").write_bytes(b"before")
    real = dicom_seg._numbered
    monkeypatch.setattr(dicom_seg, "_numbered", lambda frames, segments: np.roll(real(frames, segments), 1, axis=2))
    with pytest.raises(LesionsegError, match="did not read back"):
        write_dicom_seg(tmp_path / "m.dcm", mask, scan)
    assert (tmp_path / "m.dcm").read_bytes() == b"before"


def test_frames_that_lie_elsewhere_than_their_slices_are_not_kept(tmp_path, mask, scan, monkeypatch):
    real = dicom_seg.fresh_headers

    def moved(*args):
        headers = real(*args)
        for header in headers:
            header.ImagePositionPatient[0] += 0.01
        return headers

    monkeypatch.setattr(dicom_seg, "fresh_headers", moved)
    with pytest.raises(LesionsegError, match="mm from the slice it refers to"):
        write_dicom_seg(tmp_path / "m.dcm", mask, scan)


def as_multi_frame(scan: Volume, frame_order: list[int]) -> Volume:
    """The same scan as one enhanced file, its frames stored in this order."""
    single = scan.dicom.headers
    header = Dataset()
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "Rows", "Columns"):
        header[name] = single[0][name]
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2.1", single[0].SOPInstanceUID
    header.NumberOfFrames = len(single)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = single[0].ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = single[0].PixelSpacing, "3"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    header.SharedFunctionalGroupsSequence, header.PerFrameFunctionalGroupsSequence = [shared], []
    for k in frame_order:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = single[k].ImagePositionPatient
        frame.PlanePositionSequence = [position]
        header.PerFrameFunctionalGroupsSequence.append(frame)
    return replace(scan, dicom=DicomSource((header,), scan.dicom.series, scan.dicom.frame_of_reference))


def test_the_frames_of_a_multi_frame_file_are_told_by_their_position(tmp_path, mask, scan):
    enhanced = as_multi_frame(scan, [3, 0, 5, 1, 4, 2])
    file = written(tmp_path / "m.dcm", mask, enhanced)
    named = {
        int(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for frame in file.PerFrameFunctionalGroupsSequence
    }
    assert named == {6, 5}  # Slices 2 and 4 are the sixth and the fifth frame.
    assert (read_dicom_seg(tmp_path / "m.dcm", enhanced).array == mask.array).all()
