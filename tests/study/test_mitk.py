"""Segmentation task lists of MITK: read as MITK and others write them, written as MITK reads them.

Sources: MITK's documentation, "MITK Segmentation Task Lists" (the lists below are its examples with our files), its
reader ``mitkSegmentationTaskListIO.cpp`` (MITK 2024.12, versions 1 to 3), ``mitkMultiLabelSegmentationIO.cpp`` and
``mitkMultiLabelIOHelper.cpp`` for the header of a segmentation, and the lists that htc (version 1, relative paths) and
avid (version 3, absolute paths) generate.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.export import export_study
from napari_lesionseg.study.mitk import find_in_task_list, is_task_list
from napari_lesionseg.volumes import read_mask, read_scan
from tests.study.folders import put_mask, put_scan

FORMAT = "MITK Segmentation Task List"


def write(folder: Path, tasks: list[dict[str, Any]], version: object = 1, **more: Any) -> Path:
    path = folder / "tasks.json"
    path.write_text(json.dumps({"FileFormat": FORMAT, "Version": version, "Name": "A list"} | more | {"Tasks": tasks}))
    return path


def offered(path: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (scan.path.name, [(mask.path.name, mask.role) for mask in scan.masks]) for scan in find_in_task_list(path).scans
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_scan(tmp_path / "images" / "01.nii.gz", 1)
    put_scan(tmp_path / "images" / "02.nii.gz", 2)
    return tmp_path


def test_a_minimal_task_has_an_image_and_a_result_that_may_be_missing(folder: Path) -> None:
    path = write(folder, [{"Image": "images/01.nii.gz", "Result": "results/01.nrrd"}])
    assert offered(path) == [("01.nii.gz", [])]
    put_mask(folder / "results" / "01.nrrd", 3)
    assert offered(path) == [("01.nii.gz", [("01.nrrd", "correction")])]


def test_a_pre_segmentation_is_nobodys_word_and_a_result_takes_its_place(folder: Path) -> None:
    put_mask(folder / "segmentations" / "start.nrrd", 2)
    task = {
        "Name": "Spleen",
        "Image": "images/01.nii.gz",
        "Segmentation": "segmentations/start.nrrd",
        "Result": "r.nrrd",
    }
    path = write(folder, [task])
    assert offered(path) == [("01.nii.gz", [("start.nrrd", "prediction")])]
    (mask,) = find_in_task_list(path).scans[0].masks
    assert mask.reason == "what task 1 (Spleen) starts with; nobody has accepted it"
    put_mask(folder / "r.nrrd", 3)
    assert offered(path) == [("01.nii.gz", [("r.nrrd", "correction")])]


def test_defaults_hold_where_a_task_does_not_say_otherwise(folder: Path) -> None:
    for name in ("liver", "other"):
        put_mask(folder / f"{name}.nrrd")
    tasks = [
        {"Name": "Liver", "LabelName": "Liver", "LabelNameSuggestions": "s.json", "Result": "liver.nrrd"},
        {"Name": "Surprise", "Image": "images/02.nii.gz", "Result": "other.nrrd", "Dynamic": False},
    ]
    path = write(folder, tasks, Defaults={"Image": "images/01.nii.gz", "Preset": "kidneys.lsetp"})
    assert offered(path) == [
        ("01.nii.gz", [("liver.nrrd", "correction")]),
        ("02.nii.gz", [("other.nrrd", "correction")]),
    ]


def test_several_tasks_on_one_image_are_one_scan(folder: Path) -> None:
    for name in ("a", "b"):
        put_mask(folder / f"{name}.nrrd")
    path = write(folder, [{"Image": "images/01.nii.gz", "Result": f"{name}.nrrd"} for name in ("a", "b")])
    assert offered(path) == [("01.nii.gz", [("a.nrrd", "correction"), ("b.nrrd", "correction")])]


def test_version_2_has_forms_and_version_3_scenes(folder: Path) -> None:
    form = {"Form": {"Path": "forms/feedback.json", "Result": "results/feedback.csv"}}
    path = write(folder, [{"Image": "images/01.nii.gz", "Result": "r.nrrd"}], 2, Defaults=form)
    assert offered(path) == [("01.nii.gz", [])]
    scene = {"Scene": {"Path": "scenes/01.mitk", "Image": "CT", "Segmentation": "Liver"}, "Result": "s.nrrd"}
    path = write(folder, [scene, {"Image": "images/02.nii.gz", "Result": "r.nrrd"}], 3)
    found = find_in_task_list(path)
    assert [scan.path.name for scan in found.scans] == ["02.nii.gz"]
    assert [one.reason for one in found.left_out] == ["task 1 shows a scene of MITK, which is not read here"]


def test_paths_may_be_absolute_or_written_on_windows(folder: Path) -> None:
    tasks = [
        {"Image": str(folder / "images" / "01.nii.gz"), "Result": str(folder / "r.nrrd")},
        {"Image": "images\\02.nii.gz", "Result": "results\\02.nrrd"},
    ]
    assert [name for name, _ in offered(write(folder, tasks, 3))] == ["01.nii.gz", "02.nii.gz"]


def test_what_is_not_there_is_told(folder: Path) -> None:
    tasks = [
        {"Image": "images/09.nii.gz", "Result": "r.nrrd"},
        {"Image": "images/01.nii.gz", "Segmentation": "s.nrrd", "Result": "q.nrrd"},
        {"Image": "images/02.nii.gz", "Result": "p.nrrd", "Dynamic": True},
    ]
    found = find_in_task_list(write(folder, tasks))
    assert [scan.path.name for scan in found.scans] == ["01.nii.gz"]
    assert [one.reason for one in found.left_out] == [
        "the image of task 1, which is not there",
        "what task 2 starts with, which is not there",
        "task 3 is about a scan that changes with time",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"FileFormat": "MITK ROI"}, "is not a segmentation task list"),
        ({"Version": 4}, "has version 4, known here are 1 to 3"),
        ({"Version": 0}, "has version 0"),
        ({"Version": "1"}, "has version '1'"),
        ({"Version": True}, "has version True"),
        ({"Tasks": {}}, "has no list of tasks"),
        ({"Defaults": {"Result": "x.nrrd"}}, "one Result for all tasks"),
        ({"Tasks": [{"Image": "images/01.nii.gz"}]}, "Task 1 of .* has no Result"),
    ],
)
def test_a_list_that_breaks_the_rules_is_one_sentence(folder: Path, change: dict[str, Any], sentence: str) -> None:
    path = write(folder, [])
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LesionsegError, match=sentence):
        find_in_task_list(path)


def test_a_task_list_is_known_by_what_it_says(folder: Path) -> None:
    assert is_task_list(write(folder, []))
    (folder / "dataset.json").write_text('{"FileFormat": "other"}')
    assert not is_task_list(folder / "dataset.json")
    assert not is_task_list(folder / "images" / "01.nii.gz")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Three cases: one with truth, one corrected in two slices, one without a mask."""
    study = Study.create(tmp_path / "study")
    for number in range(3):
        study.add_case(f"c{number}", f"Doe{number}", put_scan(tmp_path / f"{number}.nii.gz", number), split="train")
    truth = read_mask(put_mask(tmp_path / "truth.nii.gz", 4))
    study.add_revision("c0", "truth", truth)
    study.add_revision("c1", "prediction", read_mask(put_mask(tmp_path / "p.nii.gz", 9)))
    study.add_revision("c1", "correction", read_mask(put_mask(tmp_path / "c.nii.gz", 7)), corrected_slices=[0, 1])
    return study


