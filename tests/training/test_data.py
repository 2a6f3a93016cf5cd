from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from lesionseg_training.config import load_config
from lesionseg_training.data import load_cases, load_data, to_tensors
from lesionseg_training.sampling import Item

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study.ledger import extends, ledger_hash
from napari_lesionseg.study.seal import SEALED
from napari_lesionseg.study.split import SPLITS
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

LUNGS = {"crop": "lungs", "pixel_mm": 2.0}


def test_a_phantom_becomes_bytes_on_the_networks_grid(tiny, phantoms: Study) -> None:
    (case,) = load_cases(phantoms, "train", tiny())
    assert (case.id, case.patient, case.corrected) == ("phantom-0001", "phantom-0001", False)
    assert case.slices.shape == case.soft.shape == (16, 64, 64)
    assert case.slices.dtype == case.soft.dtype == np.uint8
    assert case.pools.all.tolist() == list(range(16))
    assert np.array_equal(case.pools.lesion, np.flatnonzero(case.soft.any(axis=(1, 2))))
    assert 0 < len(case.pools.lesion) < 16
    (other,) = load_cases(phantoms, "calibration", tiny())
    assert other.id == "phantom-0002"


def test_a_crop_to_the_lungs_makes_slices_of_the_patients_own_size(tiny, phantoms: Study) -> None:
    config = tiny(preprocessing=LUNGS)
    (one,), (two,) = (load_cases(phantoms, split, config) for split in ("train", "calibration"))
    assert one.slices.shape[1:] != two.slices.shape[1:]
    grey, target = to_tensors([one, two], [Item(0, 3), Item(1, 4)], config, np.random.default_rng(0))
    assert (grey.shape, target.shape) == ((2, 3, 32, 32), (2, 1, 32, 32))


def test_the_soft_target_keeps_the_lesions_volume(tiny, study: Study, add_case) -> None:
    mask = add_case("c1")
    study.add_revision("c1", "truth", mask)
    (case,) = load_cases(study, "train", tiny(preprocessing={"size": 32}))
    share = case.soft.astype(float).sum() / 255 / case.soft.size
    assert share == pytest.approx(mask.array.mean(), rel=0.01)
    assert ((case.soft > 0) & (case.soft < 255)).any()


