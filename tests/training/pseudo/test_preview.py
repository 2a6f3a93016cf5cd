"""What a round would keep of a study, counted on hand-made scans."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from lesionseg_training.cli import app
from lesionseg_training.pseudo.believe import Rules
from lesionseg_training.pseudo.preview import Preview, Wish, preview
from typer.testing import CliRunner

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import LoadedModel, ModelCard, save_model
from napari_lesionseg.models.config import Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study
from napari_lesionseg.volumes.read import read_mask
from tests.training.bright import SHAPE, Bright

CARD = ModelCard(name="teacher", architecture=SHAPE, preprocessing=Preprocessing(size=64))
WISH = Wish(patients=1.0, rules=Rules(smallest_ml=0.05))


@pytest.fixture
def half_labelled(study: Study, add_case) -> Study:
    """One patient to learn from, one to calibrate with, two without labels: one with lesion, one without."""
    study.add_revision("known", "truth", add_case("known"))
    study.add_revision("judge", "truth", add_case("judge", split="calibration"))
    add_case("ill")
    add_case("well", lesion=())
    return study


def look(study: Study, wish: Wish = WISH, output: Path | None = None) -> Preview:
    return preview(LoadedModel(Bright().eval(), CARD), study, wish, device="cpu", output=output)


def test_what_would_be_kept_is_counted_slice_by_slice(half_labelled: Study) -> None:
    found = look(half_labelled)
    ill, well = found.scans
    assert (ill.case, ill.positive, ill.negative, ill.lesions) == ("ill", 3, 7, 1)
    assert ill.stability == pytest.approx(1.0, abs=0.02)
    assert (well.case, well.positive, well.negative, well.stability) == ("well", 0, 10, None)
    assert (ill.kept, well.kept) == (True, False)  # Where nobody marks anything there is nothing to agree on.
    assert found.precision > 0.9
    assert found.slices == (9, 20)  # Three with lesion, and twice as many empty ones.
    assert found.reasons == ()
    assert "9 of 20 slices and 1 of 2 patients would be kept; prevalence 0.30 against 0.30 labelled" in found.sentence


def test_the_pseudo_labels_are_written_with_what_is_ignored(half_labelled: Study, tmp_path: Path) -> None:
    look(half_labelled, output=tmp_path / "labels")
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["ill.nii.gz", "well.nii.gz"]
    labels = read_mask(tmp_path / "labels" / "ill.nii.gz").array
    assert (labels[3:6, 11:17, 21:29] == 1).all()
    assert not labels[:3].any()
    look(half_labelled, Wish(rules=Rules(smallest_ml=5.0)), tmp_path / "doubtful")
    doubtful = read_mask(tmp_path / "doubtful" / "ill.nii.gz").array
    assert [set(np.unique(one)) for one in doubtful] == [{255} if z in (3, 4, 5) else {0} for z in range(10)]


def test_a_lesion_that_is_too_small_is_left_to_a_person(half_labelled: Study) -> None:
    ill = look(half_labelled, Wish(patients=1.0, rules=Rules(smallest_ml=5.0))).scans[0]
    assert (ill.positive, ill.doubtful, ill.dropped) == (0, 3, 1)


def test_without_unlabelled_scans_there_is_nothing_to_see(labelled: Study) -> None:
    with pytest.raises(LesionsegError, match="no unlabelled scan in train"):
        look(labelled)


def test_without_a_calibration_truth_nothing_is_believed(study: Study, add_case) -> None:
    add_case("one")
    with pytest.raises(LesionsegError, match="no calibration patient with truth"):
        look(study)


def test_the_command_shows_a_line_a_scan_and_the_sentence(
    half_labelled: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path / "m", DualEncoderUNet(SHAPE), CARD)
    monkeypatch.setattr("napari_lesionseg.models.card.load_model", lambda folder: LoadedModel(Bright().eval(), CARD))
    words = ["pseudo", str(tmp_path / "m"), str(half_labelled.folder), "--device", "cpu", "--patients", "1"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "(well)" in told.stdout
    figures = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert figures["sentence"] in told.stdout
    assert figures["scans"][0]["case"] == "ill"
    refused = CliRunner().invoke(app, [*words, "--precision", "1.5"])
    assert "--precision 1.5 is not a share" in str(refused.exception)


def test_the_real_network_is_predicted_with_as_it_is_and_mirrored(half_labelled: Study) -> None:
    from lesionseg_training.pseudo.members import predict_members

    from napari_lesionseg.volumes.read import read_scan

    torch.manual_seed(0)
    scan = read_scan(half_labelled.cases()[0].scan)
    one = DualEncoderUNet(SHAPE).eval()
    members, _ = predict_members(scan, LoadedModel(one, CARD), "cpu")
    assert [member.shape for member in members] == [scan.array.shape] * 2
    assert not np.array_equal(*members)
    alike, _ = predict_members(scan, LoadedModel(Bright().eval(), CARD), "cpu")
    assert np.abs(alike[0].astype(int) - alike[1]).max() <= 2  # Brightness has no sides.
