"""Whoever reads a file need not know what it is: its content says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import read_mask, read_scan
from napari_lesionseg.volumes.read import FORMATS, is_scan_path
from tests.volumes.dicom.make_series import make_series

VALUES = np.full((4, 5, 6), -1000, np.int16)


def nifti_file(path: Path) -> Path:
    """Write a scan whatever its name says."""
    image = nib.Nifti1Image(VALUES, np.diag([-1.0, -1, 2, 1]))
    path.write_bytes(image.to_bytes())
    return path


def image_file(path: Path) -> Path:
    """Write a scan by SimpleITK."""
    sitk.WriteImage(sitk.GetImageFromArray(VALUES.T), str(path))
    return path


@pytest.mark.parametrize("name", ["scan.nii", "scan", "scan.dcm", "scan.NII", "1.2.840"])
def test_the_content_of_a_nifti_file_says_what_it_is(tmp_path: Path, name: str) -> None:
    path = nifti_file(tmp_path / name)
    assert read_scan(path).array.shape == (6, 5, 4)
    assert is_scan_path(path)


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.mha", "scan.mhd", "scan.nhdr", "scan.nii.gz", "scan.img"])
def test_every_format_is_read_through_one_door(tmp_path: Path, name: str) -> None:
    path = image_file(tmp_path / name)
    assert is_scan_path(path)
    assert read_scan(path).array.shape == (6, 5, 4)
    with pytest.raises(LesionsegError, match="labels must be whole numbers from 0 to 255"):
        read_mask(path)


def test_a_dicom_folder_and_a_dicom_file_without_an_ending_are_known(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    folder = next(path for path in tmp_path.rglob("*") if path.is_file()).parent
    assert is_scan_path(folder)
    assert read_scan(folder).dicom is not None
    one = next(path for path in folder.iterdir() if path.is_file())
    bare = tmp_path / "bare"
    shutil.copy(one, bare)
    assert is_scan_path(bare)
    with pytest.raises(LesionsegError, match="is not a mask"):
        read_mask(bare)
    with pytest.raises(LesionsegError, match="is a folder, not a mask"):
        read_mask(folder)
    assert series is not None


def test_a_series_cannot_be_chosen_from_what_has_none(tmp_path: Path) -> None:
    with pytest.raises(LesionsegError, match="only that has series"):
        read_scan(nifti_file(tmp_path / "scan.nii"), series="1")


@pytest.mark.parametrize(
    "content", [b"", b"This is not a scan. " * 100, b"\x89PNG\r\n\x1a\n" + bytes(500), bytes(5000)]
)
@pytest.mark.parametrize("read", [read_scan, read_mask])
def test_what_is_none_of_the_formats_is_refused_in_one_sentence(tmp_path: Path, content: bytes, read: object) -> None:
    (tmp_path / "file.bin").write_bytes(content)
    with pytest.raises(LesionsegError, match="is not NIfTI, NRRD, MetaImage or DICOM"):
        read(tmp_path / "file.bin")  # type: ignore[operator]
    assert not is_scan_path(tmp_path / "file.bin")


def test_a_missing_file_is_told_as_such_and_an_empty_folder_is_none(tmp_path: Path) -> None:
    for name in ("missing", "missing.nii", "missing.mha", "missing.dcm"):
        with pytest.raises(LesionsegError, match="missing"):
            read_scan(tmp_path / name)
    assert not is_scan_path(tmp_path)


@pytest.mark.parametrize(
    ("modality", "what"), [("SEG", "segmentation"), ("RTSTRUCT", "structure set")], ids=["SEG", "RTSTRUCT"]
)
@pytest.mark.parametrize("preamble", [True, False])
def test_the_modality_decides_that_a_dicom_file_is_no_scan(
    tmp_path: Path, modality: str, what: str, preamble: bool
) -> None:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID, header.Modality = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.3", modality
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    header.save_as(tmp_path / "file", enforce_file_format=True)
    if not preamble:
        header.save_as(tmp_path / "file", implicit_vr=True, little_endian=True)
        raw = (tmp_path / "file").read_bytes()
        (tmp_path / "file").write_bytes(raw[raw.index(b"\x08\x00\x16\x00") :])
    assert ((tmp_path / "file").read_bytes()[128:132] == b"DICM") == preamble
    with pytest.raises(LesionsegError, match=f"is a DICOM {what}, not a scan"):
        read_scan(tmp_path / "file")


@pytest.mark.realdata
def test_a_segmentation_or_structure_set_is_not_opened_as_a_scan(shared_data: Path) -> None:
    rtstruct = shared_data / "corpora" / "pydicom" / "rtstruct.dcm"
    with pytest.raises(LesionsegError, match="is a DICOM structure set, not a scan"):
        read_scan(rtstruct)
    seg = next((shared_data / "corpora" / "highdicom").rglob("*seg*.dcm"))
    with pytest.raises(LesionsegError, match="is a DICOM segmentation, not a scan"):
        read_scan(seg)


@pytest.mark.realdata
def test_a_dicom_file_without_preamble_and_ending_is_known_by_its_content(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "corpora" / "pydicom" / "rtstruct.dcm", tmp_path / "file")
    assert (tmp_path / "file").read_bytes()[128:132] != b"DICM"
    with pytest.raises(LesionsegError, match="is a DICOM structure set, not a scan"):
        read_scan(tmp_path / "file")


def test_every_ending_is_offered_once() -> None:
    endings = [ending for group in FORMATS.values() for ending in group]
    assert len(endings) == len(set(endings))
    assert {".nii", ".nii.gz", ".nrrd", ".mha", ".dcm", ".zip"} <= set(endings)


def test_the_door_costs_no_slow_imports() -> None:
    code = "import napari_lesionseg.volumes, sys; print([n for n in sys.modules if n in {names}])"
    names = {"highdicom", "SimpleITK", "matplotlib", "torch"}  # nibabel itself imports pydicom where it is installed.
    command = [sys.executable, "-c", code.replace("{names}", repr(names))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
