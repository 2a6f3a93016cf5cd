"""What is no regular grid is refused by its name, with the two files that show it; what is sound never is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes.dicom.errors import SeriesQuestion
from napari_lesionseg.volumes.dicom.read import read_series
from napari_lesionseg.volumes.dicom.series import find_series
from tests.volumes.dicom.make_series import Edit, make_series

pytestmark = pytest.mark.hazard("H15")


def placed(place: Callable[[int], tuple[float, float, float]]) -> Edit:
    def edit(header: Dataset, k: int) -> None:
        header.ImagePositionPatient = [f"{value:.6f}" for value in place(k)]

    return edit


def moved(slice_number: int, x: float = 0, z: float = 0) -> Edit:
    """Move one slice of a series whose slices lie 2 mm apart."""
    return placed(lambda k: (-50 + x * (k == slice_number), -60, -70 + 2 * k + z * (k == slice_number)))


def turned(header: Dataset, k: int) -> None:
    if k == 2:
        header.ImageOrientationPatient = [0.999, 0.0447101778, 0, -0.0447101778, 0.999, 0]


def wider(header: Dataset, k: int) -> None:
    if k == 2:
        header.PixelSpacing = [0.701, 0.8]


def smaller(header: Dataset, k: int) -> None:
    if k == 2:
        header.Rows -= 1
        header.PixelData = header.PixelData[: header.Rows * header.Columns * 2]


def lost(header: Dataset, k: int) -> None:
    if k == 2:
        del header.ImagePositionPatient


def later(header: Dataset, k: int) -> None:
    header.TemporalPositionIdentifier = 1 + (k == 2)


def echo(header: Dataset, k: int) -> None:
    header.EchoNumbers = 1 + (k > 3)


def other_acquisition(header: Dataset, k: int) -> None:
    header.AcquisitionNumber = 1 + k % 2 + (k == 5)


REFUSED = {
    "a slice twice": ("duplicates", "IM0001.dcm and IM0002.dcm lie in one place", moved(2, z=-2)),
    "almost twice": ("duplicates", "IM0001.dcm and IM0002.dcm lie in one place", moved(2, z=-1.995)),
    "uneven": ("spacing", r"varies from 1.9 to 2.1 mm; .* between IM000[12].dcm and IM000[23].dcm", moved(2, z=0.1)),
    "a little uneven": ("spacing", "the slice spacing varies from 1.97 to 2.03 mm", moved(2, z=0.03)),
    "the last one off": ("spacing", "it is 2.1 mm between IM0004.dcm and IM0005.dcm", moved(5, z=0.1)),
    "wider and wider": ("spacing", "varies from 2 to 2.4 mm", placed(lambda k: (-50, -60, 2 * k + 0.05 * k * (k - 1)))),
    "shifted": ("shift", "IM0003.dcm is shifted sideways by 0.02 mm from IM0002.dcm", moved(3, x=0.02)),
    "the last one shifted": ("shift", "IM0005.dcm is shifted sideways by 5 mm from IM0004.dcm", moved(5, x=5)),
    "tilted": ("tilt", r"tilted by 20° \(IM0000.dcm to IM0005.dcm\)", placed(lambda k: (0, 0.728 * k, 2 * k))),
    "hardly tilted": ("tilt", r"tilted by 0.1° \(IM0000", placed(lambda k: (0, 0.0035 * k, 2 * k))),
    "turned": ("mixed", r"differ in orientation or size \(IM0000.dcm and IM0002.dcm\)", turned),
    "of other pixels": ("mixed", r"differ in orientation or size \(IM0000.dcm and IM0002.dcm\)", wider),
    "of another size": ("mixed", r"differ in orientation or size \(IM0000.dcm and IM0002.dcm\)", smaller),
    "without a place": ("mixed", "IM0002.dcm does not say where it lies, and IM0000.dcm does", lost),
    "later": ("mixed", r"differ in time \(IM0000.dcm and IM0002.dcm\)", later),
    "of another echo": ("mixed", r"differ in echo \(IM0000.dcm and IM0004.dcm\)", echo),
    "acquired in turns": ("mixed", r"differ in acquisition \(IM0000.dcm and IM0001.dcm\)", other_acquisition),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_fault_is_refused_by_name_with_two_files(tmp_path: Path, fault: str) -> None:
    kind, sentence, edit = REFUSED[fault]
    series = make_series(tmp_path / "series", edit=edit)
    with pytest.raises(LesionsegError, match=sentence) as refused:
        read_series(series.folder)
    found = find_series(series.folder)
    assert [one.fault.kind for one in found] == [kind]
    assert found[0].refusal is not None and not found[0].proposed
    offered = kind in ("missing", "spacing", "tilt", "shift")
    assert isinstance(refused.value, GeometryQuestion) == offered


@pytest.mark.parametrize("gone", [{1}, {4}, {2, 3}, {1, 2, 4}, {1, 2, 3, 4, 6}])
def test_missing_slices_are_counted_between_the_two_beside_them(tmp_path: Path, gone: set[int]) -> None:
    series = make_series(tmp_path / "series", np.full((9, 6, 6), -900, np.int16))
    for k in gone:
        series.files[k].unlink()
    holes = "".join("." if k in gone else "#" for k in range(9)).strip("#").split("#")
    longest = max(map(len, holes))
    words = "1 slice is" if longest == 1 else f"{longest} slices are"
    with pytest.raises(GeometryQuestion, match=f"{words} missing between IM000") as refused:
        read_series(series.folder)
    before, after = (int(name[2:6]) for name in str(refused.value).split("between ")[1].split()[0:3:2])
    assert set(range(before + 1, after)) <= gone and after - before - 1 == longest
    if len(gone) > longest:
        assert f", {len(gone)} in all" in str(refused.value)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_slices_are_no_scan(tmp_path: Path, count: int) -> None:
    series = make_series(tmp_path / "series", np.full((count, 6, 6), -900, np.int16))
    with pytest.raises(LesionsegError, match=r"fewer than 3 slices \(only IM0000.dcm"):
        read_series(series.folder)


def test_scouts_and_pictures_are_named_as_such(tmp_path: Path) -> None:
    def scout(header: Dataset, k: int) -> None:
        header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def picture(header: Dataset, k: int) -> None:
        del header.ImagePositionPatient

    make_series(tmp_path / "scouts", edit=scout)
    make_series(tmp_path / "pictures", edit=picture)
    with pytest.raises(LesionsegError, match=r"it is a scout, not a scan \(IM0000.dcm\)"):
        read_series(tmp_path / "scouts")
    with pytest.raises(LesionsegError, match=r"no usable position, orientation and pixel spacing \(IM0000.dcm\)"):
        read_series(tmp_path / "pictures")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelSpacing", [0, 0.8]),
        ("PixelSpacing", [0.7, -0.8]),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
        ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0]),
        ("ImageOrientationPatient", [2, 0, 0, 0, 1, 0]),
        ("ImagePositionPatient", [1, 2]),
        ("PixelSpacing", None),
    ],
)
def test_headers_without_a_usable_place_are_refused(tmp_path: Path, keyword: str, value: object) -> None:
    series = make_series(tmp_path / "series", edit=lambda header, k: setattr(header, keyword, value))
    with pytest.raises(LesionsegError, match="no usable position, orientation and pixel spacing"):
        read_series(series.folder)


def test_two_of_a_kind_in_time_are_two_scans_never_one(tmp_path: Path) -> None:
    def two_times(header: Dataset, k: int) -> None:
        header.TemporalPositionIdentifier = 1 + k // 5
        header.ImagePositionPatient = [0, 0, 2.0 * (k % 5)]

    series = make_series(
        tmp_path / "series", np.arange(10, dtype=np.int16)[:, None, None] * np.ones((1, 4, 5)), edit=two_times
    )
    with pytest.raises(SeriesQuestion) as asked:
        read_series(series.folder)
    assert sorted(one.uid for one in asked.value.series) == [f"{series.uid}#1", f"{series.uid}#2"]
    for number in (1, 2):
        scan = read_series(series.folder, f"{series.uid}#{number}")
        assert scan.array[:, 0, 0].tolist() == list(range(5 * number - 5, 5 * number))
    with pytest.raises(SeriesQuestion):
        read_series(series.folder, series.uid)


@pytest.mark.parametrize("mark", ["AcquisitionNumber", "EchoNumbers", "ConvolutionKernel", "ImageType", "TriggerTime"])
def test_slices_in_one_place_are_told_apart_by_what_differs(tmp_path: Path, mark: str) -> None:
    values = {"ConvolutionKernel": ("B30f", "B70f"), "ImageType": (["DERIVED"], ["ORIGINAL"])}.get(mark, (1, 2))

    def two(header: Dataset, k: int) -> None:
        setattr(header, mark, values[k % 2])
        header.ImagePositionPatient = [0, 0, 2.0 * (k // 2)]

    series = make_series(
        tmp_path / "series", np.arange(8, dtype=np.int16)[:, None, None] * np.ones((1, 4, 5)), edit=two
    )
    found = find_series(series.folder)
    read = [read_series(series.folder, one.uid).array[:, 0, 0].tolist() for one in found]
    assert sorted(read) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_interleaved_acquisitions_are_two_scans(tmp_path: Path) -> None:
    def in_turns(header: Dataset, k: int) -> None:
        header.AcquisitionNumber = 1 + k % 2

    series = make_series(tmp_path / "series", edit=in_turns)
    assert [one.slices for one in find_series(series.folder)] == [3, 3]


def test_table_steps_one_behind_the_other_are_one_scan(tmp_path: Path) -> None:
    def steps(header: Dataset, k: int) -> None:
        header.AcquisitionNumber = 1 + k // 2

    series = make_series(tmp_path / "series", edit=steps)
    assert np.array_equal(read_series(series.folder).array, series.hu)


def test_a_scan_and_its_reformat_in_one_series_are_two_scans(tmp_path: Path) -> None:
    axial = make_series(tmp_path / "series" / "a", 1)
    coronal = make_series(tmp_path / "series" / "b", 2, orientation=(1, 0, 0, 0, 0, -1))
    assert axial.uid == coronal.uid
    found = find_series(tmp_path / "series")
    assert [one.slices for one in found] == [6, 6]
    assert {one.files[0] for one in found} == {"a/IM0000.dcm", "b/IM0000.dcm"}
    assert np.array_equal(read_series(tmp_path / "series", f"{axial.uid}#1").array, axial.hu)


@pytest.mark.parametrize("decimals", [6, 4, 2])
@pytest.mark.parametrize("spacing", [0.625, 1.25, 2.997, 5.0])
def test_positions_written_with_few_decimals_are_regular(tmp_path: Path, spacing: float, decimals: int) -> None:
    def rounded(header: Dataset, k: int) -> None:
        header.ImagePositionPatient = [f"{-50.4:.{decimals}f}", "-60", f"{-70.137 + spacing * k:.{decimals}f}"]

    series = make_series(tmp_path / "series", np.full((40, 4, 5), -900, np.int16), edit=rounded)
    scan = read_series(series.folder)
    assert scan.geometry.spacing[0] == pytest.approx(spacing, abs=1e-3)


def test_copies_of_one_file_are_called_the_same_slice(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    dcmread(series.files[1]).save_as(series.folder / "IM0001 (copy).dcm")
    with pytest.raises(LesionsegError, match=r"IM0001 \(copy\).dcm and IM0001.dcm lie in one place \(the same slice"):
        read_series(series.folder)
