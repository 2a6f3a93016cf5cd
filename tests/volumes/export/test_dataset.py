"""Data sets for nnU-Net and of the decathlon: what is in them, and that they are whole or not there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.export.dataset import DatasetCase
from napari_lesionseg.volumes.export.msd import write_msd
from napari_lesionseg.volumes.export.nnunet import write_nnunet

GRID = Geometry((5, 4, 3), np.diag([-0.7, -0.8, 2.5, 1.0]))  # Three slices.
Write = Callable[..., Any]
WRITERS = [(write_nnunet, "Dataset501_Lesions"), (write_msd, "Task501_Lesions")]
BOTH = pytest.mark.parametrize(("write", "name"), WRITERS)


def a_scan(value: int = -800, **facts: Any) -> Volume:
    return Volume(np.full(GRID.display_shape, value, np.int16), GRID, **facts)


def a_mask(label: int = 1, grid: Geometry = GRID) -> Mask:
    """One voxel of ``label`` in each slice."""
    mask = Mask.empty(grid)
    mask.array[:, 1, 2] = label
    return mask


def a_case(case_id: str = "case-0001", patient: str = "p1", **facts: Any) -> DatasetCase:
    return DatasetCase(case_id, patient, **({"scan": a_scan(), "mask": a_mask()} | facts))


CASES = (
    a_case("case-0001", "p1"),
    a_case("case-0002", "p1", reviewed=(0, 2)),
    a_case("case-0003", "p2", mask=a_mask(2)),
    a_case("case-0004", "p3", split="test"),
    a_case("case-0005", "p4", split="test", mask=None),
)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def labels(path: Path) -> np.ndarray:
    """As nnU-Net reads them, (z, y, x)."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_nnunet_finds_images_labels_and_folds_where_it_looks(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "Dataset501_Lesions"
    write_nnunet(folder, iter(CASES), label_names={1: "lesion", 2: "nodule"})
    train, test = ["0001", "0002", "0003"], ["0004", "0005"]
    assert files(folder) == sorted(
        ["README.md", "dataset.json", "splits_final.json"]
        + [f"imagesTr/case-{n}_0000.nii.gz" for n in train]
        + [f"labelsTr/case-{n}.nii.gz" for n in train]
        + [f"imagesTs/case-{n}_0000.nii.gz" for n in test]
        + ["labelsTs/case-0004.nii.gz"]
    )
    described = json.loads((folder / "dataset.json").read_text())
    assert described["channel_names"] == {"0": "CT"}
    assert described["labels"] == {"background": 0, "lesion": 1, "nodule": 2, "ignore": 3}
    assert (described["numTraining"], described["file_ending"]) == (3, ".nii.gz")
    folds = json.loads((folder / "splits_final.json").read_text())
    assert [fold["val"] for fold in folds[:2]] == [["case-0001", "case-0002"], ["case-0003"]]
    assert "nnUNetv2_plan_and_preprocess -d 501" in (folder / "README.md").read_text()


