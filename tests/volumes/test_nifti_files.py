"""A NIfTI image in two files is read from either of them; an Analyze one is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import nifti
from napari_lesionseg.volumes.read import read_scan

SHAPE = (3, 4, 5)
AFFINE = np.array([[0, 0, 2.5, -30], [-0.75, 0, 0, 12.5], [0, -0.5, 0, 7], [0, 0, 0, 1]])
VALUES = np.arange(60, dtype=np.int16).reshape(SHAPE) * 50 - 1000


def save(folder: Path, kind: type = nib.Nifti1Pair, order: str = "<") -> Path:
    """Write a pair, and return its header."""
    header = kind.header_class(endianness=order)
    header.set_data_dtype("i2")
    image = kind(VALUES, AFFINE, header)
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    image.to_filename(folder / "scan.img")
    return folder / "scan.hdr"


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("opened", ["scan.hdr", "scan.img"])
def test_a_pair_is_read_from_either_file(tmp_path: Path, kind: type, order: str, opened: str) -> None:
    save(tmp_path, kind, order)
    scan = read_scan(tmp_path / opened)
    assert np.array_equal(scan.geometry.to_stored(scan.array), VALUES)
    assert np.allclose(scan.geometry.affine, AFFINE)


@pytest.mark.parametrize("zipped", [("hdr",), ("img",), ("hdr", "img")])
def test_either_file_of_a_pair_may_be_zipped(tmp_path: Path, zipped: tuple[str, ...]) -> None:
    save(tmp_path)
    for ending in zipped:
        plain = tmp_path / f"scan.{ending}"
        plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    for path in tmp_path.iterdir():
        assert np.array_equal(np.sort(read_scan(path).array.ravel()), VALUES.ravel())


def test_voxels_of_a_pair_may_start_late(tmp_path: Path) -> None:
    path = save(tmp_path)
    header = nib.Nifti1Header(path.read_bytes()[:348], check=False)
    header["vox_offset"] = 32
    path.write_bytes(header.binaryblock)
    (tmp_path / "scan.img").write_bytes(b"x" * 32 + (tmp_path / "scan.img").read_bytes())
    assert read_scan(path).array.max() == 1950


def test_half_a_pair_is_refused_and_the_other_half_is_named(tmp_path: Path) -> None:
    path = save(tmp_path)
    (tmp_path / "scan.img").unlink()
    with pytest.raises(LesionsegError, match=r"scan\.img is not beside it; copy both files"):
        read_scan(path)
    with pytest.raises(LesionsegError, match="does not exist"):
        nifti.read_scan(tmp_path / "other.hdr")


def test_two_candidates_for_the_other_half_are_not_chosen_from(tmp_path: Path) -> None:
    path = save(tmp_path)
    (tmp_path / "scan.img.gz").write_bytes(gzip.compress(bytes(120)))
    with pytest.raises(LesionsegError, match=r"may belong to scan\.img or scan\.img\.gz"):
        read_scan(path)


def test_a_short_half_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    (tmp_path / "scan.img").write_bytes(bytes(119))
    with pytest.raises(LesionsegError, match="is truncated"):
        read_scan(path)


def test_an_analyze_file_does_not_say_where_left_is(tmp_path: Path) -> None:
    nib.AnalyzeImage(VALUES, np.diag([-1.0, 1, 1, 1])).to_filename(tmp_path / "scan.img")
    with pytest.raises(LesionsegError, match="an Analyze header, which does not say where left is"):
        read_scan(tmp_path / "scan.hdr")


def test_the_header_of_a_single_file_is_none_of_a_pair(tmp_path: Path) -> None:
    path = save(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"ni1\0", b"n+1\0"))
    with pytest.raises(LesionsegError, match="is not a NIfTI file"):
        read_scan(path)


@pytest.mark.parametrize(("code", "name"), [(128, "RGB"), (2304, "RGBA"), (32, "complex64"), (1792, "complex128")])
def test_what_is_no_number_is_refused_by_its_name(tmp_path: Path, code: int, name: str) -> None:
    path = save(tmp_path)
    header = nib.Nifti1Header(path.read_bytes()[:348], check=False)
    header["datatype"] = code
    path.write_bytes(header.binaryblock)
    with pytest.raises(LesionsegError, match=f"holds {name} voxels, not single numbers"):
        read_scan(path)
