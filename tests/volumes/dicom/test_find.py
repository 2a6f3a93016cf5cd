"""A folder and all below it, a file, a DICOMDIR, a zip: what is found, and what is not trusted."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import DataElement, dcmread
from pydicom.config import IGNORE
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import DeflatedExplicitVRLittleEndian

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom import inflate, unzip
from napari_lesionseg.volumes.dicom.read import read_series
from napari_lesionseg.volumes.dicom.series import find_series
from tests.volumes.dicom.make_series import Series, make_series


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path / "series")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def contents(series: Series, folder: str = "export") -> dict[str, bytes]:
    return {f"{folder}/{file.name}": file.read_bytes() for file in series.files}


def test_slices_may_lie_in_folders_of_folders_among_other_files(series: Series) -> None:
    for number, file in enumerate(series.files):
        place = series.folder / f"disc{number % 2}" / "deep"
        place.mkdir(parents=True, exist_ok=True)
        file.rename(place / file.name)
    (series.folder / "README.txt").write_text("no DICOM")
    (series.folder / "empty").touch()
    os.mkfifo(series.folder / "pipe")  # Reading it would wait for ever.
    assert np.array_equal(read_series(series.folder).array, series.hu)
    found = find_series(series.folder)
    assert [one.slices for one in found] == [6]
    assert found[0].files[:2] == ("disc0/deep/IM0000.dcm", "disc0/deep/IM0002.dcm")


def test_a_file_without_preamble_is_read(series: Series) -> None:
    for file in series.files:
        file.write_bytes(file.read_bytes()[132:])
    assert np.array_equal(read_series(series.folder).array, series.hu)


def test_one_file_is_one_slice_and_no_scan(series: Series) -> None:
    with pytest.raises(LesionsegError, match=r"fewer than 3 slices \(only IM0002.dcm\); choose the whole series"):
        read_series(series.files[2])


@pytest.mark.parametrize("kept", [140, 400, 700])
def test_a_damaged_file_beside_a_series_is_named_and_not_passed_over(series: Series, kept: int) -> None:
    last = series.files[-1]  # Without it the others would be a regular grid.
    last.write_bytes(last.read_bytes()[:kept])
    with pytest.raises(LesionsegError, match="IM0005.dcm in .* is damaged and may belong to the series"):
        read_series(series.folder)
    with pytest.raises(LesionsegError, match=r"IM0005.dcm is damaged|has no pixels \(IM0005.dcm\)"):
        read_series(last)

    (series.folder / "elsewhere").mkdir()
    last.rename(series.folder / "elsewhere" / last.name)
    scan = read_series(series.folder)
    assert np.array_equal(scan.array, series.hu[:5])
    assert scan.warnings == ("elsewhere/IM0005.dcm is damaged and was left out.",)


@pytest.mark.parametrize(
    ("name", "reason"), [("nothing", "does not exist"), ("empty", "holds no DICOM"), ("text", "holds no DICOM")]
)
def test_nothing_to_read_is_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no DICOM " * 100)
    with pytest.raises(LesionsegError, match=reason):
        find_series(tmp_path / name)


def test_a_dicomdir_lists_its_files(series: Series, tmp_path: Path) -> None:
    disc = FileSet()
    for file in series.files:
        disc.add(file)
    disc.write(tmp_path / "disc")
    scan = read_series(tmp_path / "disc" / "DICOMDIR")
    assert np.array_equal(scan.array, series.hu)

    for path in sorted((tmp_path / "disc").rglob("*"), reverse=True):  # What is inside first.
        if path.name != "DICOMDIR":
            path.rename(path.with_name(path.name.lower()))
    assert np.array_equal(read_series(tmp_path / "disc" / "DICOMDIR").array, series.hu)
    next((tmp_path / "disc").rglob("im000003")).unlink()
    with pytest.raises(LesionsegError, match="lists .*IM000003, which is not there"):
        find_series(tmp_path / "disc" / "DICOMDIR")


@pytest.mark.hazard("H19")
@pytest.mark.parametrize("reference", [["..", "IM0000.dcm"], ["../series/IM0000.dcm"], ["/etc/passwd"], ["C:", "X"]])
def test_a_dicomdir_does_not_lead_out_of_its_folder(series: Series, tmp_path: Path, reference: list[str]) -> None:
    disc = FileSet()
    disc.add(series.files[0])
    disc.write(tmp_path / "disc")
    directory = dcmread(tmp_path / "disc" / "DICOMDIR")
    for record in directory.DirectoryRecordSequence:
        if "ReferencedFileID" in record:
            record.add(DataElement(0x00041500, "CS", reference, validation_mode=IGNORE))
    directory.save_as(tmp_path / "disc" / "DICOMDIR")
    with pytest.raises(LesionsegError, match="refers to a file outside its folder"):
        find_series(tmp_path / "disc" / "DICOMDIR")


def test_a_zip_is_read_and_leaves_nothing_behind(series: Series, tmp_path: Path, temporary: Path) -> None:
    path = zipped(tmp_path / "export.zip", contents(series))
    scan = read_series(path)
    assert np.array_equal(scan.array, series.hu)
    assert scan.source == path
    assert find_series(path)[0].files[0] == "export/IM0000.dcm"
    assert list(temporary.iterdir()) == []

    series.files[2].unlink()
    gap = zipped(
        tmp_path / "gap.zip", contents(Series(series.folder, series.files[:2] + series.files[3:], *[None] * 3))
    )
    with pytest.raises(LesionsegError, match="between export/IM0001.dcm and export/IM0003.dcm"):
        read_series(gap)
    assert list(temporary.iterdir()) == []


@pytest.mark.hazard("H19")
@pytest.mark.parametrize(
    "name", ["../out.dcm", "a/../../out.dcm", "/out.dcm", "..\\out.dcm", "C:\\out.dcm", "a/b/../../../out.dcm"]
)
def test_a_zip_does_not_write_outside_its_folder(series: Series, tmp_path: Path, temporary: Path, name: str) -> None:
    path = zipped(tmp_path / "evil.zip", contents(series) | {name: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LesionsegError, match="names a file outside its own folder"):
        read_series(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_with_a_link_in_it_is_refused(series: Series, tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(LesionsegError, match="holds a link"):
        read_series(path)


@pytest.mark.hazard("H17")
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, temporary: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {f"{n}.dcm": bytes(40 << 20) for n in range(2)})
    with pytest.raises(LesionsegError, match="looks like a zip bomb"):
        find_series(path)
    assert list(temporary.iterdir()) == []


@pytest.mark.hazard("H17")
def test_a_zip_that_lies_about_its_sizes_writes_no_more_than_it_said(tmp_path: Path, temporary: Path) -> None:
    path = zipped(tmp_path / "lie.zip", {"a.dcm": bytes(8 << 20)})
    declared = (8 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(declared, (1000).to_bytes(4, "little")))
    with pytest.raises(LesionsegError, match="is a damaged zip"):
        find_series(path)
    assert list(temporary.iterdir()) == []


def test_a_damaged_or_encrypted_zip_is_one_sentence(series: Series, tmp_path: Path, temporary: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", contents(series)).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0x10
    (tmp_path / "flipped.zip").write_bytes(flipped)
    locked = bytearray(whole)
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        at = locked.find(start)
        locked[at + (6 if start == b"PK\x03\x04" else 8)] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    for name, reason in (("cut", "is a damaged zip"), ("flipped", "is a damaged zip"), ("locked", "is encrypted")):
        with pytest.raises(LesionsegError, match=reason):
            read_series(tmp_path / f"{name}.zip")
    assert list(temporary.iterdir()) == []


def test_two_files_of_one_name_in_a_zip_are_both_read(series: Series, tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for file in series.files:
            archive.writestr("slice.dcm", file.read_bytes())
    assert np.array_equal(read_series(path).array, series.hu)


def test_a_full_disk_is_said_before_it_is_full(series: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(unzip.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(LesionsegError, match="more than is free"):
        read_series(zipped(tmp_path / "export.zip", contents(series)))


def deflated(header: Dataset, number: int) -> None:
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian


def test_a_deflated_series_is_read(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series", edit=deflated)
    assert np.array_equal(read_series(series.folder).array, series.hu)


@pytest.mark.hazard("H17")
def test_a_deflated_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = make_series(tmp_path / "series", edit=deflated)
    start = series.files[0].read_bytes()
    meta = start[: 132 + 12 + int.from_bytes(start[140:144], "little")]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    monkeypatch.setattr(inflate, "MOST_INFLATED", 8 << 20)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(9))
    series.files[0].write_bytes(meta + bomb + packer.flush())
    monkeypatch.setattr("pydicom.dcmread", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(LesionsegError, match="IM0000.dcm is damaged"):
        find_series(series.files[0])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_may_not_be_opened_is_not_passed_over(series: Series) -> None:
    locked = series.folder / "more"
    locked.mkdir(mode=0o000)
    try:
        with pytest.raises(LesionsegError, match="more cannot be opened: Permission denied"):
            read_series(series.folder)
    finally:
        locked.chmod(0o700)
