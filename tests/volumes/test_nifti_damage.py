"""A file that is not a sound scan is refused in one sentence: never a traceback, a hang, gigabytes or wrong voxels."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import igzip

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, nifti

SHAPE = (3, 4, 5)
AFFINE = np.diag([-0.75, -0.75, 2.5, 1.0])
VALUES = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)  # Noise: gzip cannot shorten it.


def sound(kind: type = nib.Nifti1Image, stored: np.ndarray = VALUES) -> bytearray:
    """The bytes of a scan that is read without complaint."""
    return bytearray(kind(stored, AFFINE, dtype=stored.dtype).to_bytes())


def refusal(path: Path, read: Callable[[Path], object] = nifti.read_scan) -> str:
    """The sentence with which ``path`` is refused."""
    with pytest.raises(LesionsegError) as caught:
        read(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_the_sound_file_of_this_test_is_read(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(sound())
    assert np.array_equal(np.sort(nifti.read_scan(tmp_path / "scan.nii").array.ravel()), np.sort(VALUES.ravel()))


@pytest.mark.hazard("H11")
def test_a_file_cut_short_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = bytes(sound())
    for end in range(len(whole)):
        (tmp_path / "scan.nii").write_bytes(whole[:end])
        refusal(tmp_path / "scan.nii")


@pytest.mark.hazard("H11")
@pytest.mark.parametrize("read", [nifti.read_scan, nifti.read_mask])
def test_a_zipped_file_cut_short_at_any_byte_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    whole = gzip.compress(bytes(sound()))
    for end in range(
        len(whole)
    ):  # Without its last 8 bytes all voxels are there, but not the proof that they are right.
        (tmp_path / "scan.nii.gz").write_bytes(whole[:end])
        refusal(tmp_path / "scan.nii.gz", read)


@pytest.mark.hazard("H11")
def test_a_flipped_bit_in_a_zipped_file_is_never_wrong_voxels(tmp_path: Path) -> None:
    grid = Geometry(SHAPE, AFFINE)
    mask = Mask((VALUES.T > 0).astype(np.uint8), grid)
    path = tmp_path / "mask.nii.gz"
    nifti.write_mask(path, mask)
    whole = path.read_bytes()
    refused = 0
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            read = nifti.read_mask(path)
        except LesionsegError:
            refused += 1
        else:
            assert np.array_equal(read.array, mask.array)
            assert np.array_equal(read.geometry.affine, AFFINE)
    assert refused >= 8 * (len(whole) - 10)  # Only the time, the system and such in gzip's own header do not matter.


@pytest.mark.hazard("H11")
def test_a_wrong_checksum_alone_is_refused(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(bytes(sound())))
    whole[-8] ^= 0xFF
    (tmp_path / "scan.nii.gz").write_bytes(whole)
    assert "damaged" in refusal(tmp_path / "scan.nii.gz")


@pytest.mark.hazard("H11")
def test_the_checksum_is_read_however_far_behind_the_voxels_it_is(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(bytes(sound()) + bytes(8 << 20)))
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(whole)
    assert nifti.read_scan(path).array.shape == (5, 4, 3)
    path.write_bytes(whole[:-4])
    refusal(path)
    whole[-8] ^= 1
    path.write_bytes(whole)
    refusal(path)


def header_with(kind: type = nib.Nifti1Image, **fields: object) -> bytearray:
    """A sound file whose header then got ``fields`` written over it, unchecked."""
    raw = sound(kind)
    header = kind.header_class(bytes(raw[: kind.header_class.sizeof_hdr]), check=False)
    for name, value in fields.items():
        header[name] = value
    raw[: kind.header_class.sizeof_hdr] = header.binaryblock
    return raw


FIRST, SECOND = nib.Nifti1Image, nib.Nifti2Image
NAN, INF = np.nan, np.inf
HEADERS = {
    "wrong magic": ("is not a NIfTI file", header_with(magic=b"n+9")),
    "wrong magic, version 2": ("is not a NIfTI file", header_with(SECOND, magic=b"n+9")),
    "a header of a pair": ("is not a NIfTI file", header_with(magic=b"ni1")),
    "an unknown type of voxel": ("is not a NIfTI file", header_with(datatype=12345)),
    "complex voxels": ("not single numbers", header_with(datatype=32)),
    "colours": ("not single numbers", header_with(datatype=128)),
    "no dimension": ("dimensions, a scan needs three", header_with(dim=[0, 3, 4, 5, 1, 1, 1, 1])),
    "one slice": ("has 2 dimensions", header_with(dim=[2, 3, 4, 1, 1, 1, 1, 1])),
    "four dimensions": ("has 4 dimensions", header_with(dim=[4, 3, 4, 1, 5, 1, 1, 1])),
    "no voxel": ("is empty", header_with(dim=[3, 3, 0, 5, 1, 1, 1, 1])),
    "less than no voxel": ("is empty", header_with(dim=[3, 3, -4, 5, 1, 1, 1, 1])),
    "more dimensions than there are": ("is not a NIfTI file", header_with(dim=[99, 3, 4, 5, 1, 1, 1, 1])),
    "one slice too many": ("is truncated", header_with(dim=[3, 3, 4, 6, 1, 1, 1, 1])),
    "terabytes": ("is truncated", header_with(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])),
    "a product of 2^64": ("is truncated", header_with(SECOND, dim=[3, 2**31, 2**31, 4, 1, 1, 1, 1])),
    "a product of 2^64 + 60": ("is truncated", header_with(SECOND, dim=[3, 2**62, 4, 5, 1, 1, 1, 1])),
    "voxels before the header's end": ("is not a NIfTI file", header_with(vox_offset=100)),
    "voxels nowhere": ("is not a NIfTI file", header_with(vox_offset=NAN)),
    "voxels at infinity": ("is not a NIfTI file", header_with(vox_offset=INF)),
    "voxels beyond the file": ("is not a NIfTI file", header_with(vox_offset=1e12)),
    "voxels beyond the file, version 2": ("is not a NIfTI file", header_with(SECOND, vox_offset=2**62)),
    "an intercept of infinity": ("slope or intercept", header_with(scl_slope=1, scl_inter=INF)),
    "a slope beyond numbers": ("not numbers", header_with(scl_slope=3e38, scl_inter=0)),
    "a singular affine": ("position in space", header_with(srow_x=[0, 0, 0, 0])),
    "an affine of NaN": ("position in space", header_with(srow_x=[NAN, 0, 0, 0])),
    "an affine beyond numbers": ("position in space", header_with(SECOND, srow_x=[1e300, 0, 0, 0])),
    "no rotation": ("position in space", header_with(sform_code=0, qform_code=1, quatern_b=2, quatern_c=2)),
}


@pytest.mark.hazard("H10")
@pytest.mark.parametrize("zipped", [False, True], ids=["nii", "nii.gz"])
@pytest.mark.parametrize("what", HEADERS)
def test_a_lying_header_is_refused_at_once_and_without_memory(
    tmp_path: Path, what: str, zipped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reason, raw = HEADERS[what]
    path = tmp_path / ("scan.nii.gz" if zipped else "scan.nii")
    path.write_bytes(gzip.compress(bytes(raw)) if zipped else bytes(raw))
    tracemalloc.start()
    start = time.process_time()
    try:
        sentence = refusal(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if not (zipped and what in ("one slice too many", "voxels beyond the file")):  # Could be so, until it is unpacked.
        assert reason in sentence
    assert time.process_time() - start < 2
    assert peak < 8 << 20
    assert caplog.messages == []  # nibabel does not chat about the header behind our back.


@pytest.mark.hazard("H17")
def test_a_small_file_that_inflates_far_beyond_its_voxels_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.nii.gz"
    with igzip.open(bomb, "wb") as file:  # A sound scan of 120 bytes, then 256 MB of nothing; and the same before it.
        file.write(sound())
        for _ in range(256):
            file.write(bytes(1 << 20))
    late = tmp_path / "late.nii.gz"
    with igzip.open(late, "wb") as file:
        file.write(header_with(vox_offset=352 + (256 << 20))[:352])
        for _ in range(256):
            file.write(bytes(1 << 20))
        file.write(sound()[352:])
    for path in (bomb, late):
        tracemalloc.start()
        start = time.process_time()
        refusal(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16 << 20
        assert time.process_time() - start < 2


@pytest.mark.hazard("H17")
def test_a_scan_that_does_not_fit_into_memory_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scan.nii").write_bytes(sound())

    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(nifti.np, "empty", none_left)
    assert "memory" in refusal(tmp_path / "scan.nii")


@pytest.mark.hazard("H10")
@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([FIRST, SECOND]),
    st.lists(st.tuples(st.integers(0, 539), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
)
def test_any_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: type, edits: list[tuple[int, bytes]]
) -> None:
    raw = sound(kind)
    for place, value in edits:
        end = min(place + len(value), kind.header_class.sizeof_hdr)
        raw[place:end] = value[: max(0, end - place)]
    path = tmp_path_factory.getbasetemp() / "mutated.nii"
    path.write_bytes(raw)
    try:
        scan = nifti.read_scan(path)
    except LesionsegError as error:
        assert str(path) in str(error)
    else:
        assert scan.array.nbytes <= 4 * len(raw)
        assert np.isfinite(scan.geometry.affine).all()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.nii", b"This is not a scan. " * 50),
        ("text.nii.gz", b"This is not a scan. " * 50),
        ("zipped-text.nii.gz", gzip.compress(b"This is not a scan. " * 50)),
        ("empty.nii", b""),
        ("empty.nii.gz", b""),
        ("zipped-nothing.nii.gz", gzip.compress(b"")),
        ("zeros.nii", bytes(4000)),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(2000)),
    ],
)
def test_what_is_not_nifti_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "NIfTI" in (sentence := refusal(tmp_path / name)) or "damaged" in sentence


def test_a_missing_file_and_a_folder_are_told_apart_from_damage(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.nii", tmp_path, tmp_path / "scan.nii" / "below"):
        assert "does not exist or is not a file" in refusal(path)


def test_a_name_the_system_cannot_hold_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path / ("x" * 300 + ".nii"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows read whatever the mode")
def test_a_file_one_may_not_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(sound())
    (tmp_path / "scan.nii").chmod(0)
    assert "cannot be read" in refusal(tmp_path / "scan.nii")


@pytest.mark.parametrize("read", [nifti.read_scan, nifti.read_mask])
def test_a_disk_that_fails_while_reading_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
) -> None:
    (tmp_path / "scan.nii").write_bytes(sound())

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(nifti, "read_header", fail)
    assert "Input/output error" in refusal(tmp_path / "scan.nii", read)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_voxel_that_is_not_a_number_is_refused(tmp_path: Path, bad: float) -> None:
    voxels = VALUES.astype(np.float32)
    voxels[1, 2, 3] = bad
    (tmp_path / "scan.nii").write_bytes(sound(stored=voxels))
    assert "not numbers" in refusal(tmp_path / "scan.nii")
    assert "not a mask" in refusal(tmp_path / "scan.nii", nifti.read_mask)


@pytest.mark.hazard("H13")
@pytest.mark.parametrize("label", [256, 1000, -1, 2**31 - 1])
def test_a_label_outside_a_byte_is_refused(tmp_path: Path, label: int) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[0, 0, 0] = label
    (tmp_path / "mask.nii").write_bytes(sound(stored=labels))
    assert "whole numbers from 0 to 255" in refusal(tmp_path / "mask.nii", nifti.read_mask)


@pytest.mark.hazard("H13")
def test_float_labels_are_read_if_they_are_whole_and_refused_if_not(tmp_path: Path) -> None:
    labels = np.array([0, 1, 2, 3, 7, 11], np.float64).repeat(10).reshape(SHAPE)
    (tmp_path / "mask.nii").write_bytes(sound(stored=labels))
    read = nifti.read_mask(tmp_path / "mask.nii").array
    assert read.dtype == np.uint8
    assert np.bincount(read.ravel())[[0, 1, 2, 3, 7, 11]].tolist() == [10] * 6
    labels[0, 0, 0] = 0.5
    (tmp_path / "mask.nii").write_bytes(sound(stored=labels))
    assert "not a mask" in refusal(tmp_path / "mask.nii", nifti.read_mask)


@pytest.mark.hazard("H14")
@pytest.mark.parametrize(
    "other",
    [
        Geometry((3, 4, 6), AFFINE),
        Geometry(SHAPE, AFFINE + np.diag([0, 0, 0.1, 0])),
        Geometry(SHAPE, AFFINE @ np.diag([-1.0, 1, 1, 1])),
        Geometry(SHAPE, np.array(AFFINE) + [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0.02], [0, 0, 0, 0]]),
    ],
    ids=["one slice more", "thicker slices", "mirrored", "shifted"],
)
def test_a_mask_on_another_grid_is_refused_and_both_grids_are_told(tmp_path: Path, other: Geometry) -> None:
    nifti.write_mask(tmp_path / "mask.nii", Mask.empty(other))
    sentence = refusal(tmp_path / "mask.nii", lambda path: nifti.read_mask(path, like=Geometry(SHAPE, AFFINE)))
    assert "lies on another grid" in sentence
    assert "shape (5, 4, 3), spacing 2.5 × 0.75 × 0.75 mm, LPS from" in sentence
