"""Every value as the scanner measured it, slice by slice; padding is air; what was lost is said."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom import decode
from napari_lesionseg.volumes.dicom.read import LOSSY_WARNING, read_series
from tests.volumes.dicom.compress import LOSSLESS, LOSSY, compress
from tests.volumes.dicom.make_series import hu_values, make_series, set_pixels

SHAPE = (3, 24, 20)


def signed(header: Dataset, stored: np.ndarray) -> None:
    """Put signed 16-bit values into ``header``."""
    header.PixelRepresentation = 1
    header.PixelData = stored.astype("<i2").tobytes()


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str) -> None:
    series = make_series(tmp_path / "series", hu_values(1, SHAPE))
    for file in series.files:
        compress(file, LOSSLESS[syntax])
    scan = read_series(series.folder)
    assert np.array_equal(scan.array, series.hu)
    assert not scan.lossy
    assert scan.warnings == ()


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_compression_is_flagged(tmp_path: Path, syntax: str) -> None:
    def eight_bits(header: Dataset, k: int) -> None:
        header.BitsAllocated = header.BitsStored = 8
        header.HighBit = 7
        header.PixelData = (np.arange(480) // 2).astype(np.uint8).tobytes()

    series = make_series(
        tmp_path / "series", hu_values(1, SHAPE), edit=eight_bits if syntax == "JPEG baseline" else None
    )
    for file in series.files:
        compress(file, LOSSY[syntax])
    scan = read_series(series.folder)
    assert scan.lossy
    assert LOSSY_WARNING in scan.warnings


@pytest.mark.hazard("H16")
def test_one_slice_that_was_lossy_before_makes_the_scan_lossy(tmp_path: Path) -> None:
    def once_lossy(header: Dataset, k: int) -> None:
        header.LossyImageCompression = "01" if k == 2 else "00"

    scan = read_series(make_series(tmp_path / "series", edit=once_lossy).folder)
    assert scan.lossy
    assert scan.warnings == (LOSSY_WARNING,)


@pytest.mark.hazard("H16")
def test_every_slice_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    def own(header: Dataset, k: int) -> None:
        header.RescaleSlope, header.RescaleIntercept = k + 1, -1024 - 10 * k

    series = make_series(tmp_path / "series", np.full((4, 5, 6), -900, np.int16), edit=own)  # Stored as 124.
    scan = read_series(series.folder)
    assert scan.array.dtype == np.int16
    assert [np.unique(plane).tolist() for plane in scan.array] == [[-900], [-786], [-672], [-558]]


@pytest.mark.hazard("H16")
@pytest.mark.parametrize(
    ("slope", "intercept", "dtype", "expected"),
    [
        ("1", "-1024", np.int16, -900),
        ("2", "0", np.int16, 248),
        ("1000", "0", np.int32, 124_000),
        ("0.5", "-1024", np.float32, -962),
        ("1", "-1024.25", np.float32, -900.25),
        ("30000000", "0", np.float32, 3.72e9),
    ],
)
def test_values_take_the_smallest_type_that_holds_them(
    tmp_path: Path, slope: str, intercept: str, dtype: type, expected: float
) -> None:
    def scaled(header: Dataset, k: int) -> None:
        if k == 2:  # The first slices fit in int16.
            header.RescaleSlope, header.RescaleIntercept = slope, intercept

    scan = read_series(make_series(tmp_path / "series", np.full((4, 5, 6), -900, np.int16), edit=scaled).folder)
    assert scan.array.dtype == dtype
    assert np.unique(scan.array[2]).tolist() == [pytest.approx(expected, rel=1e-7)]
    assert np.unique(scan.array[[0, 1, 3]]).tolist() == [-900]


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("slope", ["0", "1e300"])
def test_a_slope_that_leaves_no_values_is_refused(tmp_path: Path, slope: str) -> None:
    def spoilt(header: Dataset, k: int) -> None:
        header.RescaleSlope = slope if k == 1 else 1

    with pytest.raises(LesionsegError, match="IM0001.dcm"):
        read_series(make_series(tmp_path / "series", edit=spoilt).folder)


def padded(stored_padding: int, declared: dict[str, int] | None) -> tuple[np.ndarray, object]:
    """HU with a padded frame of two voxels, and the edit that stores it as GE does, signed with intercept −1024."""
    hu = hu_values(3, (4, 12, 10))
    hu[:, :2] = hu[:, -2:] = -1000

    def edit(header: Dataset, k: int) -> None:
        stored = hu[k].astype(np.int32) + 1024
        stored[:2] = stored[-2:] = stored_padding
        signed(header, stored)
        for keyword, value in (declared or {}).items():
            setattr(header, keyword, value)

    return hu, edit


@pytest.mark.hazard("H16")
@pytest.mark.parametrize(
    ("stored", "declared"),
    [
        (-2000, {"PixelPaddingValue": -2000}),
        (-2000, None),
        (-1024, None),  # −2048 HU.
        (-500, {"PixelPaddingValue": -500}),  # −1524 HU, and no other value of the corners.
        (-300, {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -200}),
        (-300, {"PixelPaddingValue": -200, "PixelPaddingRangeLimit": -2000}),
    ],
)
def test_padding_becomes_air_and_nothing_else_does(tmp_path: Path, stored: int, declared: dict[str, int]) -> None:
    hu, edit = padded(stored, declared)
    scan = read_series(make_series(tmp_path / "series", hu, edit=edit).folder)
    assert scan.array.dtype == np.int16
    assert (scan.array[:, :2] == -1024).all() and (scan.array[:, -2:] == -1024).all()
    assert np.array_equal(scan.array[:, 2:-2], hu[:, 2:-2])
    assert scan.warnings == ("Padding outside the field of view (33.3 % of the voxels) was set to -1024 HU, air.",)


@pytest.mark.hazard("H16")
def test_padding_written_as_an_unsigned_bit_pattern_is_understood(tmp_path: Path) -> None:
    hu, edit = padded(-500, None)

    def bit_pattern(header: Dataset, k: int) -> None:
        edit(header, k)
        header.add_new(0x00280120, "US", 65536 - 500)

    scan = read_series(make_series(tmp_path / "series", hu, edit=bit_pattern).folder)
    assert (scan.array[:, :2] == -1024).all()


@pytest.mark.hazard("H16")
def test_a_padding_value_that_is_also_tissue_is_left_and_said(tmp_path: Path) -> None:
    def water(header: Dataset, k: int) -> None:
        header.PixelPaddingValue = 1024  # Stored; 0 HU.

    series = make_series(tmp_path / "series", edit=water)
    scan = read_series(series.folder)
    assert np.array_equal(scan.array, series.hu)
    assert "left as it is" in scan.warnings[0]


def test_dark_noise_and_one_dark_corner_are_no_padding(tmp_path: Path) -> None:
    hu = hu_values(4)
    hu[:, 0, 0] = hu[:, -1, 0] = -1024  # In corners, but possible.
    hu[:, 5, 5] = -1024
    scan = read_series(make_series(tmp_path / "series", hu).folder)
    assert np.array_equal(scan.array, hu)
    assert scan.warnings == ()


def test_a_streak_through_two_corners_is_no_padding(tmp_path: Path) -> None:
    hu = hu_values(5, (4, 12, 10))
    hu[:, 0, [0, -1]] = hu[:, 3, 3] = -2000

    series = make_series(tmp_path / "series", hu, edit=lambda header, k: signed(header, hu[k].astype(int) + 1024))
    assert np.array_equal(read_series(series.folder).array, hu)


@pytest.mark.hazard("H16")
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "RGB", "PALETTE COLOR", ""])
def test_a_ct_in_anything_but_plain_grey_values_is_refused(tmp_path: Path, photometric: str) -> None:
    def painted(header: Dataset, k: int) -> None:
        if k == 3:
            header.PhotometricInterpretation = photometric

    with pytest.raises(LesionsegError, match="IM0003.dcm is stored as .*, not as plain grey values"):
        read_series(make_series(tmp_path / "series", edit=painted).folder)


def test_colours_of_another_modality_become_their_brightness(tmp_path: Path) -> None:
    def colours(header: Dataset, k: int) -> None:
        header.Modality = "MR"
        set_pixels(header, np.zeros((4, 5)))
        header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
        header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
        header.RescaleIntercept = 0
        header.PixelData = np.tile(np.array([100, 200, 50], np.uint8), 20).tobytes()

    scan = read_series(make_series(tmp_path / "series", np.zeros((3, 4, 5), np.int16), edit=colours).folder)
    assert np.unique(scan.array).tolist() == [153]  # 0.299 · 100 + 0.587 · 200 + 0.114 · 50
    assert scan.intensity == "grey"
    assert "brightness" in scan.warnings[0]


@pytest.mark.parametrize(
    ("modality", "unit", "intensity", "said"),
    [("CT", "HU", "HU", ""), ("CT", "", "HU", ""), ("CT", "OD", "grey", "not HU"), ("MR", "", "grey", "not CT")],
)
def test_only_ct_is_in_hounsfield_units(tmp_path: Path, modality: str, unit: str, intensity: str, said: str) -> None:
    def named(header: Dataset, k: int) -> None:
        header.Modality, header.RescaleType = modality, unit

    scan = read_series(make_series(tmp_path / "series", edit=named).folder)
    assert scan.intensity == intensity
    assert said in " ".join(scan.warnings)
    assert bool(said) == bool(scan.warnings)


def test_a_ct_without_air_is_doubted(tmp_path: Path) -> None:
    scan = read_series(make_series(tmp_path / "series", np.full((3, 4, 5), 40, np.int16)).folder)
    assert "No voxel is as dark as air" in scan.warnings[0]


@pytest.mark.parametrize("spoilt", ["cut", "gone", "garbage"])
def test_pixels_that_cannot_be_decoded_are_one_sentence_with_the_file(tmp_path: Path, spoilt: str) -> None:
    series = make_series(tmp_path / "series")
    compress(series.files[4], LOSSLESS["JPEG-LS"])
    header = dcmread(series.files[4])
    if spoilt == "gone":
        del header.PixelData
    elif spoilt == "cut":
        header.PixelData = header.PixelData[:60]
    else:
        header.PixelData = header.PixelData[:30] + b"\xa5" * 300
    header.save_as(series.files[4])
    with pytest.raises(LesionsegError, match="IM0004.dcm in .* has missing, damaged or unknown pixels"):
        read_series(series.folder)


@pytest.mark.hazard("H10")
@pytest.mark.parametrize("syntax", ["RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000"])
def test_a_damaged_stream_does_not_end_the_process_that_reads_it(tmp_path: Path, syntax: str) -> None:
    series = make_series(tmp_path / "series")  # On this JPEG 2000, GDCM aborts.
    compress(series.files[2], LOSSLESS[syntax])
    header = dcmread(series.files[2])
    header.PixelData = header.PixelData[:26] + b"\xa5" * (len(header.PixelData) - 60)
    header.save_as(series.files[2])
    with pytest.raises(LesionsegError, match="IM0002.dcm in .* has missing, damaged or unknown pixels"):
        read_series(series.folder)


def test_a_long_compressed_series_is_decoded_by_several_children_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "WORTH_A_CHILD", 3)
    monkeypatch.setattr(decode.os, "cpu_count", lambda: 8)
    series = make_series(tmp_path / "series", hu_values(2, (10, 16, 12)))
    for file in series.files:
        compress(file, LOSSLESS["JPEG-LS"])
    assert np.array_equal(read_series(series.folder).array, series.hu)


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleeps.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(decode, "_CHILD", tmp_path / "sleeps.py")
    monkeypatch.setattr(decode, "LONGEST_S", 0.5)
    series = make_series(tmp_path / "series")
    compress(series.files[0], LOSSLESS["JPEG-LS"])
    began = time.monotonic()
    with pytest.raises(LesionsegError, match="IM0000.dcm in"):
        read_series(series.folder)
    assert time.monotonic() - began < 20


@pytest.mark.hazard("H17")
@pytest.mark.parametrize("syntax", ["explicit", "RLE", "JPEG-LS", "JPEG 2000"])
def test_a_header_that_declares_more_pixels_than_there_can_be_costs_no_memory(
    tmp_path: Path, syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = make_series(tmp_path / "series", hu_values(1, SHAPE))
    for file in series.files:
        compress(file, LOSSLESS[syntax])
        header = dcmread(file)
        header.Rows = header.Columns = 65535
        header.save_as(file)
    monkeypatch.setattr(np, "empty", lambda *_, **__: pytest.fail("memory was taken"))
    with pytest.raises(LesionsegError, match="missing, damaged or unknown pixels"):
        read_series(series.folder)
