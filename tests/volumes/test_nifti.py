"""Voxels and their place survive reading and writing, as two other readers see them."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

SHAPE = (3, 4, 5)  # stored (i, j, k)
AFFINE = np.array([[0, 0, 2.5, -30], [-0.75, 0, 0, 12.5], [0, -0.5, 0, 7], [0, 0, 0, 1]])  # axes run to P, I, R
VALUES = np.arange(60, dtype=np.int16).reshape(SHAPE) * 50 - 1000  # −1000 … 1950


def save(path: Path, stored: np.ndarray, affine: np.ndarray = AFFINE, kind: type = nib.Nifti1Image) -> Path:
    """Write ``stored`` by nibabel."""
    kind(stored, affine, dtype=stored.dtype).to_filename(path)
    return path


def test_a_scan_is_shown_from_below_up_front_to_back_and_right_to_left(tmp_path: Path) -> None:
    scan = nifti.read_scan(save(tmp_path / "scan.nii", VALUES))
    assert scan.geometry.orientation == "PIR"
    assert scan.array.shape == (4, 3, 5)
    assert np.array_equal(scan.array, VALUES[:, ::-1, ::-1].transpose(1, 0, 2))
    assert np.array_equal(scan.geometry.affine, AFFINE)
    assert scan.source == tmp_path / "scan.nii"


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_both_versions_both_byte_orders_zipped_or_not(tmp_path: Path, name: str, kind: type, byte_order: str) -> None:
    header = kind.header_class(endianness=byte_order)
    header.set_data_dtype("i2")
    kind(VALUES, AFFINE, header).to_filename(tmp_path / name)
    scan = nifti.read_scan(tmp_path / name)
    assert np.array_equal(scan.geometry.to_stored(scan.array), VALUES)
    assert scan.array.dtype == np.int16
    assert scan.array.dtype.isnative
    assert scan.intensity == "HU"
    assert scan.warnings == ()


@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u4", "u8", "f4", "f8"])
def test_whole_numbers_become_int16_and_others_float32(tmp_path: Path, dtype: str) -> None:
    few = (VALUES // 50 + 20).astype(dtype)
    scan = nifti.read_scan(save(tmp_path / "scan.nii", few))
    assert scan.array.dtype == (np.float32 if dtype[0] == "f" else np.int16)
    assert np.array_equal(scan.geometry.to_stored(scan.array), few)


def test_whole_numbers_too_large_for_int16_are_kept(tmp_path: Path) -> None:
    large = VALUES.astype(">i4") + 70_000
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i4")
    nib.Nifti1Image(large, AFFINE, header).to_filename(tmp_path / "scan.nii")
    scan = nifti.read_scan(tmp_path / "scan.nii")
    assert scan.array.dtype == np.dtype("=i4")
    assert np.array_equal(scan.geometry.to_stored(scan.array), large)


@pytest.mark.hazard("H16")
@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "dtype"),
    [
        (np.int16, 1.0, -1024.0, np.int16),
        (np.uint8, 10.0, -1024.0, np.int16),
        (np.uint16, 1.0, -1024.0, np.int16),
        (np.int16, 0.5, 0.0, np.float32),
        (np.float32, 2.0, -3.0, np.float32),
        (np.uint16, 4000.0, 0.0, np.float32),  # Beyond int16.
    ],
)
def test_slope_and_intercept_are_applied(
    tmp_path: Path, stored: type, slope: float, intercept: float, dtype: type
) -> None:
    raw = np.arange(60, dtype=stored).reshape(SHAPE)
    image = nib.Nifti1Image(raw, AFFINE, dtype=stored)
    image.header.set_slope_inter(slope, intercept)
    image.to_filename(tmp_path / "scan.nii")
    with open(tmp_path / "scan.nii", "r+b") as file:  # nibabel scales on writing; put the raw voxels under the slope.
        file.seek(112)
        file.write(np.array([slope, intercept], "<f4").tobytes())
        file.seek(352)
        file.write(raw.tobytes("F"))
    scan = nifti.read_scan(tmp_path / "scan.nii")
    assert scan.array.dtype == dtype
    assert scan.intensity == "HU"
    assert np.array_equal(scan.geometry.to_stored(scan.array), raw.astype(np.float64) * slope + intercept)


def test_a_slope_of_zero_means_no_slope(tmp_path: Path) -> None:
    save(tmp_path / "scan.nii", VALUES)
    with open(tmp_path / "scan.nii", "r+b") as file:
        file.seek(112)
        file.write(np.array([0, 500], "<f4").tobytes())
    assert nifti.read_scan(tmp_path / "scan.nii").array.max() == VALUES.max()


def test_bytes_are_grey_levels_and_the_reader_is_told(tmp_path: Path) -> None:
    grey = np.arange(60, dtype=np.uint8).reshape(SHAPE)
    scan = nifti.read_scan(save(tmp_path / "scan.nii.gz", grey))
    assert (scan.intensity, scan.array.dtype) == ("grey", np.uint8)
    assert scan.warnings == (nifti.GREY_WARNING,)


def test_a_scan_without_air_is_doubted(tmp_path: Path) -> None:
    scan = nifti.read_scan(save(tmp_path / "scan.nii", VALUES + np.int16(501)))
    assert (scan.intensity, scan.warnings) == ("HU", (nifti.NO_AIR_WARNING,))


@pytest.mark.parametrize("extra", [(1,), (1, 1)])
def test_trailing_dimensions_of_one_are_dropped(tmp_path: Path, extra: tuple[int, ...]) -> None:
    scan = nifti.read_scan(save(tmp_path / "scan.nii", VALUES.reshape(*SHAPE, *extra)))
    assert np.array_equal(scan.geometry.to_stored(scan.array), VALUES)


def test_a_header_extension_is_read_past(tmp_path: Path) -> None:
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    image.to_filename(tmp_path / "scan.nii.gz")
    assert np.array_equal(np.sort(nifti.read_scan(tmp_path / "scan.nii.gz").array.ravel()), VALUES.ravel())


def random_mask(geometry: Geometry, seed: int = 0) -> Mask:
    """Labels 0, 1 and 255 with voxels on all six faces."""
    labels = np.random.default_rng(seed).choice(np.array([0, 1, 255], np.uint8), geometry.display_shape)
    for axis in range(3):
        np.moveaxis(labels, axis, 0)[[0, -1], 1, 1] = 1
    return Mask(labels, geometry)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("name", ["mask.nii", "mask.nii.gz"])
@pytest.mark.parametrize("flips", [(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_a_mask_lies_where_two_other_readers_look(
    tmp_path: Path, name: str, flips: tuple[int, ...], order: tuple[int, ...]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.diag([0.75, 0.5, 2.5])[:, order] * np.array(flips)
    affine[:3, 3] = (10, -20, 30)
    mask = random_mask(Geometry(SHAPE, affine))
    stored = mask.geometry.to_stored(mask.array)
    nifti.write_mask(tmp_path / name, mask)

    first = nib.load(tmp_path / name)
    assert np.array_equal(first.affine, affine)
    assert np.allclose(first.get_qform(coded=True)[0], affine, atol=1e-5)
    assert (int(first.header["qform_code"]), int(first.header["sform_code"])) == (1, 1)
    assert first.get_data_dtype() == np.uint8
    assert np.array_equal(np.asarray(first.dataobj), stored)

    second = sitk.ReadImage(str(tmp_path / name))
    assert np.array_equal(sitk.GetArrayFromImage(second).T, stored)
    for corner, place in zip(
        np.array(np.meshgrid(*[(0, n - 1) for n in SHAPE], indexing="ij")).reshape(3, -1).T,
        mask.geometry.corners(),
        strict=True,
    ):
        lps = second.TransformIndexToPhysicalPoint([int(n) for n in corner])
        assert np.allclose(np.array(lps) * (-1, -1, 1), place, atol=1e-5)


@pytest.mark.hazard("H12")
def test_an_oblique_mask_lies_where_simpleitk_looks(tmp_path: Path) -> None:
    c, s = np.cos(0.35), np.sin(0.35)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([-0.75, -0.75, 2.5])
    affine[:3, 3] = (100, 80, -900)
    mask = random_mask(Geometry(SHAPE, affine.astype(np.float32)))
    nifti.write_mask(tmp_path / "mask.nii.gz", mask)
    second = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
    lps = second.TransformIndexToPhysicalPoint([2, 3, 4])
    assert np.allclose(np.array(lps) * (-1, -1, 1), mask.geometry.corners()[-1], atol=1e-3)
    assert np.array_equal(nib.load(tmp_path / "mask.nii.gz").affine, affine.astype(np.float32))


@pytest.mark.hazard("H13")
@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, (4, 3, 5)), st.sampled_from(["mask.nii", "mask.nii.gz"]))
def test_every_label_comes_back(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray, name: str) -> None:
    path = tmp_path_factory.mktemp("labels") / name
    grid = Geometry(SHAPE, AFFINE)
    nifti.write_mask(path, Mask(labels, grid))
    back = nifti.read_mask(path, like=grid)
    assert np.array_equal(back.array, labels)
    assert back.array.dtype == np.uint8
    assert np.array_equal(np.asarray(nib.load(path).dataobj), grid.to_stored(labels))


def test_a_read_mask_can_be_edited_and_carries_the_scans_own_grid(tmp_path: Path) -> None:
    grid = Geometry(SHAPE, AFFINE)
    nifti.write_mask(tmp_path / "mask.nii", random_mask(grid))
    mask = nifti.read_mask(tmp_path / "mask.nii", like=grid)
    assert mask.geometry is grid
    assert mask.array.flags.writeable
    assert mask.array.flags.c_contiguous


def test_a_scan_is_written_and_read_back_equal(tmp_path: Path) -> None:
    grid = Geometry(SHAPE, AFFINE)
    for dtype in (np.int16, np.float32):
        scan = Volume(grid.to_display(VALUES.astype(dtype)), grid)
        nifti.write_scan(tmp_path / "scan.nii.gz", scan)
        back = nifti.read_scan(tmp_path / "scan.nii.gz")
        assert back.array.dtype == dtype
        assert np.array_equal(back.array, scan.array)
        assert np.array_equal(back.geometry.affine, AFFINE)


def test_the_same_voxels_give_the_same_bytes(tmp_path: Path) -> None:
    mask = random_mask(Geometry(SHAPE, AFFINE))
    for name in ("a.nii.gz", "b.nii.gz"):
        nifti.write_mask(tmp_path / name, mask)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert (tmp_path / "a.nii.gz").read_bytes()[4:8] == bytes(4)  # Where gzip notes the time.


def test_a_side_longer_than_nifti_1_can_say_is_written_as_nifti_2(tmp_path: Path) -> None:
    grid = Geometry((40_000, 2, 1), np.diag([-1.0, -1, 1, 1]))
    mask = Mask.empty(grid)
    mask.array[0, 1, 39_999] = 1
    nifti.write_mask(tmp_path / "long.nii.gz", mask)
    assert np.array_equal(nifti.read_mask(tmp_path / "long.nii.gz", like=grid).array, mask.array)


@pytest.mark.hazard("H20")
@pytest.mark.parametrize("name", ["mask.nii", "mask.nii.gz"])
def test_nothing_written_in_the_scans_header_or_name_reaches_the_mask(tmp_path: Path, name: str) -> None:
    image = nib.Nifti1Image(VALUES, AFFINE)
    for field in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[field] = b"CANARY"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"CANARY^PATIENT"))
    (tmp_path / "CANARY").mkdir()
    image.to_filename(tmp_path / "CANARY" / "CANARY.nii")
    scan = nifti.read_scan(tmp_path / "CANARY" / "CANARY.nii")
    assert b"CANARY" in scan.source.read_bytes()
    nifti.write_mask(tmp_path / name, Mask(random_mask(scan.geometry).array, scan.geometry, scan.source))
    nifti.write_scan(tmp_path / f"scan-{name}", scan)
    for written in (name, f"scan-{name}"):
        raw = (tmp_path / written).read_bytes()
        assert b"CANARY" not in raw
        assert b"CANARY" not in (gzip.decompress(raw) if written.endswith(".gz") else raw)


@pytest.mark.parametrize("name", ["mask", "mask.img", "mask.nii.bz2", "mask.gz"])
def test_only_nifti_names_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(LesionsegError, match=r"does not end in \.nii or \.nii\.gz"):
        nifti.write_mask(tmp_path / name, Mask.empty(Geometry(SHAPE, AFFINE)))
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_read_back_equal_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Geometry(SHAPE, AFFINE)
    mask = random_mask(grid)
    nifti.write_mask(tmp_path / "mask.nii.gz", mask)
    before = (tmp_path / "mask.nii.gz").read_bytes()
    compress = nifti.igzip.compress
    monkeypatch.setattr(nifti.igzip, "compress", lambda data, **how: compress(data[:-1] + b"\x07", **how))
    with pytest.raises(LesionsegError, match="did not read back"):
        nifti.write_mask(tmp_path / "mask.nii.gz", Mask(255 - mask.array, grid))
    assert (tmp_path / "mask.nii.gz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mask.nii.gz"]


def test_voxels_of_another_shape_than_the_grid_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="did not read back"):
        nifti.write_labels(tmp_path / "p.nii", np.zeros((4, 3, 6), np.uint8), Geometry(SHAPE, AFFINE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.realdata
@pytest.mark.hazard("H12")
def test_real_files_lie_where_simpleitk_looks(shared_data: Path) -> None:
    names = ["niivue_CT_AVM_scaled_u8", "niivue_CT_pitch_oblique", "totalseg_heart_lung_crop_a"]
    for path in [shared_data / "io_samples" / f"{name}.nii.gz" for name in names]:
        scan = nifti.read_scan(path)
        second = sitk.ReadImage(str(path))
        voxels = sitk.GetArrayFromImage(second).T
        assert np.allclose(scan.geometry.to_stored(scan.array), voxels, atol=0.01)
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in scan.geometry.shape], indexing="ij")).reshape(3, -1).T
        lps = [second.TransformIndexToPhysicalPoint([int(n) for n in corner]) for corner in corners]
        assert np.abs(np.array(lps) * (-1, -1, 1) - scan.geometry.corners()).max() < 0.01


def test_a_name_that_is_not_valid_text_is_refused_in_one_sentence(tmp_path: Path) -> None:
    mask = Mask.empty(Geometry.from_spacing((2, 2, 2), (1.0, 1.0, 1.0)))
    with pytest.raises(LesionsegError, match="is not valid text"):
        nifti.write_mask(tmp_path / "a\udc80.nii.gz", mask)  # SimpleITK, the second reader, would crash.
    assert list(tmp_path.iterdir()) == []
