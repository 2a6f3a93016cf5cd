"""A datastore of MONAI Label, laid out as its server writes it.

Source: ``monailabel/datastore/local.py`` of MONAI Label 0.8 (``_update_datastore_file`` writes the model below,
``save_label`` the info of a submitted label, ``_add_non_existing_labels`` that of a file found in the folder), and the
datastores among the tests of its reviewer's plug-in for 3D Slicer.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.monai_label import find_in_datastore
from tests.study.folders import put_mask, put_scan


def info(path: Path, ts: int, **more: Any) -> dict[str, Any]:
    """An image or a label as ``DataModel`` is written, with its time and checksum."""
    ending = ".seg.nrrd" if path.name.endswith(".seg.nrrd") else ".nii.gz"
    checksum = f"SHA256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    return {"ext": ending, "info": {"ts": ts, "checksum": checksum, "name": path.name} | more}


SUBMITTED = {"label_info": [{"name": "lesion", "idx": 1}], "client_id": "user-xyz", "params": {"label_names": ["x"]}}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Four images: submitted over a prediction, reviewed, found in the folder, and without a label."""
    images = [put_scan(tmp_path / f"scan_{number}.nii.gz", number) for number in range(4)]
    labels = tmp_path / "labels"
    submitted = put_mask(labels / "final" / "scan_0.nii.gz", 3)
    predicted = put_mask(labels / "original" / "scan_0.nii.gz", 2)
    annotated = put_mask(labels / "final" / "scan_1.seg.nrrd", 4)
    reviewed = put_mask(labels / "version_1" / "scan_1.seg.nrrd", 5)
    laid = put_mask(labels / "final" / "scan_2.nii.gz", 6)
    meta = {"status": "approved", "approvedBy": "Prof R", "level": "easy", "comment": "", "editTime": 1656312180}
    objects = {
        f"scan_{number}": {"image": info(image, 1640005767, strategy={}), "labels": {}}
        for number, image in enumerate(images)
    }
    objects["scan_0"]["labels"] = {
        "final": info(submitted, 200, **SUBMITTED),
        "original": info(predicted, 100, params={"model": "deepedit"}),
    }
    objects["scan_1"]["labels"] = {
        "version_1": info(reviewed, 400, segmentationMeta=meta, label_info=[]),
        "final": info(annotated, 300, **SUBMITTED),
    }
    objects["scan_2"]["labels"] = {"final": info(laid, 50)}
    write(tmp_path, {"images_dir": ".", "labels_dir": "labels", "objects": objects})
    return tmp_path / "datastore_v2.json"


def write(folder: Path, more: dict[str, Any]) -> None:
    whole = {"name": "new-dataset", "description": "New Dataset"} | more
    (folder / "datastore_v2.json").write_text(json.dumps(whole, indent=2, default=str))


def edit(store: Path, change: dict[str, Any]) -> None:
    write(store.parent, json.loads(store.read_text()) | change)


def test_original_is_predicted_and_final_is_drawn(store: Path) -> None:
    found = find_in_datastore(store)
    offered = {
        scan.path.name: [(mask.role, mask.path.parent.name, mask.reviewer, mask.model) for mask in scan.masks]
        for scan in found.scans
    }
    assert offered == {
        "scan_0.nii.gz": [("prediction", "original", "", "MONAI Label"), ("correction", "final", "user-xyz", "")],
        "scan_1.nii.gz": [("correction", "final", "user-xyz", ""), ("correction", "version_1", "Prof R", "")],
        "scan_2.nii.gz": [("truth", "final", "", "")],
        "scan_3.nii.gz": [],
    }
    assert found.left_out == ()


def test_each_mask_says_why(store: Path) -> None:
    reasons = [mask.reason for scan in find_in_datastore(store).scans for mask in scan.masks]
    assert reasons == [
        "MONAI Label's original: predicted, nobody's word",
        "MONAI Label's final, submitted by user-xyz",
        "MONAI Label's final, submitted by user-xyz",
        "MONAI Label's version_1, submitted by Prof R",
        "labels/final, as it lay there",
    ]


def test_images_in_a_folder_of_their_own_are_found(store: Path) -> None:
    folder = store.parent / "imagesTr"
    folder.mkdir()
    for image in store.parent.glob("scan_*.nii.gz"):
        image.rename(folder / image.name)
    edit(store, {"images_dir": "imagesTr"})
    assert {scan.path.parent for scan in find_in_datastore(store).scans} == {folder}


def test_a_file_that_changed_since_is_left_out(store: Path) -> None:
    put_mask(store.parent / "labels" / "final" / "scan_2.nii.gz", 7)
    (store.parent / "labels" / "original" / "scan_0.nii.gz").unlink()
    (store.parent / "scan_3.nii.gz").unlink()
    found = find_in_datastore(store)
    assert [len(scan.masks) for scan in found.scans] == [1, 2, 0]
    assert {(one.path.parent.name, one.path.name): one.reason for one in found.left_out} == {
        ("original", "scan_0.nii.gz"): "in the datastore, but not on the disk",
        ("final", "scan_2.nii.gz"): "no longer the file that MONAI Label took note of (its checksum differs)",
        (store.parent.name, "scan_3.nii.gz"): "in the datastore, but not on the disk",
    }


def test_a_label_of_another_kind_is_left_out(store: Path) -> None:
    objects = json.loads(store.read_text())["objects"]
    objects["scan_3"]["labels"]["scribbles"] = info(
        put_mask(store.parent / "labels" / "scribbles" / "scan_3.nii.gz"), 1
    )
    edit(store, {"objects": objects})
    (one,) = find_in_datastore(store).left_out
    assert one.reason == "its tag 'scribbles' says neither final nor original"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", "..\\outside", "x\0y", "..", ""])
def test_no_name_leads_out_of_the_datastore(store: Path, name: str) -> None:
    put_scan(store.parent.parent / "outside.nii.gz")
    objects = json.loads(store.read_text())["objects"]
    edit(store, {"objects": {name: objects["scan_0"]}})
    found = find_in_datastore(store)
    assert found.scans == ()
    assert len(found.left_out) == 1
    edit(store, {"objects": {"scan_3": objects["scan_3"] | {"labels": {name: objects["scan_0"]["labels"]["final"]}}}})
    assert [scan.masks for scan in find_in_datastore(store).scans] == [()]


def test_no_folder_lies_outside_of_the_datastore(store: Path) -> None:
    edit(store, {"labels_dir": "../labels"})
    with pytest.raises(LesionsegError, match="names folders that lie outside"):
        find_in_datastore(store)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": "x"}', '{"objects": []}', "\x00", "[" * 100_000])
def test_what_is_no_datastore_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "datastore_v2.json").write_text(content)
    with pytest.raises(LesionsegError, match="is not a datastore of MONAI Label"):
        find_in_datastore(tmp_path / "datastore_v2.json")


@pytest.mark.parametrize("odd", [None, 1, [], "x", {"image": None}, {"image": {"ext": 7}, "labels": [1]}])
def test_an_odd_object_is_left_out_and_the_others_are_not(store: Path, odd: object) -> None:
    edit(store, {"objects": json.loads(store.read_text())["objects"] | {"odd": odd}})
    assert len(find_in_datastore(store).scans) == 4
