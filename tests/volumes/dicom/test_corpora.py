"""Real DICOM: what must be refused is, for its own reason; what is sound reads as others read it."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Volume
from napari_lesionseg.volumes.dicom.checks import fault_of
from napari_lesionseg.volumes.dicom.grouping import stacks_of
from napari_lesionseg.volumes.dicom.headers import read_file, slices_of
from napari_lesionseg.volumes.dicom.pixels import read_voxels
from napari_lesionseg.volumes.dicom.read import read_series
from napari_lesionseg.volumes.dicom.series import find_series

pytestmark = pytest.mark.realdata
Figure = Callable[[str, str, bool], None]

FAILING = {
    "gantrytilting/001": ("tilt", ["IM-0001-0001.dcm", "IM-0001-0004.dcm"]),
    "notavolume/001": ("duplicates", ["001.dcm", "002.dcm"]),
    "slicecount/001": ("too few", ["IM-0001-0001-0001.dcm", "IM-0001-0002-0001.dcm"]),
    "sliceincrement/001": ("missing", ["IM-0001-0009-0001.dcm", "IM-0001-0010-0001.dcm"]),
    "sliceincrement/002": ("missing", ["IM-0001-0003.dcm", "IM-0001-0005.dcm"]),
    "sliceorientation/001": ("mixed", ["IM-0001-0001-0001 2.dcm", "IM-0001-0001-0001.dcm"]),
}
REGULAR = ["corpora/slicer_cthead", "io_samples/cip/ct-64Dicom", "io_samples/ibsi_1_ct_radiomics_phantom/dicom"] + [
    f"corpora/dcmqi/{name}"
    for name in ("ct-3slice", "23x38x3/image", "24x38x3/image", "23x38x3/multiframe", "24x38x3/multiframe")
]


def series_folders(shared_data: Path, group: str) -> list[Path]:
    return sorted(path for path in (shared_data / "corpora/dicom2nifti" / group).rglob("0*") if path.is_dir())


def shown_corners(geometry: Geometry) -> np.ndarray:
    """Corners in the order they are shown, so that grids stored in other orders can be compared."""
    corners = geometry.to_display(np.arange(8).reshape(2, 2, 2))
    return geometry.corners()[corners.ravel()]


def reference(path: Path) -> tuple[Geometry, np.ndarray]:
    """Grid and shown voxels of a NIfTI, by nibabel alone."""
    image = nib.load(path)
    geometry = Geometry(image.shape[:3], image.affine)
    return geometry, geometry.to_display(np.asarray(image.dataobj))


@pytest.mark.hazard("H15")
def test_every_failing_series_is_refused_for_its_own_reason(shared_data: Path, hazard_figure: Figure) -> None:
    folders = series_folders(shared_data, "failing")
    refused = {}
    for folder in folders:
        with pytest.raises(LesionsegError) as error:
            read_series(folder)
        (one,) = find_series(folder)
        refused[folder.relative_to(shared_data / "corpora/dicom2nifti/failing").as_posix()] = one.fault.kind
        for name in FAILING[folder.relative_to(shared_data / "corpora/dicom2nifti/failing").as_posix()][1]:
            assert name in str(error.value)
    expected = {name: kind for name, (kind, _) in FAILING.items()}
    right = sum(refused.get(name) == kind for name, kind in expected.items())
    hazard_figure("H15", f"failing: {right} of {len(folders)} refused for their own reason", right == len(folders) == 6)
    assert refused == expected


@pytest.mark.hazard("H15")
def test_every_generic_series_has_the_corners_and_values_of_its_reference(
    shared_data: Path, hazard_figure: Figure
) -> None:
    folders = series_folders(shared_data, "generic")
    farthest, equal = [], []
    for folder in folders:
        scan = read_series(folder)
        for path in (f"{folder}_ground_truth.nii.gz", f"{folder}_ground_truth_reoriented.nii.gz"):
            geometry, voxels = reference(Path(path))
            farthest.append(np.abs(shown_corners(scan.geometry) - shown_corners(geometry)).max())
            if voxels.dtype.names:  # Colours: ours are their brightness.
                voxels = np.rint(0.299 * voxels["R"] + 0.587 * voxels["G"] + 0.114 * voxels["B"])
            equal.append(np.abs(voxels - scan.array.astype(float)).max())
    holds = len(farthest) == 18 and max(farthest) <= 0.01
    hazard_figure("H15", f"generic: 0 of {len(folders)} refused, corners within {max(farthest):.4f} mm", holds)
    assert holds
    assert max(equal) <= 1e-4


@pytest.mark.hazard("H15")
@pytest.mark.parametrize("name", REGULAR)
def test_regular_series_read_as_simpleitk_reads_them(shared_data: Path, name: str) -> None:
    scan = read_series(shared_data / name)
    files = sorted(path for path in (shared_data / name).rglob("*.dcm") if "mask" not in path.parts)
    if len(files) == 1:
        image = sitk.ReadImage(str(files[0]))
    else:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(sorted(map(str, files), key=lambda path: float(dcmread(path).ImagePositionPatient[2])))
        image = reader.Execute()
    voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    scaled = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.vstack([np.column_stack([scaled, image.GetOrigin()]), [0, 0, 0, 1]])
    theirs = Geometry(voxels.shape, affine)
    assert np.abs(shown_corners(scan.geometry) - shown_corners(theirs)).max() <= 0.01
    shown = theirs.to_display(voxels).copy()
    if "Padding" in " ".join(scan.warnings):
        shown[shown == -3024] = -1024
    assert np.array_equal(shown, scan.array)


@pytest.mark.hazard("H15")
def test_every_gap_in_a_real_series_is_refused(shared_data: Path, tmp_path: Path, hazard_figure: Figure) -> None:
    files = sorted(
        (shared_data / "corpora/slicer_cthead").iterdir(), key=lambda path: float(dcmread(path).ImagePositionPatient[2])
    )
    assert len(files) == 93
    slices = [slices_of(file)[0] for path in files if (file := read_file(path, path.name)) is not None]
    draw, refused = random.Random(15), 0
    for number in range(60):
        gone = set(draw.sample(range(1, 92), 1 + number % 5))  # A slice gone at an end leaves a regular grid.
        (stack,) = stacks_of(one for k, one in enumerate(slices) if k not in gone)
        fault = fault_of(stack)
        assert fault is not None
        beside = [files[k].name for k in range(93) if k not in gone and {k - 1, k + 1} & gone]
        refused += (
            fault.kind == "missing" and sum(name in fault.sentence.replace(",", "").split() for name in beside) == 2
        )
        if number % 15 == 4:  # And through files on a disk.
            folder = tmp_path / str(number)
            folder.mkdir()
            for k, file in enumerate(files):
                if k not in gone:
                    (folder / file.name).symlink_to(file)
            with pytest.raises(LesionsegError, match=re.escape(fault.sentence)):
                read_series(folder)
    hazard_figure("H15", f"slicer_cthead without 1–5 slices: {refused} of 60 refused with both files", refused == 60)
    assert refused == 60


@pytest.mark.hazard("H16")
def test_nine_transfer_syntaxes_hold_one_image(shared_data: Path, hazard_figure: Figure) -> None:
    folder = shared_data / "corpora/dcm_qa_ts"
    decoded = []
    for number in range(1, 10):
        file = read_file(folder / f"In/{number}.dcm", f"{number}.dcm")
        assert file is not None
        decoded.append(read_voxels(folder, slices_of(file)).array)
    same = sum(np.array_equal(one, decoded[0]) for one in decoded)
    hazard_figure("H16", f"dcm_qa_ts: {same} of 9 syntaxes exact", same == 9)
    assert same == 9
    assert decoded[0].shape == (1, 384, 384) and decoded[0].max() > 100

    # The reference holds the tiles of the mosaic as slices; the values are the same.
    tiles = np.asarray(nib.load(folder / "Ref/1.nii").dataobj)
    assert np.array_equal(np.sort(decoded[0][decoded[0] > 0]), np.sort(tiles[tiles > 0]))


@pytest.mark.parametrize("stack", [False, True])
def test_single_covid_slices_are_no_scan_and_their_padding_is_air(
    shared_data: Path, tmp_path: Path, stack: bool
) -> None:
    files = sorted((shared_data / "covid_nysbu_dicom_slices").iterdir())
    assert len(files) == 14
    for file in files:
        if not stack:
            with pytest.raises(LesionsegError, match=r"fewer than 3 slices \(only .*\); choose the whole series"):
                read_series(file)
            continue
        scan = stacked(file, tmp_path / file.stem)
        raw = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))[0]
        impossible = raw <= -1500
        assert set(np.unique(raw[impossible])) <= {-3024, -2048}
        assert scan.array.min() > -1500  # Noise below air is real.
        assert (scan.array[0][impossible] == -1024).all()
        assert np.array_equal(scan.array[0][~impossible], raw[~impossible])
        assert ("Padding" in " ".join(scan.warnings)) == impossible.any()


def stacked(file: Path, folder: Path) -> Volume:
    """A scan of three copies of one real slice, 2 mm apart."""
    folder.mkdir()
    for k in range(3):
        header = dcmread(file)
        x, y, z = header.ImagePositionPatient
        header.ImagePositionPatient = [x, y, f"{float(z) + 2 * k:.4f}"]
        header.save_as(folder / f"{k}.dcm")
    return read_series(folder)


def test_the_ibsi_phantom_equals_its_nifti(shared_data: Path) -> None:
    folder = shared_data / "io_samples/ibsi_1_ct_radiomics_phantom"
    geometry, voxels = reference(folder / "nifti/image/phantom.nii.gz")
    scan = read_series(folder / "dicom")
    assert np.abs(shown_corners(scan.geometry) - shown_corners(geometry)).max() <= 0.01
    assert np.array_equal(scan.array, voxels)


def test_cip_equals_its_nrrd(shared_data: Path) -> None:
    scan = read_series(shared_data / "io_samples/cip/ct-64Dicom")
    image = sitk.ReadImage(str(shared_data / "io_samples/cip/ct-64.nrrd"))
    assert scan.array.shape == image.GetSize()[::-1]
    assert np.array_equal(scan.array, sitk.GetArrayFromImage(image))


def test_no_file_of_the_pydicom_corpus_breaks_the_reader(shared_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = sorted(path for path in (shared_data / "corpora/pydicom").rglob("*") if path.is_file())
    assert len(files) > 150
    for file in files:
        try:
            volume = read_series(file)
        except LesionsegError as error:
            assert str(error).count("\n") == 0
        else:
            assert volume.array.size
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-bigEnd", "DICOMDIR-reordered"])
def test_every_spelling_of_a_dicomdir_lists_the_same_series(shared_data: Path, name: str) -> None:
    found = find_series(shared_data / "corpora/pydicom/dicomdirtests" / name)
    usable = [one for one in found if one.refusal is None]
    assert [(one.description, one.slices) for one in usable] == [("SmartScore - Gated 0.5 sec", 5)]
    assert sum(one.slices for one in found) == 31
    folder = find_series(shared_data / "corpora/pydicom/dicomdirtests" / "98892001")
    assert [one.uid for one in folder if one.refusal is None] == [usable[0].uid]


def test_masks_of_the_corpora_are_not_taken_for_scans(shared_data: Path, tmp_path: Path) -> None:
    shutil.copytree(shared_data / "corpora/dcmqi/ct-3slice", tmp_path / "ct")
    for path in (shared_data / "corpora/dcmqi").glob("*.dcm"):
        shutil.copy(path, tmp_path / "ct" / f"mask-{path.name}")
    for path in (shared_data / "corpora/highdicom").glob("seg*.dcm"):
        shutil.copy(path, tmp_path / "ct")
    scan = read_series(tmp_path / "ct")
    assert scan.array.shape == (3, 512, 512)
