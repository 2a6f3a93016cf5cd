"""DICOM SEG made elsewhere: by position and reference, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.dicom.seg import read_dicom_seg
from napari_lesionseg.volumes.export.dicom_seg import write_dicom_seg
from napari_lesionseg.volumes.read import read_mask, read_scan
from tests.volumes.dicom.make_series import make_series
from tests.volumes.export.dicom_scans import make_dicom_scan

Edit = Callable[[Dataset], None]


@pytest.fixture
def scan() -> Volume:
    return make_dicom_scan((8, 7, 5))


@pytest.fixture
def mask(scan: Volume) -> Mask:
    stored = np.zeros(scan.geometry.shape, np.uint8)
    stored[1:3, 2:5, 1] = stored[4:6, 1:3, 3] = 1
    stored[6, 6, 1:4] = 2
    return Mask(scan.geometry.to_display(stored), scan.geometry)


@pytest.fixture
def edited(tmp_path: Path, scan: Volume, mask: Mask) -> Callable[[Edit], Path]:
    """A SEG of the mask after somebody has changed its file."""

    def edit(change: Edit) -> Path:
        write_dicom_seg(path := tmp_path / "seg.dcm", mask, scan)
        file = pydicom.dcmread(path)
        change(file)
        file.save_as(path)
        return path

    return edit


def bits(pixels: np.ndarray) -> bytes:
    packed = np.packbits(pixels.ravel().astype(np.uint8), bitorder="little").tobytes()
    return packed + b"\0" * (len(packed) % 2)


def reorder(file: Dataset) -> None:
    order = np.random.default_rng(1).permutation(int(file.NumberOfFrames))
    file.PixelData = bits(file.pixel_array[order])
    file.PerFrameFunctionalGroupsSequence = [file.PerFrameFunctionalGroupsSequence[number] for number in order]


def test_the_order_of_frames_in_the_file_does_not_matter(edited, scan, mask):
    assert (read_dicom_seg(edited(reorder), scan).array == mask.array).all()


def test_a_geometry_is_enough_to_place_a_seg(edited, scan, mask):
    assert (read_dicom_seg(edited(lambda file: None), scan.geometry).array == mask.array).all()


def test_without_a_scan_the_grid_is_that_of_the_frames(edited, scan, mask):
    found = read_dicom_seg(edited(lambda file: None))
    assert found.geometry.shape == (8, 7, 3)  # Slices 1 to 3 have a lesion.
    assert (found.array == mask.array[1:4]).all()
    assert np.allclose(found.geometry.affine[:3, 3], scan.geometry.affine[:3, 3] + scan.geometry.affine[:3, 2])


def test_the_slice_missing_between_two_frames_is_empty(tmp_path, scan):
    stored = np.zeros(scan.geometry.shape, np.uint8)
    stored[2, 3, 0] = stored[3, 3, 4] = 1
    write_dicom_seg(tmp_path / "m.dcm", Mask(scan.geometry.to_display(stored), scan.geometry), scan)
    found = read_dicom_seg(tmp_path / "m.dcm")
    assert np.count_nonzero(found.array, axis=(1, 2)).tolist() == [1, 0, 0, 0, 1]


def test_a_seg_of_another_frame_of_reference_is_refused(edited, scan):
    path = edited(lambda file: setattr(file, "FrameOfReferenceUID", "1.2.3"))
    with pytest.raises(LesionsegError, match="another frame of reference"):
        read_dicom_seg(path, scan)


def test_a_seg_of_another_grid_is_refused(edited):
    other = make_dicom_scan((8, 7, 5), spacing=(0.7, 0.9, 2.0))
    with pytest.raises(LesionsegError, match="another grid than the scan"):
        read_dicom_seg(edited(lambda file: None), other.geometry)


def test_a_seg_that_reaches_beyond_the_scan_is_refused(edited, scan):
    smaller = Geometry((8, 7, 3), scan.geometry.affine)
    with pytest.raises(LesionsegError, match="reaches beyond the scan"):
        read_dicom_seg(edited(lambda file: None), smaller)


def test_a_frame_that_lies_elsewhere_than_the_slice_it_names_is_refused(edited, scan):
    def swap(file: Dataset) -> None:
        first, last = (file.PerFrameFunctionalGroupsSequence[number] for number in (0, 1))
        first.DerivationImageSequence, last.DerivationImageSequence = (
            last.DerivationImageSequence,
            first.DerivationImageSequence,
        )

    with pytest.raises(LesionsegError, match="contradicts itself: what refers to slice 2 of the scan lies on slice 4"):
        read_dicom_seg(edited(swap), scan)


def overlap(file: Dataset) -> None:
    file.PixelData = bits(np.ones_like(file.pixel_array))


def test_overlapping_segments_are_refused_and_one_alone_is_read(edited, scan):
    path = edited(overlap)
    with pytest.raises(LesionsegError, match=r"overlapping regions \('Lesion' and 'Lesion 2'\)"):
        read_dicom_seg(path, scan)
    alone = read_dicom_seg(path, scan, only=["Lesion 2"])
    assert np.unique(alone.array).tolist() == [0, 2]
    assert np.count_nonzero(alone.array) == 3 * 7 * 8


def test_a_number_that_no_segment_has_is_refused(edited, scan):
    with pytest.raises(LesionsegError, match="no segment of that name"):
        read_dicom_seg(edited(lambda file: None), scan, only=["Liver"])


def fractional(values: tuple[int, ...]) -> Edit:
    def change(file: Dataset) -> None:
        file.SegmentationType, file.SegmentationFractionalType, file.MaximumFractionalValue = (
            "FRACTIONAL",
            "OCCUPANCY",
            200,
        )
        pixels = np.array(values, np.uint8)[np.arange(file.pixel_array.size) % len(values)]
        file.BitsAllocated = file.BitsStored = 8
        file.HighBit = 7
        file.PixelData = np.where(np.arange(pixels.size) < 56, pixels, 0).astype(np.uint8).tobytes()

    return change


def test_fractions_of_nothing_and_all_are_a_mask(edited, scan):
    found = read_dicom_seg(edited(fractional((200, 0))), scan, only=["Lesion"])
    assert np.count_nonzero(found.array) == 28  # Every second of 56 pixels of the first frame.


def test_true_fractions_are_refused(edited, scan):
    with pytest.raises(LesionsegError, match="probabilities or fractions"):
        read_dicom_seg(edited(fractional((200, 100))), scan)


def test_a_ct_slice_is_no_segmentation(tmp_path):
    series = make_series(tmp_path)
    with pytest.raises(LesionsegError, match="is no DICOM segmentation but CT"):
        read_dicom_seg(series.files[0])


@pytest.mark.parametrize("content", [b"", b"not a DICOM file at all" * 20])
def test_what_is_no_dicom_is_refused(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(LesionsegError, match=r"a\.dcm"):
        read_dicom_seg(tmp_path / "a.dcm")


@pytest.mark.parametrize("lost", ["SegmentSequence", "PixelData", "Rows", "PerFrameFunctionalGroupsSequence"])
def test_a_seg_that_lacks_an_essential_is_refused(edited, scan, lost):
    with pytest.raises(LesionsegError, match=r"seg\.dcm"):
        read_dicom_seg(edited(lambda file: file.pop(lost)), scan)


def test_a_frame_without_a_description_is_refused(edited, scan):
    with pytest.raises(LesionsegError, match="frames and describes"):
        read_dicom_seg(edited(lambda file: file.PerFrameFunctionalGroupsSequence.pop()), scan)


def test_two_frames_without_a_regular_distance_have_no_grid(edited):
    def move(file: Dataset) -> None:
        file.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient[2] += 0.6

    with pytest.raises(LesionsegError, match="no regular grid"):
        read_dicom_seg(edited(move))


def test_a_mask_on_a_series_from_files_goes_out_and_in_through_the_one_door(tmp_path):
    series = make_series(tmp_path / "ct", orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    scan = read_scan(series.folder)
    array = (scan.array > 700).astype(np.uint8)
    write_dicom_seg(tmp_path / "m.dcm", Mask(array, scan.geometry), scan)
    again = read_mask(tmp_path / "m.dcm", scan)
    assert array.sum() > 100
    assert (again.array == array).all()


def test_a_frame_of_reference_that_nobody_names_decides_nothing(edited, scan, mask):
    path = edited(lambda file: file.pop("FrameOfReferenceUID"))
    assert (read_dicom_seg(path, scan).array == mask.array).all()
    unnamed = replace(scan, dicom=replace(scan.dicom, frame_of_reference=""))
    assert (read_dicom_seg(path, unnamed).array == mask.array).all()


CORPUS = {
    "dcmqi/liver.dcm": "dcmqi/liver_seg.nrrd",
    "dcmqi/24x38x3/seg/label.seg": "dcmqi/24x38x3/nrrd/label.nrrd",
    "dcmqi/23x38x3/seg/label.seg": "dcmqi/23x38x3/nrrd/label.nrrd",
    "dcmqi/sparse-labelmap-noppv.dcm": "dcmqi/sparse_labelmap_noppv_seg.nrrd",
    "dcmqi/sparse-labelmap-ppv5.dcm": "dcmqi/sparse_labelmap_noppv_seg.nrrd",
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", CORPUS)
def test_segmentations_of_dcmqi_come_out_as_its_own_reader_has_them(shared_data: Path, name: str):
    image = sitk.ReadImage(str(shared_data / "corpora" / CORPUS[name]))
    found = read_dicom_seg(shared_data / "corpora" / name)
    assert (found.geometry.to_stored(found.array) == sitk.GetArrayFromImage(image).T).all()
    assert np.allclose(np.array(image.GetOrigin()) * [-1, -1, 1], found.geometry.affine[:3, 3], atol=1e-3)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["liver.dcm", "partial_overlaps.dcm"])
def test_segments_of_dcmqi_lie_on_the_ct_they_were_drawn_on(shared_data: Path, name: str):
    corpus = shared_data / "corpora" / "dcmqi"
    scan = read_scan(corpus / "ct-3slice")
    only, reference = ([], "liver_seg.nrrd") if name == "liver.dcm" else (["ORANGE"], "partial_overlaps-2.nrrd")
    found = read_dicom_seg(corpus / name, scan, only=only)
    wanted = sitk.GetArrayFromImage(sitk.ReadImage(str(corpus / reference))).T
    assert np.array_equal(found.geometry.to_stored(found.array), wanted)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("highdicom/seg_image_ct_true_fractional.dcm", "probabilities or fractions"),
        ("highdicom/seg_image_ct_binary_overlap.dcm", "overlapping regions"),
        ("highdicom/seg_image_sm_control.dcm", "microscope slide"),
        ("highdicom/seg_image_sm_control_labelmap.dcm", "microscope slide"),
        ("highdicom/seg_image_cr_binary.dcm", "where it lies in the patient"),
        ("pydicom/liver_1frame.dcm", "1 frames and describes 3"),
    ],
)
def test_what_is_no_mask_of_a_scan_is_refused_for_its_own_reason(shared_data: Path, name: str, reason: str):
    with pytest.raises(LesionsegError, match=reason):
        read_dicom_seg(shared_data / "corpora" / name)
