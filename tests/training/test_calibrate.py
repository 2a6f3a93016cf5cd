"""Threshold and guard, fitted on the calibration patients of a study and written on the model's card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lesionseg_training.calibrate import calibrate, fit_model

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import LoadedModel, ModelCard, load_card, load_model, save_model
from napari_lesionseg.models.config import Guard, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from tests.training.bright import SHAPE, Bright

GRID = Geometry.from_spacing((10, 64, 64), (3.0, 1.0, 1.0))
CARD = ModelCard(name="hand-made", architecture=SHAPE, preprocessing=Preprocessing(size=64), guard=Guard(top=0.99))


@pytest.fixture
def specks(study: Study, tmp_path: Path) -> Study:
    """Three calibration patients: a lesion of 80 mm² on three slices, a bright speck of 4 mm² on four empty ones."""
    for number, name in enumerate(("a", "b", "c")):
        voxels = np.full(GRID.display_shape, -850 - number, np.int16)
        truth = np.zeros(GRID.display_shape, np.uint8)
        truth[3:6, 10:18, 20:30] = 1
        voxels[truth > 0] = 0
        voxels[6:10, 40:42, 40:42] = 0
        nifti.write_scan(tmp_path / f"{name}.nii.gz", Volume(voxels, GRID))
        study.add_case(name, name, tmp_path / f"{name}.nii.gz", split="calibration")
        study.add_revision(name, "truth", Mask(truth, GRID))
    return study


def test_specks_on_empty_slices_are_held_back_by_what_is_fitted(specks: Study) -> None:
    fitted = fit_model(LoadedModel(Bright().eval(), CARD), specks, device="cpu")
    assert fitted.patients == 3
    assert fitted.plain_score < 0.8  # Four of seven empty slices are marked.
    assert fitted.score > 0.95
    assert fitted.guard is not None
    model = LoadedModel(Bright().eval(), CARD.model_copy(update={"threshold": fitted.threshold, "guard": fitted.guard}))
    prediction = predict(Volume(*_scan(specks)), model, device="cpu")
    marked = prediction.mask().array.any(axis=(1, 2))
    assert marked.tolist() == [z in (3, 4, 5) for z in range(10)]
    shown = prediction.mask(fitted.threshold - 0.01).array.any(axis=(1, 2))
    assert shown[6:].all()


def _scan(study: Study) -> tuple[np.ndarray, Geometry]:
    from napari_lesionseg.volumes.read import read_scan

    scan = read_scan(study.cases()[0].scan)
    return scan.array, scan.geometry


def test_the_card_is_written_anew_with_what_it_was_worth(specks: Study, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DualEncoderUNet(SHAPE)
    save_model(tmp_path / "model", network, CARD)
    card = calibrate(tmp_path / "model", specks, device="cpu")
    assert load_card(tmp_path / "model") == card
    assert set(card.training["calibrated"]) == {"patients", "score", "plain_score"}
    again = load_model(tmp_path / "model").network.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in network.state_dict().items())


def test_two_calibration_patients_are_the_fewest(study: Study, add_case) -> None:
    study.add_revision("one", "truth", add_case("one", split="calibration"))
    with pytest.raises(LesionsegError, match="fewer than two calibration patients"):
        fit_model(LoadedModel(Bright().eval(), CARD), study, device="cpu")


def test_a_run_that_asks_for_a_guard_has_one_fitted(specks: Study, add_case, tiny, train, quick_curves) -> None:
    specks.add_revision("t", "truth", add_case("t"))
    card = load_card(train(specks, tiny(guard=True)).folder / "model")
    assert card.training["calibrated"]["patients"] == 3
    assert "calibrated" not in load_card(train(specks, tiny(), "plain").folder / "model").training
