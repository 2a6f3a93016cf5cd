from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from napari_lesionseg.cli.study import study_app
from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

GRID = Geometry.from_spacing((4, 3, 5), (2.5, 0.8, 0.7))


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(study_app, [str(word) for word in words])


def _json(*words: str | Path) -> dict[str, Any]:
    result = _run(*words, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)  # Fails if anything but one JSON value was printed
    assert isinstance(value, dict)
    return value


def _scan(path: Path, value: int = 0) -> Path:
    nifti.write_scan(path, Volume(np.full(GRID.display_shape, -800 + value, np.int16), GRID))
    return path


def _mask(path: Path, grid: Geometry = GRID) -> Path:
    mask = Mask.empty(grid)
    mask.array[1, 1, 1:4] = 1
    nifti.write_mask(path, mask)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert _run("create", tmp_path / "study").exit_code == 0
    return tmp_path / "study"


def test_a_scan_with_its_truth_goes_in_and_comes_out_as_json(folder: Path, tmp_path: Path) -> None:
    added = _run("add", folder, _scan(tmp_path / "one.nii.gz"), "--truth", _mask(tmp_path / "truth.nii.gz"))
    assert added.stdout.strip() == "Added case case-0001 with its truth: patient case-0001, split train."
    shown = _json("show", folder, "case-0001")
    assert (shown["shape"], shown["spacing_mm"]) == ([4, 3, 5], pytest.approx([2.5, 0.8, 0.7]))
    assert shown["scan_problem"] is None
    (revision,) = shown["revisions"]
    assert (revision["role"], revision["corrected_slices"]) == ("truth", None)
    assert np.count_nonzero(nifti.read_mask(revision["file"]).array) == 3


def test_the_list_counts_the_masks_of_each_role(folder: Path, tmp_path: Path) -> None:
    _run("add", folder, _scan(tmp_path / "one.nii.gz", 1), "--truth", _mask(tmp_path / "truth.nii.gz"))
    _run("add", folder, _scan(tmp_path / "two.nii.gz", 2))
    Study.open(folder).add_revision("case-0001", "correction", Mask.empty(GRID))
    cases = {case["id"]: case["masks"] for case in _json("list", folder)["cases"]}
    assert cases == {"case-0001": {"truth": 1, "correction": 1}, "case-0002": {}}
    lines = _run("list", folder).stdout.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["case", "patient", "split", "masks"],
        ["case-0001", "case-0001", "train", "1", "truth,", "1", "correction"],
        ["case-0002", "case-0002", "calibration", "none"],
    ]


def test_the_split_is_one_json_object_with_all_four_lists(folder: Path, tmp_path: Path) -> None:
    for number, split in enumerate(["test", "train", "test"]):
        name = f"s{number}"
        _run("add", folder, _scan(tmp_path / f"{name}.nii", number), "--patient", f"p{number}", "--split", split)
    assert _json("split", folder) == {"train": ["p1"], "calibration": [], "gate": [], "test": ["p0", "p2"]}
    assert "test (2): p0, p2" in _run("split", folder).stdout


def test_ids_and_copy_are_as_asked_for(folder: Path, tmp_path: Path) -> None:
    scan = _scan(tmp_path / "one.nii.gz")
    _run("add", folder, scan, "--case", "c1", "--patient", "p1", "--split", "gate", "--copy")
    (case,) = Study.open(folder).cases()
    assert (case.id, case.patient, case.split) == ("c1", "p1", "gate")
    assert case.scan == folder / "scans" / "c1.nii.gz"


def test_without_an_id_the_next_neutral_one_is_taken(folder: Path, tmp_path: Path) -> None:
    _run("add", folder, _scan(tmp_path / "a.nii.gz", 1), "--case", "c1", "--patient", "Case-0007")
    _run("add", folder, _scan(tmp_path / "Müller, 2024.03.nii.gz", 2))
    _run("add", folder, _scan(tmp_path / "b.nii.gz", 3), "--patient", "p2")
    ids = [(case.id, case.patient) for case in Study.open(folder).cases()]
    assert ids == [("c1", "Case-0007"), ("case-0008", "case-0008"), ("case-0009", "p2")]


def test_show_says_that_the_scan_has_gone(folder: Path, tmp_path: Path) -> None:
    scan = _scan(tmp_path / "one.nii")
    _run("add", folder, scan)
    scan.unlink()
    assert "is missing" in _json("show", folder, "case-0001")["scan_problem"]
    assert "The scan of case case-0001 is missing" in _run("show", folder, "case-0001").stdout


def test_a_truth_on_another_grid_leaves_no_case_behind(folder: Path, tmp_path: Path) -> None:
    other = _mask(tmp_path / "other.nii.gz", Geometry.from_spacing((4, 3, 5), (2.5, 0.8, 0.9)))
    result = _run("add", folder, _scan(tmp_path / "one.nii.gz"), "--truth", other)
    assert isinstance(result.exception, LesionsegError)
    assert "lies on another grid" in str(result.exception)
    assert _json("list", folder) == {"cases": []}


@pytest.mark.parametrize("command", [("list",), ("show", "c1"), ("split",)])
def test_a_folder_that_is_no_study_is_one_sentence(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = _run(command[0], tmp_path, *command[1:], "--json")
    assert isinstance(result.exception, LesionsegError)
    assert "is not a study" in str(result.exception)
    assert result.stdout == ""
