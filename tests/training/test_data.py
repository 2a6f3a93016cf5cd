from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from lesionseg_training.batches import draw_batches
from lesionseg_training.config import load_config
from lesionseg_training.data import TrainingCase, cut, draw_views, load_cases, load_data, to_tensors
from lesionseg_training.prefetch import prefetched
from lesionseg_training.sampling import NO_POOLS, Item

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


class _Network(NamedTuple):
    """What the trainer asks of an architecture's configuration."""

    stack: int
    marked: int


@pytest.mark.parametrize(
    ("stack", "marked", "row", "shown", "judged"),
    [
        (1, 1, 4, [4], [4]),
        (5, 1, 1, [0, 0, 1, 2, 3], [1]),
        (4, 4, 4, [2, 3, 4, 5], [2, 3, 4, 5]),
        (4, 4, 9, [7, 8, 9, 9], [7, 8, 9, 9]),
        (6, 6, 0, [0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 1, 2]),
        (7, 3, 5, [2, 3, 4, 5, 6, 7, 8], [4, 5, 6]),
    ],
)
def test_networks_are_given_the_stack_they_take_and_a_target_for_each_slice_they_mark(
    tiny, stack: int, marked: int, row: int, shown: list[int], judged: list[int]
) -> None:
    levels = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((10, 8, 8), np.uint8)
    case = TrainingCase("c", "p", levels, levels + 100, NO_POOLS)
    config = tiny(patch=None, augment=False).model_copy(update={"network": _Network(stack, marked)})
    grey, target = to_tensors([case], [Item(0, row)] * 2, config, np.random.default_rng(0))
    assert (grey.shape, target.shape) == ((2, stack, 8, 8), (2, marked, 8, 8))
    assert (grey[1, :, 0, 0] * 255).round().tolist() == shown
    assert (target[1, :, 0, 0] * 255).round().tolist() == [100 + z for z in judged]


@pytest.mark.parametrize("look", [{}, {"patch": None}, {"augment": False}, {"patch": None, "augment": False}])
def test_whatever_share_of_a_batch_a_process_cuts_it_is_the_batch_of_one_process(
    tiny, phantoms: Study, look: dict[str, object]
) -> None:
    config = tiny(**look)
    cases = load_cases(phantoms, "train", config)
    batches = draw_batches(cases, tiny(batch_size=6), np.random.default_rng(3), 0)
    alone, first, second = (np.random.default_rng(5) for _ in range(3))
    for batch in batches:
        grey, target = to_tensors(cases, batch, config, alone)
        parts = []
        for rng, share in ((first, slice(0, 2)), (second, slice(2, 6))):
            views = draw_views(cases, batch, config, rng)
            parts.append(cut(cases, batch[share], views[share], config))
        assert torch.equal(torch.cat([part[0] for part in parts]), grey)
        assert torch.equal(torch.cat([part[1] for part in parts]), target)


def test_cutting_in_another_thread_gives_the_same_batch_to_the_bit(tiny, phantoms: Study) -> None:
    config = tiny()
    cases = load_cases(phantoms, "train", config)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rng = np.random.default_rng(7)
        for batch in draw_batches(cases, tiny(steps_per_epoch=12), rng, 0):
            yield to_tensors(cases, batch, config, rng)

    apart, here = list(prefetched(batches(), 3)), list(batches())
    assert len(apart) == 12
    assert all(torch.equal(a, b) for one, two in zip(apart, here, strict=True) for a, b in zip(one, two, strict=True))


def test_patients_left_out_are_looked_at_and_not_learned_from(tiny, study: Study, add_case) -> None:
    for name, patient, split in (
        ("a", "p1", "train"),
        ("b", "p2", "train"),
        ("c", "p2", "train"),
        ("d", "p3", "train"),
    ):
        study.add_revision(name, "truth", add_case(name, patient=patient, split=split))
    study.add_revision("v", "truth", add_case("v", split="calibration"))
    for split in ("calibration", "train"):
        data = load_data(study, tiny(leave_out=["p2"], validation_split=split), pytest.fail)
        assert [case.id for case in data.cases] == ["a", "d"]
        assert [case.id for case in data.held_out] == ["b", "c"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["t2", "v1"], "leave_out names v1, who is not in the split train of .*; name patients of train."),
        (["nobody"], "leave_out names nobody, who is not in the split train of .*; name patients of train."),
        (["t2", "t1"], "leave_out leaves out every labelled training patient of .*; keep one or more to learn from."),
    ],
)
def test_leaving_out_strangers_or_everybody_is_refused(
    tiny, labelled: Study, add_case, names: list[str], sentence: str
) -> None:
    labelled.add_revision("t2", "truth", add_case("t2"))
    with pytest.raises(LesionsegError, match=sentence):
        load_data(labelled, tiny(leave_out=names), lambda _: None)


def test_a_left_out_patient_without_truth_is_told(tiny, labelled: Study, add_case) -> None:
    add_case("t2")
    told: list[str] = []
    data = load_data(labelled, tiny(leave_out=["t2"]), told.append)
    assert (len(data.cases), data.held_out) == (1, [])
    assert told == ["No labelled left-out patient in the study: Dice is on training data alone."]


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