def test_tensors_are_stacks_from_nought_to_one_with_the_target_of_the_middle(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    config = tiny(patch=None, augment=False, network={"widths": [4, 8], "neighbours": 2})
    cases = load_cases(study, "train", config)
    grey, target = to_tensors(cases, [Item(0, 0), Item(0, 3)], config, np.random.default_rng(0))
    assert (grey.shape, target.shape) == ((2, 5, 64, 64), (2, 1, 64, 64))
    assert grey.dtype == target.dtype == torch.float32
    expected = torch.tensor(cases[0].slices).float() / 255
    assert torch.equal(grey[0], expected[[0, 0, 0, 1, 2]])  # The first slice is repeated outward.
    assert torch.equal(grey[1], expected[[1, 2, 3, 4, 5]])
    assert torch.equal(target[1, 0], torch.tensor(cases[0].soft[3]).float() / 255)
    assert (target[0].max(), target[1].max()) == (0, 1)


def test_whole_slices_can_be_augmented(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    config = tiny(patch=None, augment=True)
    cases = load_cases(study, "train", config)
    grey, target = to_tensors(cases, [Item(0, 3), Item(0, 3)], config, np.random.default_rng(0))
    assert (grey.shape, target.shape) == ((2, 3, 64, 64), (2, 1, 64, 64))
    assert not torch.equal(grey[0], grey[1])
    assert target.amax((1, 2, 3)).tolist() == pytest.approx([1, 1], abs=0.01)


def test_a_correction_counts_before_truth_and_the_latest_before_older_ones(tiny, study: Study, add_case) -> None:
    truth = add_case("c1", lesion=(3, 4))
    study.add_revision("c1", "correction", Mask(np.zeros_like(truth.array), truth.geometry))
    study.add_revision("c1", "correction", Mask(np.roll(truth.array, 2, axis=0), truth.geometry))
    study.add_revision("c1", "truth", truth)
    study.add_revision("c1", "prediction", Mask(np.ones_like(truth.array), truth.geometry))
    (case,) = load_cases(study, "train", tiny())
    assert case.corrected
    assert case.pools.lesion.tolist() == [5, 6]


def test_of_a_correction_only_the_corrected_slices_are_learned_from(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "correction", add_case("c1", lesion=(3, 4, 5)), corrected_slices=[2, 4, 9])
    (case,) = load_cases(study, "train", tiny())
    assert case.pools.all.tolist() == [2, 4, 9]
    assert case.untouched.all.tolist() == [0, 1, 3, 5, 6, 7, 8]
    assert (case.pools.lesion.tolist(), case.pools.near.tolist(), case.pools.far.tolist()) == ([4], [2], [9])


def test_corrected_slices_are_found_again_inside_the_crop_to_the_lungs(
    tiny, study: Study, phantom_case, tmp_path: Path
) -> None:
    below = np.full((7, 64, 64), 40, phantom_case.scan.array.dtype)  # Seven slices without lung.
    grid = Geometry.from_spacing((23, 64, 64), phantom_case.scan.geometry.spacing)
    scan = Volume(np.concatenate((below, phantom_case.scan.array)), grid)
    nifti.write_scan(tmp_path / "long.nii.gz", scan)
    study.add_case("long", "long", tmp_path / "long.nii.gz", split="train")
    mask = Mask(np.zeros(grid.display_shape, np.uint8), grid)
    mask.array[[12, 15], 20:40, 20:40] = 1
    study.add_revision("long", "correction", mask, corrected_slices=[2, 12])
    (case,) = load_cases(study, "train", tiny(preprocessing=LUNGS | {"margin_mm": 0}))
    assert len(case.slices) <= 16
    first, second = np.flatnonzero(case.soft.any(axis=(1, 2)))
    assert second - first == 3
    assert case.pools.all.tolist() == [first]  # Slice 2 lies outside, slice 15 nobody vouches for.


def test_a_correction_without_a_slice_to_learn_from_is_left_out_and_told(tiny, study: Study, add_case) -> None:
    study.add_revision("bad", "correction", add_case("bad"), corrected_slices=[])
    study.add_revision("good", "truth", add_case("good"))
    told: list[str] = []
    assert [case.id for case in load_cases(study, "train", tiny(), told.append)] == ["good"]
    assert told == ["Case bad is left out: it has no corrected slice inside the lungs; correct one and save again."]


def test_cases_without_a_target_and_of_other_splits_are_left_out(tiny, study: Study, add_case) -> None:
    add_case("unlabelled")
    study.add_revision("predicted", "prediction", add_case("predicted"))
    study.add_revision("gate", "truth", add_case("gate", split="gate"))
    study.add_revision("train", "truth", add_case("train"))
    assert [case.id for case in load_cases(study, "train", tiny())] == ["train"]


def test_a_scan_that_has_changed_is_refused(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    scan = study.case("c1").scan
    scan.write_bytes(scan.read_bytes() + b"\0")
    with pytest.raises(LesionsegError, match="c1"):
        load_cases(study, "train", tiny())


def test_a_study_without_a_labelled_training_case_is_refused(tiny, study: Study, add_case) -> None:
    study.add_revision("gate", "truth", add_case("gate", split="gate"))
    with pytest.raises(LesionsegError, match=r"has no training case with truth or a correction; add one first\."):
        load_data(study, tiny(), lambda message: None)


def test_a_study_without_validation_patients_is_told_and_trained_on(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    told: list[str] = []
    data = load_data(study, tiny(), told.append)
    assert (len(data.cases), data.held_out) == (1, [])
    assert told == ["No labelled calibration patient in the study: Dice is on training data alone."]


def test_validation_on_the_training_patients_keeps_their_scans_in_memory_once(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    data = load_data(study, tiny(validation_split="train"), lambda message: None)
    assert data.held_out[0] is data.cases[0]


def test_a_run_knows_the_hash_of_the_ledger_it_learned_under(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    ledger = load_data(study, tiny(), lambda message: None).ledger
    assert ledger == hashlib.sha256(b"\nc1\ntrain").hexdigest() == ledger_hash(study)
    add_case("c2")
    assert ledger_hash(study) != ledger
    assert extends(study, ledger)


@pytest.mark.parametrize("split", ["gate", "test"])
def test_a_sealed_split_is_refused_by_the_trainer_whoever_asks(tiny, study: Study, add_case, split: str) -> None:
    study.add_revision("c1", "truth", add_case("c1", split=split))
    with pytest.raises(LesionsegError, match=f"The split {split} of .* is sealed"):
        load_cases(study, split, tiny())
    with pytest.raises(LesionsegError, match=rf"validation_split in robust is not valid: the split {split} is sealed"):
        load_config("robust", [f"validation_split={split}"])
    unchecked = tiny().model_copy(update={"validation_split": split})
    study.add_revision("c2", "truth", add_case("c2"))
    with pytest.raises(LesionsegError, match=f"The split {split} of .* is sealed"):
        load_data(study, unchecked, lambda message: None)


def test_the_splits_sealed_to_a_configuration_are_those_sealed_to_the_trainer() -> None:
    refused = []
    for split in SPLITS:
        try:
            load_config("robust", [f"validation_split={split}"])
        except LesionsegError:
            refused.append(split)
    assert set(refused) == SEALED


def test_a_removed_case_is_not_learned_from(tiny, study: Study, add_case) -> None:
    study.add_revision("c1", "truth", add_case("c1"))
    study.add_revision("c2", "truth", add_case("c2"))
    study.remove_case("c1", "not a chest")
    assert [case.id for case in load_cases(study, "train", tiny())] == ["c2"]
