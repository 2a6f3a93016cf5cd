from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study, phantom_study
from napari_lesionseg.study.phantom_study import HIDDEN_TRUTH, write_phantom_study
from napari_lesionseg.study.split import SPLITS, Split, choose_split
from napari_lesionseg.volumes import nifti

SHAPE = (16, 64, 64)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Five labelled patients and two without a truth."""
    return write_phantom_study(tmp_path_factory.mktemp("phantoms") / "study", 5, 2, SHAPE, seed=1)


def test_labelled_patients_are_split_by_the_ledger_and_the_unlabelled_train(phantoms: Study) -> None:
    patients = [f"phantom-{number:04d}" for number in range(1, 8)]
    counts: Counter[Split] = Counter()
    for patient in patients[:5]:
        counts[choose_split(counts, phantoms.seed, patient)] += 1
    split = phantoms.split()
    assert sorted(sum(split.values(), [])) == patients
    assert (split["train"][0], split["calibration"][0]) == (patients[0], patients[1])
    assert split["train"][-2:] == patients[5:]
    assert {name: len(split[name]) for name in SPLITS} == {**counts, "train": counts["train"] + 2}


def test_a_labelled_patient_has_a_truth_on_the_grid_of_the_scan(phantoms: Study) -> None:
    for case in phantoms.cases()[:5]:
        revision = phantoms.latest(case.id, "truth")
        assert revision is not None
        truth = nifti.read_mask(revision.path, like=nifti.read_scan(case.scan).geometry)
        assert truth.array.shape == SHAPE
        phantoms.check_scan(case)


def test_the_truth_of_an_unlabelled_patient_is_hidden_from_the_store(phantoms: Study) -> None:
    hidden = sorted(path.name for path in (phantoms.folder / HIDDEN_TRUTH).iterdir())
    assert hidden == ["phantom-0006.nii.gz", "phantom-0007.nii.gz"]
    for case in phantoms.cases()[5:]:
        assert phantoms.revisions(case.id) == []
        nifti.read_mask(phantoms.folder / HIDDEN_TRUTH / f"{case.id}.nii.gz", like=case.geometry)


def test_the_same_seed_gives_the_same_scans_however_many_patients_there_are(phantoms: Study, tmp_path: Path) -> None:
    again = write_phantom_study(tmp_path / "again", 2, 0, SHAPE, seed=1)
    other = write_phantom_study(tmp_path / "other", 2, 0, SHAPE, seed=2)
    hashes = [[case.sha256 for case in study.cases()[:2]] for study in (phantoms, again, other)]
    assert hashes[0] == hashes[1]
    assert not set(hashes[0]) & set(hashes[2])


def test_the_patients_of_a_study_differ(phantoms: Study) -> None:
    assert len({case.sha256 for case in phantoms.cases()}) == 7
    first, second = (nifti.read_scan(case.scan).array.astype(float) for case in phantoms.cases()[:2])
    assert np.abs(first - second).mean() > 1


def test_progress_counts_every_patient_once(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_phantom_study(tmp_path / "s", 1, 1, SHAPE, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_an_interrupted_study_leaves_an_empty_folder_to_start_again_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom_study(tmp_path / "s", 2, 0, SHAPE, progress=interrupt)
    assert list((tmp_path / "s").iterdir()) == []


def test_a_folder_with_files_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "real.nii.gz").write_text("a patient's scan")
    with pytest.raises(LesionsegError, match="is not empty"):
        write_phantom_study(tmp_path, 1, 0, SHAPE)
    assert (tmp_path / "scans" / "real.nii.gz").read_text() == "a patient's scan"


@pytest.mark.parametrize(("patients", "unlabelled"), [(0, 0), (-1, 2), (2, -1)])
def test_a_study_without_a_patient_is_refused(tmp_path: Path, patients: int, unlabelled: int) -> None:
    with pytest.raises(LesionsegError, match="at least one patient"):
        write_phantom_study(tmp_path / "s", patients, unlabelled, SHAPE)
    assert not (tmp_path / "s").exists()


def test_neighbouring_seeds_share_no_patient() -> None:
    seeds = {phantom_study._seed_of(seed, index) for seed in range(20) for index in range(50)}
    assert len(seeds) == 1000
