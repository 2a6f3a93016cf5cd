"""Many frames in one file: each with its own place and scale, in any order, in one or several stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.errors import SeriesQuestion
from napari_lesionseg.volumes.dicom.read import read_series
from tests.volumes.dicom.make_series import Series, make_series

ENHANCED_CT = UID("1.2.840.10008.5.1.4.1.1.2.1")


def item(**facts: object) -> Dataset:
    made = Dataset()
    for keyword, value in facts.items():
        setattr(made, keyword, value)
    return made


def make_enhanced(
    path: Path, series: Series, order: Sequence[int], edit: Callable[[Dataset, int], None] | None = None
) -> Path:
    """Put the slices of ``series`` into one enhanced CT file, in ``order``; ``edit`` changes a frame's groups."""
    slices = [dcmread(series.files[k]) for k in order]
    header = slices[0]
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    header.NumberOfFrames = len(slices)
    header.PixelData = b"".join(one.PixelData for one in slices)
    header.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=header.ImageOrientationPatient)],
            PixelMeasuresSequence=[item(PixelSpacing=header.PixelSpacing, SliceThickness=header.SliceThickness)],
        )
    ]
    groups = []
    for one in slices:
        frame = item(
            PlanePositionSequence=[item(ImagePositionPatient=one.ImagePositionPatient)],
            PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")],
            FrameContentSequence=[item(StackID="1", FrameComments="CANARY", FrameAcquisitionDateTime="20010203")],
        )
        if edit is not None:
            edit(frame, len(groups))
        groups.append(frame)
    header.PerFrameFunctionalGroupsSequence = groups
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "AcquisitionNumber",
    ):
        delattr(header, keyword)
    del header.RescaleIntercept, header.RescaleType, header.SliceThickness
    header.save_as(path)
    return path


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path / "series")


@pytest.mark.hazard("H15")
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (3, 0, 5, 1, 4, 2)])
def test_frames_lie_where_their_groups_say_whatever_their_order(
    series: Series, tmp_path: Path, order: tuple[int, ...]
) -> None:
    scan = read_series(make_enhanced(tmp_path / "one.dcm", series, order))
    assert np.array_equal(scan.array, series.hu)
    assert np.allclose(scan.geometry.affine, series.affine)
    assert scan.intensity == "HU"


@pytest.mark.hazard("H16")
def test_every_frame_has_its_own_slope(series: Series, tmp_path: Path) -> None:
    def own(frame: Dataset, index: int) -> None:
        frame.PixelValueTransformationSequence[0].RescaleSlope = index + 1

    scan = read_series(make_enhanced(tmp_path / "one.dcm", series, range(6), own))
    for k, (plane, hu) in enumerate(zip(scan.array, series.hu, strict=True)):
        assert np.array_equal(plane, (hu.astype(int) + 1024) * (k + 1) - 1024)


def test_what_is_kept_of_the_header_places_frames_and_names_nobody(series: Series, tmp_path: Path) -> None:
    source = read_series(make_enhanced(tmp_path / "one.dcm", series, (3, 0, 5, 1, 4, 2))).dicom
    assert source is not None and source.multi_frame
    (header,) = source.headers
    heights = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in header.PerFrameFunctionalGroupsSequence
    ]
    assert heights == [-64, -70, -60, -68, -62, -66]  # As in the file, so that frame numbers stay true.
    assert header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing == [0.7, 0.8]
    assert "CANARY" not in str(header) and "2001" not in str(header) and "Phantom" not in str(header)


@pytest.mark.hazard("H15")
def test_two_stacks_in_one_file_are_two_scans(series: Series, tmp_path: Path) -> None:
    def stacks(frame: Dataset, index: int) -> None:
        frame.FrameContentSequence[0].StackID = "ab"[index % 2]
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, index // 2]

    path = make_enhanced(tmp_path / "one.dcm", series, range(6), stacks)
    with pytest.raises(SeriesQuestion):
        read_series(path)
    assert np.array_equal(read_series(path, "1").array, series.hu[::2])
    assert np.array_equal(read_series(path, "2").array, series.hu[1::2])


@pytest.mark.hazard("H15")
def test_a_fault_names_the_frames(series: Series, tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="between one.dcm frame 2 and one.dcm frame 3"):
        read_series(make_enhanced(tmp_path / "one.dcm", series, (0, 1, 3, 4, 5)))


def test_frames_without_groups_have_no_place(series: Series, tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "one.dcm", series, range(6))
    header = dcmread(path)
    del header.PerFrameFunctionalGroupsSequence
    header.save_as(path)
    with pytest.raises(LesionsegError, match="no usable position"):
        read_series(path)


def test_fewer_frames_than_declared_are_damage(series: Series, tmp_path: Path) -> None:
    path = make_enhanced(tmp_path / "one.dcm", series, range(6))
    header = dcmread(path)
    header.PixelData = header.PixelData[: len(header.PixelData) // 2]
    header.save_as(path)
    with pytest.raises(LesionsegError, match="missing, damaged or unknown pixels"):
        read_series(path)


def test_an_oblique_stack_is_judged_by_a_second_reader_too(tmp_path: Path) -> None:
    oblique = (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)
    series = make_series(tmp_path / "series", orientation=oblique)
    scan = read_series(make_enhanced(tmp_path / "one.dcm", series, range(6)))
    assert np.allclose(scan.geometry.affine, series.affine)