def test_every_case_becomes_a_task_under_a_neutral_name(study: Study, tmp_path: Path) -> None:
    done = export_study(study, tmp_path / "out", "mitk")
    assert (done.folder, done.train, done.test, done.left_out) == (tmp_path / "out", 3, 0, ())
    whole = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert (whole["FileFormat"], whole["Version"]) == (FORMAT, 3)
    assert "Result" not in whole["Defaults"]
    assert whole["Tasks"] == [
        {"Name": "case-0001", "Image": "images/case-0001.nii.gz", "Result": "results/case-0001.nrrd"},
        {
            "Name": "case-0002",
            "Image": "images/case-0002.nii.gz",
            "Result": "results/case-0002.nrrd",
            "Segmentation": "segmentations/case-0002.nrrd",
        },
        {"Name": "case-0003", "Image": "images/case-0003.nii.gz", "Result": "results/case-0003.nrrd"},
    ]
    suggestions = json.loads((tmp_path / "out" / whole["Defaults"]["LabelNameSuggestions"]).read_text())
    assert suggestions == [{"name": "Lesion", "color": "#e63c3c"}]
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.nrrd"))
    assert files == ["results/case-0001.nrrd", "segmentations/case-0002.nrrd"]


def test_what_a_person_vouches_for_is_done_and_the_rest_is_a_start(study: Study, tmp_path: Path) -> None:
    export_study(study, tmp_path / "out", "mitk")
    result = read_mask(tmp_path / "out" / "results" / "case-0001.nrrd", like=study.case("c0").geometry)
    start = read_mask(tmp_path / "out" / "segmentations" / "case-0002.nrrd", like=study.case("c1").geometry)
    assert (np.count_nonzero(result.array), np.count_nonzero(start.array)) == (4, 7)
    scan = read_scan(tmp_path / "out" / "images" / "case-0003.nii.gz")
    assert np.array_equal(scan.array, read_scan(study.case("c2").scan).array)


def test_a_mask_says_to_mitk_what_its_labels_are(study: Study, tmp_path: Path) -> None:
    export_study(study, tmp_path / "out", "mitk")
    image = sitk.ReadImage(str(tmp_path / "out" / "results" / "case-0001.nrrd"))
    assert image.GetMetaData("modality") == "org.mitk.multilabel.segmentation"
    assert image.GetMetaData("org.mitk.multilabel.segmentation.version") == "1"
    ((group,)) = json.loads(image.GetMetaData("org.mitk.multilabel.segmentation.labelgroups"))
    assert [(label["name"], label["value"]) for label in group["labels"]] == [("Lesion", 1)]
    assert group["labels"][0]["color"]["type"] == "ColorProperty"
    assert max(group["labels"][0]["color"]["value"]) <= 1


def test_what_was_exported_comes_back_wherever_it_is_moved(study: Study, tmp_path: Path) -> None:
    export_study(study, tmp_path / "out", "mitk")
    (tmp_path / "out").rename(tmp_path / "moved")
    assert offered(tmp_path / "moved" / "tasks.json") == [
        ("case-0001.nii.gz", [("case-0001.nrrd", "correction")]),
        ("case-0002.nii.gz", [("case-0002.nrrd", "prediction")]),
        ("case-0003.nii.gz", []),
    ]


def test_an_export_that_is_cancelled_leaves_nothing(study: Study, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        export_study(study, tmp_path / "out", "mitk", progress=stop)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*out*"))
