"""A series becomes a scan: slices in order along their normal, in HU, on the grid its headers say."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from napari_lesionseg.errors import GeometryQuestion, LesionsegError
from napari_lesionseg.volumes.dicom import gate
from napari_lesionseg.volumes.dicom.errors import SeriesQuestion
from napari_lesionseg.volumes.dicom.read import read_series
from napari_lesionseg.volumes.read import read_scan
from tests.volumes.dicom.make_series import AXIAL, Series, make_series

PLANES = {
    "axial": AXIAL,
    "axial, prone": (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
    "sagittal": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
    "coronal": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
    "oblique": (0.8, 0.6, 0.0, 0.0, 0.0, -1.0),
    "doubly oblique": (0.36, 0.48, -0.8, -0.8, 0.6, 0.0),
}


def stored(series: Series) -> np.ndarray:
    """The values as (column, row, slice)."""
    return series.hu.transpose(2, 1, 0)


@pytest.mark.hazard("H15")
@pytest.mark.parametrize("plane", PLANES)
def test_every_voxel_lies_where_its_header_says(tmp_path: Path, plane: str) -> None:
    series = make_series(tmp_path / "series", orientation=PLANES[plane])
    scan = read_series(series.folder)
    assert np.allclose(scan.geometry.affine, series.affine, atol=1e-6)
    assert np.array_equal(scan.geometry.to_stored(scan.array), stored(series))
    assert scan.array.dtype == np.int16
    assert scan.intensity == "HU"
    assert scan.warnings == ()
    assert not scan.lossy


def test_the_patient_is_shown_upright_with_the_right_side_on_the_left(tmp_path: Path) -> None:
    prone = make_series(tmp_path / "series", orientation=PLANES["axial, prone"])
    scan = read_series(prone.folder)
    # Rows ran to the patient's right and up the picture, so that both are turned; slices ran from feet to head.
    assert np.array_equal(scan.array, prone.hu[:, ::-1, ::-1])


def test_neither_file_names_nor_instance_numbers_decide_the_order(tmp_path: Path) -> None:
    numbers = random.Random(1).sample(range(100), 6)

    def misnumber(header: Dataset, k: int) -> None:
        header.InstanceNumber = numbers[k]

    series = make_series(tmp_path / "series", edit=misnumber)
    for name, file in zip("fbdaec", series.files, strict=True):
        file.rename(file.with_name(name))
    scan = read_series(series.folder)
    assert np.array_equal(scan.array, series.hu)
    assert [float(one.ImagePositionPatient[2]) for one in scan.dicom.headers] == [-70, -68, -66, -64, -62, -60]


def test_simpleitk_reads_the_same_values_in_the_same_places(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series", orientation=PLANES["oblique"])
    scan = read_series(series.folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in series.files])
    image = reader.Execute()
    far = image.TransformIndexToPhysicalPoint([n - 1 for n in image.GetSize()])
    ours = scan.geometry.affine @ [*(n - 1 for n in scan.geometry.shape), 1]
    assert ours[:3] * [-1, -1, 1] == pytest.approx(far, abs=1e-4)
    assert np.array_equal(sitk.GetArrayFromImage(image), scan.geometry.to_stored(scan.array).transpose(2, 1, 0))


def test_the_scan_knows_its_slices_and_nothing_of_the_patient(tmp_path: Path) -> None:
    def canary(header: Dataset, k: int) -> None:
        header.PatientComments = header.ImageComments = header.InstitutionName = "CANARY"
        header.PatientName = header.PatientID = header.StudyDescription = header.SeriesDescription = "CANARY"
        header.StudyDate = header.ContentDate = "20010203"
        header.private_block(0x0011, "CANARY", create=True).add_new(1, "LO", "CANARY")

    series = make_series(tmp_path / "series", edit=canary)
    source = read_series(series.folder).dicom
    assert source is not None
    assert source.series == series.uid
    assert len(source.headers) == 6
    assert not source.multi_frame
    assert len({one.SOPInstanceUID for one in source.headers}) == 6
    for one in source.headers:
        assert one.FrameOfReferenceUID == source.frame_of_reference
        assert "CANARY" not in str(one) and "2001" not in str(one)
        assert not any(element.tag.is_private for element in one.iterall())


def test_the_door_reads_a_folder_a_file_name_does_not_matter(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    for file in series.files:
        file.rename(file.with_suffix(""))
    assert np.array_equal(read_scan(tmp_path).array, series.hu)


def test_several_series_are_listed_and_chosen_by_number_or_uid(tmp_path: Path) -> None:
    lung = make_series(tmp_path / "a", 1, seed=1)

    def soft(header: Dataset, k: int) -> None:
        header.ConvolutionKernel, header.SeriesDescription = "B30f", "Mediastinum"

    other = make_series(tmp_path / "b", 2, seed=2, edit=soft)
    with pytest.raises(SeriesQuestion, match=r"holds 2 series \(1 CT Thorax 2.0 B70f: 6 .*--series NUMBER") as asked:
        read_series(tmp_path)
    assert [one.uid for one in asked.value.series] == [lung.uid, other.uid]
    assert [one.proposed for one in asked.value.series] == [True, False]
    assert np.array_equal(read_series(tmp_path, "1").array, lung.hu)
    assert np.array_equal(read_series(tmp_path, "2").array, other.hu)
    assert np.array_equal(read_series(tmp_path, other.uid).array, other.hu)
    for wrong in ("0", "3", "1.2.3", "²"):
        with pytest.raises(LesionsegError, match="has no series"):
            read_series(tmp_path, wrong)


def test_the_only_scan_among_scouts_and_pictures_is_taken(tmp_path: Path) -> None:
    series = make_series(tmp_path / "scan")

    def scout(header: Dataset, k: int) -> None:
        header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def picture(header: Dataset, k: int) -> None:
        del header.ImagePositionPatient, header.ImageOrientationPatient

    make_series(tmp_path / "scouts", np.zeros((2, 8, 8), np.int16), seed=1, edit=scout)
    make_series(tmp_path / "report", np.zeros((1, 40, 40), np.int16), seed=2, edit=picture)
    assert np.array_equal(read_series(tmp_path).array, series.hu)


def test_progress_is_told_slice_by_slice_and_can_end_the_reading(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    told: list[tuple[int, int]] = []
    read_series(series.folder, progress=lambda done, of: told.append((done, of)))
    assert told == [(n, 6) for n in range(1, 7)]

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_series(series.folder, progress=stop)


def test_nothing_is_resampled_unless_asked_and_needed(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    with pytest.raises(LesionsegError, match="is a regular grid already"):
        read_series(series.folder, geometry="resample")
    with pytest.raises(LesionsegError, match="no geometry sform for DICOM"):
        read_series(series.folder, geometry="sform")


def test_a_second_reader_that_disagrees_makes_it_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = make_series(tmp_path / "series")
    from_image = gate.from_image
    for millimetres, asked in ((0.009, False), (0.011, True)):
        monkeypatch.setattr(gate, "from_image", lambda image, mm=millimetres: from_image(image) + [0, 0, mm])
        if not asked:
            assert np.array_equal(read_series(series.folder).array, series.hu)
            continue
        with pytest.raises(GeometryQuestion, match="0.01 mm apart by two readers") as question:
            read_series(series.folder)
        assert list(question.value.choices) == ["headers"]
        assert np.allclose(read_series(series.folder, geometry="headers").geometry.affine, series.affine)


def test_the_second_reader_is_simpleitk_and_where_that_fails_highdicom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = make_series(tmp_path / "series", orientation=PLANES["doubly oblique"])
    asked: list[str] = []
    from_image, by_highdicom = gate.from_image, gate.by_highdicom
    monkeypatch.setattr(gate, "from_image", lambda image: asked.append("SimpleITK") or from_image(image))
    monkeypatch.setattr(gate, "by_highdicom", lambda one: asked.append("highdicom") or by_highdicom(one))
    read_series(series.folder)
    assert asked == ["SimpleITK"] * 2

    for breaks, limit in (("raise MemoryError", 30), ("import time; time.sleep(60)", 0.5)):
        asked.clear()
        (tmp_path / "child.py").write_text(breaks)
        monkeypatch.setattr(gate, "_CHILD", tmp_path / "child.py")
        monkeypatch.setattr(gate, "LONGEST_S", limit)
        assert np.allclose(read_series(series.folder).geometry.affine, series.affine)
        assert asked == ["highdicom"] * 2
