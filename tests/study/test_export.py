"""A study as a data set: the labels a person vouches for, neutral names, patients kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.export import export_study
from napari_lesionseg.study.gold import find_gold
from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.pseudonyms import Pseudonyms

MakeScan = Callable[..., Path]
MakeMask = Callable[..., Mask]


@pytest.fixture
def make_labels(make_mask: MakeMask) -> Callable[[int], Mask]:
    """A mask with the first voxel of each of the four slices labelled ``label``."""

    def make(label: int) -> Mask:
        mask = make_mask(0)
        mask.array[:, 0, 0] = label
        return mask

    return make


def labels_by_slice(study: Study, case_id: str) -> tuple[list[int], tuple[int, ...] | None]:
    """The label of each slice's first voxel in the gold mask, and the reviewed slices."""
    gold = find_gold(study, study.case(case_id))
    assert gold is not None
    return gold.read().array[:, 0, 0].tolist(), gold.reviewed


def exported(folder: Path, name: str) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))


@pytest.mark.parametrize("split", ["train", "calibration", "gate"])
def test_a_correction_counts_where_it_was_drawn_and_the_truth_elsewhere(
    study: Study, make_scan: MakeScan, make_labels: Callable[[int], Mask], split: str
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii"), split=split)
    study.add_revision("c1", "truth", make_labels(1))
    assert labels_by_slice(study, "c1") == ([1, 1, 1, 1], None)
    study.add_revision("c1", "correction", make_labels(2), corrected_slices=[1, 3])
    assert labels_by_slice(study, "c1") == ([1, 2, 1, 2], None)
    study.add_revision("c1", "correction", make_labels(3), corrected_slices=[0])
    assert labels_by_slice(study, "c1") == ([3, 1, 1, 1], None)  # The latest correction alone.
    study.add_revision("c1", "correction", make_labels(4))
    assert labels_by_slice(study, "c1") == ([4, 4, 4, 4], None)


def test_in_the_test_split_the_truth_judges_alone(
    study: Study, make_scan: MakeScan, make_labels: Callable[[int], Mask]
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii"), split="test")
    study.add_revision("c1", "correction", make_labels(2), corrected_slices=[1])
    assert labels_by_slice(study, "c1") == ([2, 2, 2, 2], (1,))
    study.add_revision("c1", "truth", make_labels(1))
    assert labels_by_slice(study, "c1") == ([1, 1, 1, 1], None)


def test_slices_that_nobody_looked_at_are_not_reviewed(
    study: Study, make_scan: MakeScan, make_labels: Callable[[int], Mask]
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii"), split="train")
    study.add_revision("c1", "correction", make_labels(2), corrected_slices=[0, 2])
    assert labels_by_slice(study, "c1") == ([2, 2, 2, 2], (0, 2))
    study.add_revision("c1", "truth", make_labels(1), corrected_slices=[1, 2])
    assert labels_by_slice(study, "c1") == ([2, 1, 2, 1], (0, 1, 2))


@pytest.mark.parametrize("role", ["prediction", "pseudo"])
def test_what_a_model_drew_is_nobodys_word(
    study: Study, make_scan: MakeScan, make_labels: Callable[[int], Mask], role: str
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii"), split="train")
    study.add_revision("c1", role, make_labels(1))
    study.add_revision("c1", "correction", make_labels(1), corrected_slices=[])
    assert find_gold(study, study.case("c1")) is None


@pytest.fixture
def full_study(study: Study, make_scan: MakeScan, make_labels: Callable[[int], Mask]) -> Study:
    """Two patients to learn from (one with two cases), one to test on, two cases without a mask."""
    splits = {"Miller": "train", "Smith": "gate", "Jones": "test"}
    for number, (case, patient) in enumerate(
        [("m1", "Miller"), ("new", "Smith"), ("m2", "Miller"), ("s1", "Smith"), ("j1", "Jones"), ("j2", "Jones")]
    ):
        study.add_case(case, patient, make_scan(f"{case}.nii.gz", number), split=splits[patient])
        if case not in ("new", "j2"):
            study.add_revision(case, "truth" if case != "m2" else "correction", make_labels(1), corrected_slices=[0, 1])
    return study


@pytest.mark.parametrize(("format", "channel"), [("nnunet", "_0000"), ("msd", "")])
def test_cases_go_where_their_patient_belongs_under_neutral_names(
    full_study: Study, tmp_path: Path, format: str, channel: str
) -> None:
    done = export_study(full_study, tmp_path / "out", format)
    assert (done.train, done.test, done.left_out) == (3, 2, ("new",))
    assert done.folder.parent == tmp_path / "out"
    assert sorted(path.name for path in (done.folder / "imagesTr").iterdir()) == [
        f"case-000{n}{channel}.nii.gz" for n in (1, 3, 4)
    ]
    assert sorted(path.name for path in (done.folder / "imagesTs").iterdir()) == [
        f"case-000{n}{channel}.nii.gz" for n in (5, 6)
    ]
    named = b"".join(path.read_bytes() for path in done.folder.glob("*.*"))
    assert not any(name in named for name in (b"Miller", b"Smith", b"m1", b"m2", bytes(full_study.folder)))


def test_unreviewed_slices_are_to_be_ignored_and_folds_part_no_patient(full_study: Study, tmp_path: Path) -> None:
    folder = export_study(full_study, tmp_path / "Dataset007_Chest", "nnunet").folder
    assert folder == tmp_path / "Dataset007_Chest"
    labels = exported(folder, "labelsTr/case-0003.nii.gz")
    assert labels[:, 0, 0].tolist() == [1, 1, 2, 2]
    assert labels[:, 1, 1].tolist() == [0, 0, 2, 2]
    assert json.loads((folder / "dataset.json").read_text())["labels"]["ignore"] == 2
    folds = json.loads((folder / "splits_final.json").read_text())
    assert [fold["val"] for fold in folds[:2]] == [["case-0001", "case-0003"], ["case-0004"]]


def test_a_map_of_pseudonyms_names_the_cases_and_is_kept_outside(full_study: Study, tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("source_id,pseudonym\nm1,alpha\n")
    done = export_study(
        full_study, tmp_path / "out", "msd", pseudonyms=Pseudonyms.open(table, outside=tmp_path / "out")
    )
    images = {path.name for path in (done.folder / "imagesTr").iterdir()}
    assert "alpha.nii.gz" in images
    assert len(images) == 3
    again = Pseudonyms.open(table)
    assert {f"{again.name(case)}.nii.gz" for case in ("m1", "m2", "s1")} == images
    assert not any("m2" in path.read_text() for path in done.folder.glob("*.json"))


def test_cancelled_nothing_is_left(full_study: Study, tmp_path: Path) -> None:
    def cancel(done: int, _total: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        export_study(full_study, tmp_path / "out", "nnunet", progress=cancel)
    assert not (tmp_path / "out").exists()


def test_a_scan_or_mask_that_is_not_what_was_kept_is_refused(full_study: Study, tmp_path: Path) -> None:
    revision = full_study.latest("s1", "truth")
    assert revision is not None
    kept = revision.path.read_bytes()
    revision.path.write_bytes(full_study.latest("m2", "correction").path.read_bytes() + b"\0")
    with pytest.raises(LesionsegError, match="no longer the mask that was kept for case s1"):
        export_study(full_study, tmp_path / "out", "nnunet")
    revision.path.write_bytes(kept)
    full_study.case("m2").scan.unlink()
    with pytest.raises(LesionsegError, match="scan of case m2 is missing"):
        export_study(full_study, tmp_path / "out", "nnunet")
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_and_a_study_without_masks_are_one_sentence(
    study: Study, make_scan: MakeScan, tmp_path: Path
) -> None:
    study.add_case("c1", "p1", make_scan("one.nii"), split="train")
    with pytest.raises(LesionsegError, match="no data set format 'coco'; choose one of nnunet, msd"):
        export_study(study, tmp_path / "out", "coco")
    with pytest.raises(LesionsegError, match="no training case with a mask"):
        export_study(study, tmp_path / "out", "nnunet")
    assert not (tmp_path / "out").exists()
