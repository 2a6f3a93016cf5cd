"""RTSTRUCT made elsewhere: filled by pixel centres on the scan's grid, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.dicom.rtstruct import fill, read_rtstruct
from napari_lesionseg.volumes.export.rtstruct import write_rtstruct
from napari_lesionseg.volumes.read import read_mask, read_scan
from tests.volumes.dicom.make_series import make_series
from tests.volumes.export.dicom_scans import make_dicom_scan, rotation

Edit = Callable[[Dataset], None]


def square(low: float, high: float) -> np.ndarray:
    return np.array([(low, low), (low, high), (high, high), (high, low)])


def test_a_pixel_belongs_to_a_polygon_if_its_centre_does():
    assert fill([square(0.6, 3.4)], (5, 5)).sum() == 9
    assert fill([square(0.4, 3.6)], (5, 5)).sum() == 9
    assert fill([square(0.4, 3.4) + [0, 1]], (5, 5)).sum() == 9
    assert fill([square(1.1, 1.9)], (5, 5)).sum() == 0


def test_neighbours_that_share_an_edge_through_centres_share_no_pixel():
    left = fill([np.array([(0, 0), (0, 2), (4, 2), (4, 0)])], (5, 5))
    right = fill([np.array([(0, 2), (0, 4), (4, 4), (4, 2)])], (5, 5))
    assert not (left & right).any()
    assert (left | right).sum() == 16


def test_a_contour_within_a_contour_is_a_hole_and_one_within_that_an_island():
    ring = fill([square(-0.5, 6.5), square(1.5, 4.5), square(2.5, 3.5)], (7, 7))
    assert ring.sum() == 49 - 9 + 1


def test_a_polygon_beyond_the_picture_is_cut_off_at_its_border():
    assert fill([square(-5, 20)], (3, 4)).all()


@pytest.fixture
def scan() -> Volume:
    return make_dicom_scan((12, 10, 5), rotation(10, -5, 15))


@pytest.fixture
def mask(scan: Volume) -> Mask:
    stored = np.zeros(scan.geometry.shape, np.uint8)
    stored[1:8, 1:8, 1] = 1
    stored[3:6, 3:6, 1] = 0
    stored[2:4, 2:9, 3] = 4
    return Mask(scan.geometry.to_display(stored), scan.geometry)


@pytest.fixture
def edited(tmp_path: Path, scan: Volume, mask: Mask) -> Callable[[Edit], Path]:
    """An RTSTRUCT of the mask after somebody has changed its file."""

    def edit(change: Edit) -> Path:
        write_rtstruct(path := tmp_path / "rs.dcm", mask, scan)
        file = pydicom.dcmread(path)
        change(file)
        file.save_as(path)
        return path

    return edit


def points(scan: Volume, *corners: tuple[float, float, float]) -> list[str]:
    """Contour data of stored indices (i, j, k)."""
    ras = np.array(corners) @ scan.geometry.affine[:3, :3].T + scan.geometry.affine[:3, 3]
    return [f"{value:.5f}" for value in (ras * [-1, -1, 1]).ravel()]


def test_the_order_of_contours_in_the_file_does_not_matter(edited, scan, mask):
    def turn(file: Dataset) -> None:
        file.ROIContourSequence = file.ROIContourSequence[::-1]

    assert (read_rtstruct(edited(turn), scan).array == mask.array).all()


def test_a_geometry_is_enough_to_fill_contours(edited, scan, mask):
    assert (read_rtstruct(edited(lambda file: None), scan.geometry).array == mask.array).all()


def test_a_hole_of_a_contour_of_its_own_is_cut_out(edited, scan, mask):
    def as_others_do(file: Dataset) -> None:
        (contour,) = file.ROIContourSequence[0].ContourSequence
        hole = pydicom.dataset.Dataset()
        hole.update(contour)
        contour.ContourData = points(scan, (0.5, 0.5, 1), (7.5, 0.5, 1), (7.5, 7.5, 1), (0.5, 7.5, 1))
        hole.ContourData = points(scan, (2.5, 2.5, 1), (5.5, 2.5, 1), (5.5, 5.5, 1), (2.5, 5.5, 1))
        file.ROIContourSequence[0].ContourSequence = [hole, contour]

    assert (read_rtstruct(edited(as_others_do), scan).array == mask.array).all()


def test_roi_numbers_that_cannot_be_labels_become_their_place_in_the_list(edited, scan, mask):
    def renumber(file: Dataset) -> None:
        for roi, contours, number in zip(
            file.StructureSetROISequence, file.ROIContourSequence, (0, 70000), strict=True
        ):
            roi.ROINumber = contours.ReferencedROINumber = number

    found = read_rtstruct(edited(renumber), scan).array
    assert (found == np.where(mask.array == 4, 2, mask.array)).all()


def test_one_roi_alone_is_read_by_its_name(edited, scan, mask):
    found = read_rtstruct(edited(lambda file: None), scan, only=["Lesion 4"]).array
    assert (found == np.where(mask.array == 4, 4, 0)).all()


def test_without_a_scan_contours_are_refused(edited):
    with pytest.raises(LesionsegError, match="contours without a grid"):
        read_rtstruct(edited(lambda file: None))


def test_another_frame_of_reference_is_refused(edited, scan):
    def change(file: Dataset) -> None:
        for roi in file.StructureSetROISequence:
            roi.ReferencedFrameOfReferenceUID = "1.2.3"

    with pytest.raises(LesionsegError, match="another frame of reference"):
        read_rtstruct(edited(change), scan)


def contour_at(scan: Volume, *corners: tuple[float, float, float]) -> Edit:
    def change(file: Dataset) -> None:
        file.ROIContourSequence[0].ContourSequence[0].ContourData = points(scan, *corners)

    return change


@pytest.mark.parametrize("k", [1.4, 1.5, 1.6])
def test_a_contour_between_slices_is_refused(edited, scan, k):
    path = edited(contour_at(scan, (1, 1, k), (5, 1, k), (5, 5, k)))
    with pytest.raises(LesionsegError, match="between the slices"):
        read_rtstruct(path, scan)


def test_a_contour_across_slices_is_refused(edited, scan):
    path = edited(contour_at(scan, (1, 1, 0), (5, 1, 1), (5, 5, 2), (1, 5, 3)))
    with pytest.raises(LesionsegError, match="between the slices of the scan or across them"):
        read_rtstruct(path, scan)


def test_a_contour_on_a_slice_the_scan_does_not_have_is_refused(edited, scan):
    def move(file: Dataset) -> None:
        contour_at(scan, (1, 1, 9), (5, 1, 9), (5, 5, 9))(file)
        del file.ROIContourSequence[0].ContourSequence[0].ContourImageSequence

    path = edited(move)
    with pytest.raises(LesionsegError, match="reaches beyond the scan"):
        read_rtstruct(path, scan)


def test_a_contour_that_lies_elsewhere_than_the_image_it_names_is_refused(edited, scan):
    path = edited(contour_at(scan, (1, 1, 2), (5, 1, 2), (5, 5, 2)))
    with pytest.raises(LesionsegError, match="what refers to slice 2 of the scan lies on slice 3"):
        read_rtstruct(path, scan)


def test_overlapping_rois_are_refused_by_name(edited, scan):
    def copy(file: Dataset) -> None:
        file.ROIContourSequence[1].ContourSequence = file.ROIContourSequence[0].ContourSequence

    with pytest.raises(LesionsegError, match=r"overlapping regions \('Lesion' and 'Lesion 4'\)"):
        read_rtstruct(edited(copy), scan)


def test_points_and_open_lines_are_no_region(edited, scan, mask):
    def open_first(file: Dataset) -> None:
        file.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "OPEN_PLANAR"

    found = read_rtstruct(edited(open_first), scan).array
    assert (found == np.where(mask.array == 4, 4, 0)).all()


def test_a_structure_set_without_any_region_is_refused(edited, scan):
    with pytest.raises(LesionsegError, match="no closed contours"):
        read_rtstruct(edited(lambda file: file.pop("ROIContourSequence")), scan)


@pytest.mark.parametrize("value", [["1", "2", "3", "4"], ["1", "2", "nan"], []])
def test_points_that_are_not_places_are_refused(edited, scan, value):
    def change(file: Dataset) -> None:
        element = pydicom.DataElement(0x30060050, "DS", value, already_converted=True)
        file.ROIContourSequence[0].ContourSequence[0].add(element)

    with pytest.raises(LesionsegError, match="points cannot be read"):
        read_rtstruct(edited(change), scan)


def test_a_ct_slice_is_no_rtstruct(tmp_path, scan):
    series = make_series(tmp_path)
    with pytest.raises(LesionsegError, match="is no RTSTRUCT but CT"):
        read_rtstruct(series.files[0], scan)


def test_a_mask_on_a_series_from_files_goes_out_and_in_through_the_one_door(tmp_path):
    series = make_series(tmp_path / "ct", orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    scan = read_scan(series.folder)
    array = (scan.array > 500).astype(np.uint8)
    write_rtstruct(tmp_path / "m.dcm", Mask(array, scan.geometry), scan)
    assert array.sum() > 100
    assert (read_mask(tmp_path / "m.dcm", scan).array == array).all()


@pytest.mark.realdata
def test_the_ibsi_structure_set_is_its_reference_mask(shared_data: Path):
    folder = shared_data / "io_samples" / "ibsi_1_ct_radiomics_phantom"
    scan = read_scan(folder / "dicom" / "image")
    found = read_rtstruct(folder / "dicom" / "mask" / "DCM_RS_00060.dcm", scan)
    wanted = read_mask(folder / "nifti" / "mask" / "mask.nii.gz")
    assert np.count_nonzero(wanted.array) == 125256
    assert (found.array == wanted.array).all()


@pytest.mark.realdata
def test_a_structure_set_of_another_scan_is_refused(shared_data: Path, scan: Volume):
    with pytest.raises(LesionsegError, match="another frame of reference"):
        read_rtstruct(shared_data / "corpora" / "pydicom" / "rtstruct.dcm", scan)
