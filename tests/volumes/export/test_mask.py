"""The one door for masks: the right writer, and nothing that would do harm."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.export.mask import ENDINGS, export_mask
from napari_lesionseg.volumes.export.segments import GROUND_GLASS, Segment
from napari_lesionseg.volumes.read import read_mask, read_scan
from tests.volumes.dicom.make_series import make_series

GRID = Geometry((5, 4, 3), np.diag([-0.7, -0.8, 2.5, 1.0]))
WRITTEN = [("nifti", ".nii"), ("nifti", ".nii.gz"), ("nrrd", ".nrrd"), ("nrrd", ".seg.nrrd"), ("metaimage", ".mha")]


@pytest.fixture
def mask() -> Mask:
    mask = Mask.empty(GRID)
    mask.array[1, 2, 3] = 1
    return mask


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    """A scan that was read from ``scan.nii.gz``."""
    path = tmp_path / "scan.nii.gz"
    nifti.write_scan(path, Volume(np.full(GRID.display_shape, -800, np.int16), GRID))
    return nifti.read_scan(path)


@pytest.mark.parametrize(("format", "ending"), WRITTEN)
@pytest.mark.parametrize("named", [True, False])
def test_the_ending_or_the_format_chooses_the_writer(
    tmp_path: Path, mask: Mask, format: str, ending: str, named: bool
) -> None:
    path = tmp_path / f"mask{ending}"
    export_mask(path, mask, format=format if named else None)
    assert np.count_nonzero(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))) == 1
    assert (b"Segment0_ID" in path.read_bytes()) == (ending == ".seg.nrrd")


def test_segments_reach_the_file(tmp_path: Path, mask: Mask) -> None:
    export_mask(tmp_path / "mask.seg.nrrd", mask, segments=[Segment(1).of(GROUND_GLASS)])
    assert b"Segment0_Name:=Ground-glass opacity\n" in (tmp_path / "mask.seg.nrrd").read_bytes()


def test_a_lossy_scan_is_said_so_in_nifti(tmp_path: Path, mask: Mask, scan: Volume) -> None:
    lossy = Volume(scan.array, scan.geometry, lossy=True)
    export_mask(tmp_path / "mask.nii", mask, lossy)
    assert b"lossy compression" in nib.load(tmp_path / "mask.nii").header["descrip"].item()


@pytest.mark.parametrize(
    ("name", "format", "sentence"),
    [
        ("mask.png", None, r"mask\.png has an ending of no mask format; choose one of \.nii\.gz, \.nii, \.seg\.nrrd"),
        ("mask.nii", "nrrd", r"does not end in \.seg\.nrrd or \.nrrd"),
        ("mask.nii", "nifty", "There is no mask format 'nifty'"),
        ("mask.dcm", "nifti", r"does not end in \.nii\.gz or \.nii"),
        ("mask.dcm", None, "A DICOM SEG refers to the slices of a DICOM series"),
        ("mask.dcm", "rtstruct", "An RTSTRUCT refers to the slices of a DICOM series"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(
    tmp_path: Path, mask: Mask, scan: Volume, name: str, format: str | None, sentence: str
) -> None:
    for drawn_on in (scan, None):
        with pytest.raises(LesionsegError, match=sentence):
            export_mask(tmp_path / name, mask, drawn_on, format=format)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_the_formats_are_these() -> None:
    assert list(ENDINGS) == ["nifti", "nrrd", "metaimage", "dicom-seg", "rtstruct"]


@pytest.mark.parametrize("name", ["scan.nii.gz", "mask.nii", "./scan.nii.gz", "link.nii.gz"])
def test_an_input_is_never_overwritten(tmp_path: Path, mask: Mask, scan: Volume, name: str) -> None:
    nifti.write_mask(tmp_path / "mask.nii", mask)
    opened = nifti.read_mask(tmp_path / "mask.nii")
    (tmp_path / "link.nii.gz").symlink_to(tmp_path / "scan.nii.gz")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(LesionsegError, match="was opened here, and inputs are never overwritten"):
        export_mask(tmp_path / name, opened, scan)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_earlier_export_is_replaced(tmp_path: Path, mask: Mask, scan: Volume) -> None:
    export_mask(tmp_path / "out.nii", Mask.empty(GRID), scan)
    export_mask(tmp_path / "out.nii", mask, scan)
    assert np.array_equal(nifti.read_mask(tmp_path / "out.nii").array, mask.array)


def test_a_file_among_the_slices_of_a_series_is_not_replaced(tmp_path: Path, mask: Mask, scan: Volume) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "slice.nii").write_bytes(b"a slice")
    among = Volume(scan.array, scan.geometry, source=folder)
    with pytest.raises(LesionsegError, match="never overwritten"):
        export_mask(folder / "slice.nii", mask, among)
    assert (folder / "slice.nii").read_bytes() == b"a slice"
    export_mask(folder / "mask.nii", mask, among)  # A new name does no harm.


@pytest.mark.hazard("H14")
def test_a_mask_of_another_scan_is_refused(tmp_path: Path, scan: Volume) -> None:
    other = Geometry((5, 4, 3), np.diag([-0.7, -0.8, 2.6, 1.0]))
    with pytest.raises(LesionsegError, match="lies on another grid"):
        export_mask(tmp_path / "mask.nii", Mask.empty(other), scan)


@pytest.mark.parametrize(("format", "modality"), [(None, "SEG"), ("dicom-seg", "SEG"), ("rtstruct", "RTSTRUCT")])
def test_a_dicom_mask_carries_the_pseudonym(tmp_path: Path, format: str | None, modality: str) -> None:
    scan = read_scan(make_series(tmp_path / "series").folder)
    mask = Mask.empty(scan.geometry)
    mask.array[1:3, 2:6, 2:6] = 1
    export_mask(tmp_path / "mask.dcm", mask, scan, format=format, pseudonym="case-0007")
    header = dcmread(tmp_path / "mask.dcm")
    assert (header.Modality, header.PatientName.family_name, header.PatientID) == (modality, "case-0007", "case-0007")
    assert np.array_equal(read_mask(tmp_path / "mask.dcm", like=scan).array, mask.array)
