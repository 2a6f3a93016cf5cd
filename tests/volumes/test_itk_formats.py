"""NRRD and MetaImage lie where SimpleITK sees them, with the voxels it sees; what is unclear is asked or refused."""

from __future__ import annotations

import gzip
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes import Geometry
from napari_lesionseg.volumes.read import read_mask, read_scan

SHAPE = (3, 4, 5)
VALUES = np.arange(60, dtype=np.int16).reshape(SHAPE) * 50 - 1000
ENDINGS = (".nrrd", ".nhdr", ".mha", ".mhd")
NRRD = "NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 3 4 5\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"
NRRD += "endian: little\nencoding: raw\nspace origin: (1,2,3)\n"
META = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 3 4 5\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"
META += "Offset = 1 2 3\nElementSpacing = 1 1 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
LPS = np.diag([-1.0, -1, 1, 1])


def save(path: Path, stored: np.ndarray = VALUES, axes: np.ndarray | None = None, compress: bool = False) -> Path:
    """Write ``stored`` (i, j, k) by SimpleITK, on axes in LPS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(stored.T))
    image.SetSpacing((0.75, 0.5, 2.5))
    image.SetOrigin((10, -20, 30))
    image.SetDirection((np.eye(3) if axes is None else axes).ravel().tolist())
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


def text(path: Path, header: str, voxels: bytes | None = None) -> Path:
    """Write a header in text and voxels of −1000."""
    blank = "\n" if header.startswith("NRRD") else ""
    body = np.full(60, -1000, "<i2").tobytes() if voxels is None else voxels
    path.write_bytes((header + blank).encode() + body)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(LesionsegError) as caught:
        read_scan(path)
    assert not isinstance(caught.value, GeometryQuestion)
    assert str(path) in str(caught.value)
    return str(caught.value)


def question(path: Path) -> GeometryQuestion:
    with pytest.raises(GeometryQuestion) as caught:
        read_scan(path)
    return caught.value


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("compress", [False, True])
def test_voxels_and_corners_are_those_that_simpleitk_sees(tmp_path: Path, ending: str, compress: bool) -> None:
    turns = [
        np.eye(3)[:, order] * flips for order in itertools.permutations(range(3)) for flips in [(1, 1, 1), (-1, 1, -1)]
    ]
    turns.append(np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0])
    for axes in turns:
        path = save(tmp_path / f"scan{ending}", axes=axes, compress=compress)
        scan = read_scan(path)
        image = sitk.ReadImage(str(path))
        assert np.array_equal(scan.geometry.to_stored(scan.array), sitk.GetArrayFromImage(image).T)
        for corner, place in zip(np.ndindex(2, 2, 2), scan.geometry.corners(), strict=True):
            index = [int(n * (side - 1)) for n, side in zip(corner, SHAPE, strict=True)]
            assert np.allclose(np.array(image.TransformIndexToPhysicalPoint(index)) * (-1, -1, 1), place, atol=1e-4)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_type_of_number_is_read(tmp_path: Path, ending: str, dtype: str) -> None:
    stored = np.arange(60).reshape(SHAPE).astype(dtype)
    scan = read_scan(save(tmp_path / f"scan{ending}", stored))
    assert np.array_equal(scan.geometry.to_stored(scan.array), stored)
    assert scan.array.dtype == {"u1": np.uint8, "f4": np.float32, "f8": np.float32}.get(dtype, np.int16)
    assert (scan.intensity == "grey") == (dtype == "u1")


@pytest.mark.parametrize("header", [NRRD.replace("little", "big"), "BinaryDataByteOrderMSB = True\n" + META])
def test_big_endian_voxels_are_swapped(tmp_path: Path, header: str) -> None:
    path = text(
        tmp_path / ("scan.nrrd" if header.startswith("NRRD") else "scan.mha"), header, VALUES.T.astype(">i2").tobytes()
    )
    scan = read_scan(path)
    assert np.array_equal(scan.geometry.to_stored(scan.array), VALUES)


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_are_kept_and_the_grid_is_compared(tmp_path: Path, ending: str) -> None:
    labels = np.random.default_rng(0).choice([0, 1, 7, 255], SHAPE).astype(np.uint8)
    path = save(tmp_path / f"mask{ending}", labels, compress=True)
    grid = read_scan(save(tmp_path / "scan.nrrd")).geometry
    mask = read_mask(path, grid)
    assert mask.geometry is grid
    assert np.array_equal(grid.to_stored(mask.array), labels)
    with pytest.raises(LesionsegError, match="lies on another grid"):
        read_mask(path, Geometry(SHAPE, grid.affine + np.diag([0.1, 0, 0, 0])))
    with pytest.raises(LesionsegError, match="labels must be whole numbers from 0 to 255"):
        read_mask(save(tmp_path / f"scan{ending}"))


def test_a_segmentation_of_one_layer_keeps_its_labels_and_several_layers_are_refused(tmp_path: Path) -> None:
    header = NRRD.replace("short", "uchar") + "Segment0_ID:=Segment_1\nSegment0_LabelValue:=7\nSegment0_Layer:=0\n"
    path = text(tmp_path / "mask.seg.nrrd", header, bytes([7] * 60))
    assert set(read_mask(path).array.ravel()) == {7}
    four = header.replace("dimension: 3", "dimension: 4").replace(
        "sizes: ", "kinds: list domain domain domain\nsizes: 2 "
    )
    four = four.replace("directions: ", "directions: none ")
    text(path, four, bytes(120))
    with pytest.raises(LesionsegError, match="2 layers of overlapping segments"):
        read_mask(path)
    one = four.replace("sizes: 2 ", "sizes: 1 ")
    assert set(read_mask(text(path, one, bytes([7] * 60))).array.ravel()) == {7}


@pytest.mark.parametrize(
    ("space", "signs"), [("LPS", (-1, -1, 1)), ("RAS", (1, 1, 1)), ("left-anterior-superior", (-1, 1, 1))]
)
def test_the_space_of_nrrd_says_where_left_is(tmp_path: Path, space: str, signs: tuple[int, ...]) -> None:
    scan = read_scan(text(tmp_path / "scan.nrrd", NRRD.replace("LPS", space)))
    assert np.allclose(
        scan.geometry.affine[:3], np.array(signs)[:, None] * np.array([[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 2, 3]])
    )


@pytest.mark.parametrize(
    ("old", "new", "problem", "choices"),
    [
        ("space: LPS", "space: scanner-xyz", "does not say where left is", ["lps", "ras"]),
        ("space: LPS\n", "", "does not say where left is", ["lps", "ras"]),
        ("space origin: (1,2,3)\n", "", "stores no origin", ["lps"]),
        ("(0,1,0)", "(0.2,1,0)", "sheared", ["lps"]),
        ("space: LPS", 'space: LPS\nspace units: "m" "m" "m"', "its unit is 'm', not mm", ["mm", "m"]),
    ],
)
def test_an_nrrd_that_is_unclear_is_asked_about(
    tmp_path: Path, old: str, new: str, problem: str, choices: list[str]
) -> None:
    path = text(tmp_path / "scan.nrrd", NRRD.replace(old, new))
    asked = question(path)
    assert problem in asked.problem
    assert list(asked.choices) == choices
    for answer in choices:
        assert read_scan(path, geometry=answer).warnings[-1].startswith("Placed by choice")


def test_an_nrrd_without_directions_has_no_place(tmp_path: Path) -> None:
    path = text(tmp_path / "scan.nrrd", NRRD.replace("space directions: (1,0,0) (0,1,0) (0,0,2)", "spacings: 1 1 2"))
    assert "nothing says where left is" in question(path).problem
    assert read_scan(path, geometry="lps").geometry.spacing == (2, 1, 1)


@pytest.mark.parametrize("name", ["TransformMatrix", "Offset", "ElementSpacing"])
def test_a_metaimage_without_its_place_is_asked_about(tmp_path: Path, name: str) -> None:
    header = "".join(line for line in META.splitlines(keepends=True) if not line.startswith(name))
    path = text(tmp_path / "scan.mha", header)
    assert f"stores no {name}" in question(path).problem
    assert read_scan(path, geometry="lps").array.shape == (5, 4, 3)


def test_a_metaimage_in_another_unit_is_asked_about(tmp_path: Path) -> None:
    path = text(tmp_path / "scan.mha", "DistanceUnits = um\n" + META)
    assert list(question(path).choices) == ["mm", "um"]
    assert np.allclose(read_scan(path, geometry="um").geometry.spacing, (0.002, 0.001, 0.001))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("encoding: raw", "encoding: ascii", "stored as 'ascii', not raw or gzip"),
        ("type: short", "type: block", "type 'block'"),
        ("endian: little\n", "", "no order of bytes"),
        ("sizes: 3 4 5", "sizes: 3 4 6", "is truncated"),
        ("sizes: 3 4 5", "sizes: 3 4", "another dimension"),
        ("sizes: 3 4 5", "sizes: 3 4 0", "is empty"),
        ("sizes: 3 4 5", "sizes: 3 4 -5", "no whole numbers in its sizes"),
        ("sizes: 3 4 5", "sizes: 99999999 99999999 99999999", "is truncated"),
        ("dimension: 3", "dimension: 3\ndimension: 3", "twice"),
        ("(0,0,2)", "(0,0,nan)", "no 3 numbers"),
        ("(0,0,2)", "(0,0,1e999)", "no 3 numbers"),
        ("(0,0,2)", "none", "no three space directions"),
        ("(0,0,2)", "(0,1,0)", "no usable position"),
        ("encoding: raw", "encoding: raw\nline skip: 2", "lines to skip"),
        ("encoding: raw", "encoding: raw\ndata file: LIST", "several files"),
        ("encoding: raw", "encoding: raw\ndata file: part%03d.raw 1 5 1", "several files"),
        ("encoding: raw", "encoding: raw\ndata file: missing.raw", "needs the file missing.raw"),
        ("NRRD0004", "NRRD9999", "is not"),
    ],
)
def test_an_nrrd_that_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert reason in refusal(text(tmp_path / "scan.nrrd", NRRD.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("MET_SHORT", "MET_SHORT_ARRAY", "type 'MET_SHORT_ARRAY'"),
        ("DimSize = 3 4 5", "DimSize = 3 4 6", "is truncated"),
        ("NDims = 3", "NDims = 4", "another number of dimensions"),
        ("BinaryData = True", "BinaryData = False", "stored as text"),
        ("NDims = 3", "NDims = 3\nElementNumberOfChannels = 3", "several values in each voxel"),
        ("NDims = 3", "NDims = 3\nNDims = 3", "twice"),
        ("NDims = 3", "NDims = 3\nElementToIntensityFunctionSlope = 2", "a slope"),
        ("1 0 0 0 1 0 0 0 1", "2 0 0 0 1 0 0 0 1", "not of length 1"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "no usable position"),
        ("= LOCAL", "= LIST", "several files"),
        ("Image", "Tube", "no image"),
    ],
)
def test_a_metaimage_that_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert reason in refusal(text(tmp_path / "scan.mha", META.replace(old, new)))


@pytest.mark.hazard("H19")
@pytest.mark.parametrize(
    "name", ["../secret.raw", "/etc/hostname", "a/../../secret.raw", "..\\secret.raw", "C:secret.raw", "link.raw"]
)
def test_voxels_outside_the_folder_of_the_header_are_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(120))
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a").mkdir()
    os.symlink(tmp_path / "secret.raw", folder / "link.raw")
    assert "outside its own folder" in refusal(text(folder / "scan.mhd", META.replace("LOCAL", name), b""))
    detached = NRRD.replace("encoding: raw", f"encoding: raw\ndata file: {name}")
    assert "outside its own folder" in refusal(text(folder / "scan.nhdr", detached, b""))


def test_voxels_may_be_counted_from_the_end_or_lie_behind_a_skip(tmp_path: Path) -> None:
    voxels = VALUES.T.astype("<i2").tobytes()
    for skip, padding in (("-1", b"xyz"), ("3", b"xyz")):
        path = text(tmp_path / "scan.nrrd", NRRD + f"byte skip: {skip}\n", padding + voxels)
        assert np.array_equal(read_scan(path).geometry.to_stored(read_scan(path).array), VALUES)
        path = text(tmp_path / "scan.mha", f"HeaderSize = {skip}\n" + META, padding + voxels)
        assert np.array_equal(read_scan(path).geometry.to_stored(read_scan(path).array), VALUES)


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_a_flipped_bit_in_zipped_voxels_is_never_wrong_voxels(tmp_path: Path, ending: str) -> None:
    path = save(tmp_path / f"scan{ending}", compress=True)
    whole = path.read_bytes()
    sound = read_scan(path).array
    start = whole.index(b"\x1f\x8b") if ending == ".nrrd" else whole.index(b"LOCAL\n") + 6
    refused = 0
    tried = range(8 * start, 8 * len(whole), 5)
    for bit in tried:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert np.array_equal(read_scan(path).array, sound)
        except LesionsegError:
            refused += 1
    assert refused >= len(tried) - 16  # gzip's own time, name and system do not matter.


def test_a_second_reader_that_sees_another_place_stops_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_lesionseg.volumes.itk_formats.itk_affine", lambda *_: np.diag([-1.0, -1, 2, 1]))
    for path in (text(tmp_path / "scan.nrrd", NRRD), text(tmp_path / "scan.mha", META)):
        assert "two readers (one is SimpleITK) place it 3 mm apart" in question(path).problem


def test_what_is_zipped_as_a_whole_is_not_taken_for_nrrd(tmp_path: Path) -> None:
    (tmp_path / "scan.nrrd").write_bytes(gzip.compress(text(tmp_path / "a.nrrd", NRRD).read_bytes()))
    assert "is not" in refusal(tmp_path / "scan.nrrd")


@pytest.mark.realdata
def test_the_samples_of_the_chest_imaging_platform_lie_where_simpleitk_sees_them(shared_data: Path) -> None:
    for name in ("ct-64", "lm-64", "wholeLung-64", "crop_ct_2slices"):
        path = shared_data / "io_samples" / "cip" / f"{name}.nrrd"
        scan, image = read_scan(path), sitk.ReadImage(str(path))
        assert np.array_equal(scan.geometry.to_stored(scan.array), sitk.GetArrayFromImage(image).T)
        end = [n - 1 for n in image.GetSize()]
        assert np.allclose(
            np.array(image.TransformIndexToPhysicalPoint(end)) * (-1, -1, 1), scan.geometry.corners()[-1]
        )
    with pytest.raises(GeometryQuestion, match="nothing says where left is"):
        read_scan(shared_data / "io_samples" / "cip" / "simple_ct.nrrd")
