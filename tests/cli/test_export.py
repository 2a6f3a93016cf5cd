"""``lesionseg export`` and ``lesionseg study export`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from typer.testing import CliRunner, Result

from napari_lesionseg.cli.main import app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.read import read_scan
from tests.volumes.dicom.make_regions import overlapping_regions
from tests.volumes.dicom.make_series import make_series

GRID = Geometry.from_spacing((4, 6, 5), (2.5, 1.0, 2.0))  # 0.005 ml a voxel.


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def as_json(*words: str | Path) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)  # Fails if anything but one JSON value was printed.
    assert isinstance(value, dict)
    return value


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    nifti.write_scan(tmp_path / "scan.nii.gz", Volume(np.full(GRID.display_shape, -800, np.int16), GRID))
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """Two voxels of label 1 and one of label 2."""
    mask = Mask.empty(GRID)
    mask.array[1, 2, 1:3], mask.array[2, 2, 2] = 1, 2
    nifti.write_mask(tmp_path / "mask.nii.gz", mask)
    return tmp_path / "mask.nii.gz"


@pytest.mark.parametrize(
    ("name", "format"), [("o.nii.gz", "nifti"), ("o.seg.nrrd", "nrrd"), ("o.nrrd", "nrrd"), ("o.mha", "metaimage")]
)
def test_a_mask_goes_into_each_format(scan: Path, mask: Path, tmp_path: Path, name: str, format: str) -> None:
    told = as_json("export", mask, "--scan", scan, "-o", tmp_path / name)
    assert (told["file"], told["format"], told["ml"]) == (str(tmp_path / name), format, pytest.approx(0.015))
    seen = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
    assert np.array_equal(np.bincount(seen.ravel()), [117, 2, 1])


def test_a_mask_needs_no_scan_where_the_format_does_not(mask: Path, tmp_path: Path) -> None:
    result = run("export", mask, "-o", tmp_path / "o.nrrd")
    assert result.stdout == f"Saved {tmp_path / 'o.nrrd'} (nrrd): 0.0 ml, 1 Lesion, 2 Lesion 2.\n"


@pytest.mark.parametrize(
    ("types", "names"),
    [
        (["nodule"], ["Nodule 1", "Nodule 2"]),
        (["2=ground-glass-opacity"], ["Lesion", "Ground-glass opacity"]),
        (["1=mass", "2=Consolidation"], ["Mass", "Consolidation"]),
    ],
)
def test_lesion_types_name_the_segments(mask: Path, tmp_path: Path, types: list[str], names: list[str]) -> None:
    words = [word for kind in types for word in ("--lesion-type", kind)]
    told = as_json("export", mask, "-o", tmp_path / "o.seg.nrrd", *words)
    assert told["segments"] == [{"label": 1, "name": names[0]}, {"label": 2, "name": names[1]}]
    image = sitk.ReadImage(str(tmp_path / "o.seg.nrrd"))
    assert [image.GetMetaData(f"Segment{n}_Name") for n in (0, 1)] == names


def test_one_of_overlapping_regions_is_chosen_by_its_name(tmp_path: Path) -> None:
    series = make_series(tmp_path / "series").folder
    path, wanted = overlapping_regions(tmp_path / "regions.dcm", read_scan(series))
    refused = run("export", path, "--scan", series, "-o", tmp_path / "o.nii.gz")
    assert "choose one of 'Lesion', 'Lesion 2'" in str(refused.exception)
    assert not (tmp_path / "o.nii.gz").exists()
    as_json("export", path, "--scan", series, "-o", tmp_path / "o.nii.gz", "--segment", "Lesion 2")
    assert np.array_equal(nifti.read_mask(tmp_path / "o.nii.gz").array, wanted.array)


def test_the_table_names_the_pseudonym(scan: Path, mask: Path, tmp_path: Path) -> None:
    as_json("export", mask, "--scan", scan, "-o", tmp_path / "table.csv", "--pseudonym", "case-0042")
    text = (tmp_path / "table.csv").read_text()
    assert "case-0042" in text
    assert not any(name in text for name in (str(tmp_path), "scan.nii", "mask.nii"))


def test_a_report_tells_the_share_of_lungs_that_are_given(
    scan: Path, mask: Path, tmp_path: Path, pdf_text: Callable[[bytes], list[str]]
) -> None:
    lungs = Mask.empty(GRID)
    lungs.array[:, 1:4] = 1  # 60 voxels, with all 3 of the mask.
    nifti.write_mask(tmp_path / "lungs.nii.gz", lungs)
    report = ("export", mask, "--scan", scan, "-o", tmp_path / "r.pdf")
    shares = []
    for more in ((), ("--lungs", tmp_path / "lungs.nii.gz")):
        as_json(*report, *more)
        lines = pdf_text((tmp_path / "r.pdf").read_bytes())
        shares.append(lines[lines.index("Share of the lungs") + 1])
    assert shares == ["not known", "5.0 %"]
    over = run("export", mask, "-o", tmp_path / "lungs.nii.gz", "--lungs", tmp_path / "lungs.nii.gz")
    assert "inputs are never overwritten" in str(over.exception)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("-o", "{folder}/o.png"), "has an ending of no export format"),
        (("-o", "{folder}/o.nii", "--format", "nrrd"), "does not end in"),
        (("-o", "{folder}/o.dcm", "--scan", "{folder}/scan.nii.gz"), "refers to the slices of a DICOM series"),
        (("-o", "{folder}/mask.nii.gz"), "inputs are never overwritten"),
        (("-o", "{folder}/scan.nii.gz", "--scan", "{folder}/scan.nii.gz"), "inputs are never overwritten"),
        (("-o", "{folder}/o.nrrd", "--lesion-type", "wart"), "There is no lesion type 'wart'"),
        (("-o", "{folder}/o.nrrd", "--lesion-type", "7=nodule"), "The mask has no label 7; it has 1, 2"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    scan: Path, mask: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    before = {path: path.read_bytes() for path in (scan, mask)}
    result = run("export", mask, *(word.format(folder=tmp_path) for word in words))
    assert isinstance(result.exception, LesionsegError)
    assert sentence in str(result.exception)
    assert result.stdout == ""
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def study(tmp_path: Path, scan: Path) -> Path:
    """Two patients with a truth, one without a mask."""
    study = Study.create(tmp_path / "study")
    for number, split in enumerate(["train", "gate", "train"]):
        path = tmp_path / f"scan{number}.nii"
        nifti.write_scan(path, Volume(np.full(GRID.display_shape, -800 + number, np.int16), GRID))
        study.add_case(f"c{number}", f"p{number}", path, split=split)
        if number < 2:
            study.add_revision(f"c{number}", "truth", Mask.empty(GRID))
    return study.folder


def test_a_study_becomes_a_data_set(study: Path, tmp_path: Path) -> None:
    told = as_json("study", "export", study, "-o", tmp_path / "raw", "--format", "nnunet")
    folder = tmp_path / "raw" / "Dataset501_Lesions"
    assert told == {"folder": str(folder), "format": "nnunet", "train": 2, "test": 0, "left_out": ["c2"]}
    assert (folder / "labelsTr" / "case-0002.nii.gz").is_file()
    again = run("study", "export", study, "-o", tmp_path / "raw", "--format", "nnunet")
    assert "exists already" in str(again.exception)
    result = run("study", "export", study, "-o", tmp_path / "msd", "--format", "msd")
    assert result.stdout.splitlines() == [
        f"Exported 2 training and 0 test cases to {tmp_path / 'msd' / 'Task501_Lesions'}.",
        "Left out, nobody has reviewed them: c2",
    ]


def test_the_map_of_pseudonyms_is_kept_and_must_lie_outside(study: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    inside = run("study", "export", study, "-o", raw, "--format", "msd", "--pseudonym", raw / "map.csv")
    assert isinstance(inside.exception, LesionsegError)
    assert not raw.exists()
    as_json("study", "export", study, "-o", raw, "--format", "msd", "--pseudonym", tmp_path / "map.csv")
    assert (tmp_path / "map.csv").read_text().splitlines()[1:] == ["c0,case-0001", "c1,case-0002"]


@pytest.mark.parametrize(("name", "format", "modality"), [("o.dcm", None, "SEG"), ("o.dcm", "rtstruct", "RTSTRUCT")])
def test_of_several_series_the_chosen_one_is_referred_to(
    tmp_path: Path, name: str, format: str | None, modality: str
) -> None:
    first = make_series(tmp_path / "study" / "first", seed=1)
    second = make_series(tmp_path / "study" / "second", seed=2, values=2)
    grid = read_scan(second.folder).geometry
    mask = Mask.empty(grid)
    mask.array[2:4, 3:8, 4:9] = 1
    nifti.write_mask(tmp_path / "mask.nii.gz", mask)
    words = ["export", tmp_path / "mask.nii.gz", "--scan", tmp_path / "study", "-o", tmp_path / name]
    words += ["--format", format] if format else []
    assert "--series" in str(run(*words).exception)
    told = as_json(*words, "--series", second.uid, "--pseudonym", "case-0003")
    assert (told["format"], told["ml"]) == (format or "dicom-seg", pytest.approx(50 * 2.0 * 0.7 * 0.8 / 1000))
    written = dcmread(tmp_path / name)
    assert (written.Modality, written.PatientID) == (modality, "case-0003")
    text = str(written)
    assert second.uid in text
    assert first.uid not in text
