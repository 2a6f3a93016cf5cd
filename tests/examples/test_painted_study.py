"""``examples/``: the studies that the bundled models are trained on are made as said."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.read import read_mask, read_scan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = (10, 48, 48)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def write_coronacases(folder: Path) -> None:
    """Ten grey scans of 4 × 16 × 16 voxels with a lesion each."""
    geometry = Geometry.from_spacing((4, 16, 16), (1.0, 1.0, 1.0))
    truth = np.zeros((4, 16, 16), np.uint8)
    truth[1:3, 4:8, 4:8] = 1
    for number in range(1, 11):
        case = folder / f"coronacases_{number:03}"
        case.mkdir(parents=True)
        grey = np.random.default_rng(number).integers(0, 256, truth.shape).astype(np.uint8)
        nifti.write_scan(case / "ct.nii.gz", Volume(grey, geometry, "grey"))
        nifti.write_mask(case / "infection.nii.gz", Mask(truth, geometry))


def truths(study: Study) -> dict[str, float]:
    """Lesion volume in ml of each case."""
    found = {}
    for case in study.cases():
        revision = study.latest(case.id, "truth")
        assert revision is not None
        found[case.id] = read_mask(revision.path).volume_ml
    return found


def test_the_coronacases_study_has_eight_patients_to_train_on_and_two_to_validate(tmp_path: Path) -> None:
    write_coronacases(tmp_path / "data")
    example("coronacases_study").main(tmp_path / "data", tmp_path / "study")
    split = Study.open(tmp_path / "study").split()
    assert len(split["train"]) == 8
    assert split["calibration"] == ["coronacases_009", "coronacases_010"]


def test_the_painted_study_keeps_all_versions_of_a_patient_in_one_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_coronacases(tmp_path / "data" / "covid_ma20_8bit")
    module = example("painted_study")
    monkeypatch.setattr(module, "PHANTOMS", {"ill": 1, "healthy": 5})
    study = module.main(tmp_path / "data", tmp_path / "study", per_scan=1, seed=1, shape=SMALL)

    ml = truths(study)
    assert len(ml) == 10 + 1 + 5 * 2
    assert all((volume == 0) == case.endswith("-free") for case, volume in ml.items() if "painted" not in case)
    assert sum(volume > 0 for case, volume in ml.items() if "painted" in case) >= 4
    split = study.split()
    assert split["calibration"] == ["coronacases_009", "coronacases_010", "phantom-healthy-5"]
    assert {case.patient for case in study.cases() if "healthy-5" in case.id} == {"phantom-healthy-5"}
    assert "left out" in capsys.readouterr().out


def test_the_painted_study_is_the_same_for_one_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("painted_study")
    monkeypatch.setattr(module, "PHANTOMS", {"ill": 0, "healthy": 1})
    scans = []
    for name in ("first", "again"):
        study = module.main(tmp_path, tmp_path / name, per_scan=1, seed=3, shape=SMALL)
        scans.append(read_scan(study.folder / "scans" / "phantom-healthy-1-painted-1.nii.gz").fingerprint)
    assert scans[0] == scans[1]


@pytest.mark.realdata
def test_held_out_chests_are_sealed_and_the_truth_of_a_healthy_one_is_empty(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("lung_imlab4", "nsclc_ct"):
        (tmp_path / "data" / name).symlink_to(shared_data / name)
    module = example("painted_study")
    monkeypatch.setattr(module, "PHANTOMS", {})
    study = module.main(tmp_path / "data", tmp_path / "study", per_scan=0)
    assert study.split()["train"] == ["imlab-002", "imlab-003"]
    assert study.split()["test"] == ["imlab-001", "imlab-004", "LUNG1-002"]
    assert set(truths(study).values()) == {0.0}
