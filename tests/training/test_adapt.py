from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lesionseg_training import fit as fit_module
from lesionseg_training.config import TrainConfig
from lesionseg_training.events import Epoch

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import LoadedModel, ModelCard, load_card, load_model, save_model, verify
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.study.store import Study

pytestmark = pytest.mark.usefixtures("quick_curves")


@pytest.fixture
def champion(tiny, tmp_path: Path) -> LoadedModel:
    """A small model to adapt, with widths and a size of its own."""
    torch.manual_seed(5)
    shape = tiny().network.model_copy(update={"widths": (4, 6)})
    look = tiny().preprocessing.model_copy(update={"size": 48})
    card = ModelCard(name="champion", preprocessing=look)
    save_model(tmp_path / "champion", DualEncoderUNet(shape), card)
    return load_model(tmp_path / "champion")


def _like(champion: LoadedModel, tiny: Any, **values: Any) -> TrainConfig:
    config: TrainConfig = tiny(network=champion.card.architecture, preprocessing=champion.card.preprocessing, **values)
    return config


def test_it_starts_from_the_given_weights_and_keeps_shape_and_preprocessing(
    tiny, train, labelled: Study, add_case, champion: LoadedModel
) -> None:
    labelled.add_revision("new", "correction", add_case("new"), corrected_slices=[3, 4])
    nothing = _like(champion, tiny, learning_rate=1e-30, final_learning_rate=0.0, ema=0.0)
    run = train(labelled, nothing, start=champion.folder)
    adapted = load_model(run.folder / "model")
    assert (adapted.card.architecture.widths, adapted.card.preprocessing.size) == ((4, 6), 48)
    assert adapted.card.parent == "champion"
    assert sorted(adapted.card.training["cases"]) == ["new", "t1"]
    for ours, theirs in zip(adapted.network.parameters(), champion.network.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-20)  # At a rate of 1e-30 nothing is learned.


@pytest.mark.parametrize("part", ["network", "preprocessing"])
def test_another_shape_or_preprocessing_is_refused(
    tiny, train, labelled: Study, champion: LoadedModel, part: str
) -> None:
    config = _like(champion, tiny).model_copy(update={part: getattr(tiny(), part)})
    with pytest.raises(LesionsegError, match=f"champion has another {part} than the configuration asks for; leave"):
        train(labelled, config, start=champion.folder)


def test_an_ensemble_is_no_start(tiny, train, labelled: Study, champion: LoadedModel, tmp_path: Path) -> None:
    torch.manual_seed(6)
    other = DualEncoderUNet(champion.card.architecture)
    save_model(tmp_path / "two", champion.network, champion.card, [other])
    with pytest.raises(LesionsegError, match="two is an ensemble of 2 networks; start from one of its members"):
        train(labelled, _like(champion, tiny), start=tmp_path / "two")


def test_it_is_resumed_from_its_own_model_alone(tiny, train, labelled: Study, champion: LoadedModel) -> None:
    config = _like(champion, tiny)
    whole = train(labelled, config, "whole", start=champion.folder)
    with pytest.raises(KeyboardInterrupt):
        train(labelled, config, start=champion.folder, stop_after=2)
    with pytest.raises(LesionsegError, match="was started from a model; resume it with the command it was started"):
        train(labelled, config, resume=True)
    resumed = train(labelled, config, start=champion.folder, resume=True)
    assert resumed.weights == whole.weights
    assert load_card(resumed.folder / "model").parent == "champion"


def test_one_corrected_scan_is_enough_to_learn_from(tiny, train, study: Study, add_case, champion: LoadedModel) -> None:
    study.add_revision("mine", "correction", add_case("mine"), corrected_slices=[4])
    run = train(study, _like(champion, tiny, replay=0.5, steps_per_epoch=15), start=champion.folder)
    first, last = run.of(Epoch)
    assert last.loss < 0.9 * first.loss
    verify(run.folder / "model")


def test_replay_draws_corrected_and_known_cases_into_every_batch(
    tiny, train, labelled: Study, add_case, champion: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled.add_revision("new", "correction", add_case("new"), corrected_slices=[3, 4])
    batches, rows, cut = [], set(), fit_module.cut

    def spy(cases: Any, batch: Any, *rest: Any) -> Any:
        batches.append([cases[item.case].id for item in batch])
        rows.update(item.row for item in batch if cases[item.case].id == "new")
        return cut(cases, batch, *rest)

    monkeypatch.setattr(fit_module, "cut", spy)
    train(labelled, _like(champion, tiny, replay=0.5), start=champion.folder)
    assert batches == [["new", "new", "t1", "t1"]] * 6
    assert rows == {3, 4}