def test_slices_that_nobody_reviewed_have_the_highest_label(tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Lesions"
    write_nnunet(folder, CASES)
    reviewed, partly = (labels(folder / f"labelsTr/case-000{n}.nii.gz") for n in (1, 2))
    assert np.array_equal(np.unique(reviewed), [0, 1])
    assert [np.unique(slice_).tolist() for slice_ in partly] == [[0, 1], [3], [0, 1]]


def test_without_unreviewed_slices_there_is_no_ignore_label(tmp_path: Path) -> None:
    folder = tmp_path / "Dataset501_Lesions"
    write_nnunet(folder, [a_case(reviewed=(0, 1, 2)), a_case("case-0002", "p2")])
    assert json.loads((folder / "dataset.json").read_text())["labels"] == {"background": 0, "lesion": 1}
    assert np.array_equal(np.unique(labels(folder / "labelsTr/case-0001.nii.gz")), [0, 1])


def test_labels_between_are_named_so_that_none_is_missing(tmp_path: Path) -> None:
    write_nnunet(tmp_path / "Dataset501_Lesions", [a_case(mask=a_mask(3))])
    described = json.loads((tmp_path / "Dataset501_Lesions" / "dataset.json").read_text())
    assert described["labels"] == {"background": 0, "lesion": 1, "lesion-2": 2, "lesion-3": 3}


def test_the_decathlons_keys_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "Task501_Lesions"
    write_msd(folder, CASES)
    described = json.loads((folder / "dataset.json").read_text())
    assert set(described) == {
        *("name", "description", "reference", "licence", "release", "tensorImageSize", "modality", "labels"),
        *("numTraining", "numTest", "training", "test"),
    }
    assert described["labels"] == {"0": "background", "1": "lesion", "2": "lesion-2", "3": "ignore"}
    assert (described["name"], described["modality"], described["tensorImageSize"]) == ("Lesions", {"0": "CT"}, "3D")
    assert (described["numTraining"], described["numTest"]) == (3, 2)
    assert described["training"][0] == {
        "image": "./imagesTr/case-0001.nii.gz",
        "label": "./labelsTr/case-0001.nii.gz",
    }
    named = [path for pair in described["training"] for path in pair.values()] + described["test"]
    assert files(folder) == sorted(["dataset.json", *(path.removeprefix("./") for path in named)])


@BOTH
def test_images_and_labels_are_those_of_the_case_on_one_grid(tmp_path: Path, write: Write, name: str) -> None:
    scan = Volume(np.arange(60, dtype=np.int16).reshape(GRID.display_shape) - 900, GRID)
    write(tmp_path / name, [a_case(scan=scan)])
    (image,) = (tmp_path / name / "imagesTr").iterdir()
    label = tmp_path / name / "labelsTr" / "case-0001.nii.gz"
    assert np.array_equal(nifti.read_scan(image).array, scan.array)
    assert np.array_equal(nifti.read_mask(label).array, a_mask().array)
    assert np.array_equal(nib.load(image).affine, nib.load(label).affine)
    assert nib.load(image).header.get_data_dtype() == np.int16


@pytest.mark.hazard("H20")
@BOTH
def test_nothing_of_the_source_reaches_the_data_set(tmp_path: Path, write: Write, name: str) -> None:
    (tmp_path / "CANARY").mkdir()
    image = nib.Nifti1Image(GRID.to_stored(a_scan().array), GRID.affine)
    for field in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[field] = b"CANARY"
    image.to_filename(tmp_path / "CANARY" / "CANARY.nii")
    scan = nifti.read_scan(tmp_path / "CANARY" / "CANARY.nii")
    write(tmp_path / "out" / name, [a_case(patient="CANARY", scan=scan), a_case("c2", "CANARY-2")])
    for path in (tmp_path / "out").rglob("*"):
        assert "CANARY" not in path.name
        if path.is_file():
            raw = path.read_bytes()
            assert b"CANARY" not in (gzip.decompress(raw) if path.suffix == ".gz" else raw)


@BOTH
def test_a_lossy_scan_is_said_so_in_its_files_and_counted(tmp_path: Path, write: Write, name: str) -> None:
    write(tmp_path / name, [a_case("c1", scan=a_scan(lossy=True)), a_case("c2", "p2")])
    files = list((tmp_path / name).rglob("*.nii.gz"))
    assert len(files) == 4
    assert {file for file in files if b"lossy" in nib.load(file).header["descrip"].item()} == {
        file for file in files if file.name.startswith("c1")
    }
    assert "1 of the scans" in json.loads((tmp_path / name / "dataset.json").read_text())["description"]


@BOTH
def test_cases_are_read_when_their_turn_comes(tmp_path: Path, write: Write, name: str) -> None:
    opened: list[str] = []

    def reader(case_id: str) -> Callable[[], Volume]:
        return lambda: opened.append(case_id) or a_scan()

    steps: list[tuple[int, int, int]] = []
    write(
        tmp_path / name,
        [a_case(case, case, scan=reader(case), mask=a_mask) for case in ("c1", "c2")],
        progress=lambda done, total: steps.append((done, total, len(opened))),
    )
    assert opened == ["c1", "c2"]
    assert steps == [(0, 2, 0)] * 3 + [(1, 2, 1), (2, 2, 2)]


@BOTH
@pytest.mark.parametrize("step", [0, 1, 4, 5])
def test_cancelled_at_any_moment_nothing_is_left(tmp_path: Path, write: Write, name: str, step: int) -> None:
    def cancel(done: int, _total: int) -> None:
        if done == step:
            raise Cancelled

    with pytest.raises(Cancelled):
        write(tmp_path / "new" / "folder" / name, CASES, progress=cancel)
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_a_case_that_cannot_be_read_leaves_nothing(tmp_path: Path, write: Write, name: str) -> None:
    def broken() -> Volume:
        raise LesionsegError("the scan is missing.")

    with pytest.raises(LesionsegError, match="the scan is missing"):
        write(tmp_path / name, [a_case(), a_case("c2", scan=broken)])
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_an_existing_folder_is_not_touched(tmp_path: Path, write: Write, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(LesionsegError, match="exists already"):
        write(tmp_path / name, CASES)
    assert list(tmp_path.rglob("*")) == [tmp_path / name]


SHEARED = Geometry(GRID.shape, np.array([[-0.7, 0.1, 0, 0], [0, -0.8, 0, 0], [0, 0, 2.5, 0], [0, 0, 0, 1]]))


@BOTH
@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ([a_case("a/b")], "'a/b' cannot name a case"),
        ([a_case("../up")], "cannot name a case"),
        ([a_case("c"), a_case("C", "p2")], "Two cases are named C"),
        ([a_case(mask=None)], "case-0001 has no mask"),
        ([a_case(split="test")], "no training case"),
        ([], "no training case"),
        ([a_case(mask=a_mask(grid=SHEARED))], "lies on another grid"),
        ([a_case(mask=a_mask(255), reviewed=(1,))], "labels up to 255"),
        ([a_case(), a_case("c2", scan=a_scan(intensity="grey"))], "c2 has grey levels, others do not"),
        ([a_case(scan=Volume(a_scan().array, SHEARED), mask=a_mask(grid=SHEARED))], "not at right angles"),
    ],
)
def test_what_others_could_not_read_is_one_sentence(
    tmp_path: Path, write: Write, name: str, cases: list[DatasetCase], sentence: str
) -> None:
    with pytest.raises(LesionsegError, match=sentence):
        write(tmp_path / name, cases)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("write", "name"), [(write_nnunet, "Lesions"), (write_nnunet, "Dataset1_x"), (write_msd, "Task501_a_b")]
)
def test_a_folder_that_the_other_tool_would_not_find_is_refused(tmp_path: Path, write: Write, name: str) -> None:
    with pytest.raises(LesionsegError, match="is no name for"):
        write(tmp_path / name, CASES)


def test_grey_levels_are_not_called_ct_and_one_patient_has_no_folds(tmp_path: Path) -> None:
    grey = a_scan(intensity="grey")
    write_nnunet(tmp_path / "Dataset501_Lesions", [a_case(scan=grey), a_case("c2", scan=grey)])
    folder = tmp_path / "Dataset501_Lesions"
    assert json.loads((folder / "dataset.json").read_text())["channel_names"] == {"0": "grey"}
    assert not (folder / "splits_final.json").exists()
    assert "one patient" in (folder / "README.md").read_text()
