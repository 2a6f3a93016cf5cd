"""Retraining from the panel: the study, the trainer, the new model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.models.card import load_card
from napari_lesionseg.volumes import Volume

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume
    from napari_lesionseg.volumes.phantom import PhantomCase

Tiny = tuple["Volume", "Mask", np.ndarray]
HERE = Path(__file__).parent


def test_retraining_keeps_the_correction_follows_the_trainer_and_offers_the_model(
    workbench: Any, qtbot: QtBot, tiny: Tiny, tiny_model: Path, tmp_path: Path
) -> None:
    from napari_lesionseg.study.store import Study

    workbench.show_case(tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    trainer = workbench.context.trainer
    trainer.command = (str(HERE / "fake_trainer.py"), "work", str(tiny_model))
    with qtbot.waitSignal(trainer.finished, timeout=30000):
        workbench.press("retrain")
    study = Study.open(tmp_path / "home" / "study")
    (case,) = study.cases()
    assert study.latest(case.id, "correction").corrected_slices == (1,)
    assert workbench.text("retrain_state") == "Finished: completed."
    assert workbench.retrain.curves.points == {
        "loss": [(0.5, 0.9)],
        "training Dice": [(1, 0.3), (2, 0.4)],
        "validation Dice": [(2, 0.5)],
    }
    workbench.press("load_model")
    names = [workbench.segment.model.itemText(index) for index in range(workbench.segment.model.count())]
    assert "tiny" in names
    assert workbench.segment.model.currentText() == "tiny"


def test_retraining_without_a_correction_is_refused(
    workbench: Any, qtbot: QtBot, tiny: Tiny, tiny_model: Path, sentences: list[str]
) -> None:
    workbench.show_case(tiny)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    workbench.press("retrain")
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=20000)
    assert sentences[0].startswith("No slice is corrected yet")
    assert workbench.retrain.train.isEnabled()


def test_a_training_can_be_stopped(workbench: Any, qtbot: QtBot, tiny: Tiny, tiny_model: Path) -> None:
    workbench.show_case(tiny)
    workbench.context.layers.mask.paint((1, 8, 8), 1)
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    trainer = workbench.context.trainer
    trainer.command = (str(HERE / "fake_trainer.py"), "hang", str(tiny_model))
    with qtbot.waitSignal(trainer.reported, timeout=30000):
        workbench.press("retrain")
    workbench.press("retrain_stop")
    assert workbench.text("retrain_state") == "Stopped."
    assert not trainer.running


@pytest.mark.timeout(500)  # The trainer loads torch beside another lane of tests.
def test_the_real_trainer_learns_while_the_window_never_stands_still(
    workbench: Any, qtbot: QtBot, phantom_case: PhantomCase, tiny_model: Path, heartbeat: Any
) -> None:
    truth = phantom_case.truth
    workbench.session.open_scan(phantom_case.scan)
    z = int(np.argmax(truth.array.sum(axis=(1, 2))))
    workbench.session.write_slices({z: truth.array[z]}, "lasso")
    workbench.retrain.show_models([("tiny", tiny_model, "")])
    workbench.retrain.device.setCurrentText("cpu")
    workbench.retrain.epochs.setValue(1)
    trainer = workbench.context.trainer
    start, few = trainer.start, ["--set", "steps_per_epoch=4", "--set", "patch=64"]
    trainer.start = lambda arguments: start([*arguments, *few])
    heart = heartbeat()
    with qtbot.waitSignal(trainer.finished, timeout=420_000) as finished:
        workbench.press("retrain")
    longest = heart.stop()
    assert longest < 0.2, f"{longest * 1000:.0f} ms"
    card = load_card(Path(finished.args[0].model_folder))
    assert card.parent == "tiny"
    assert len(workbench.retrain.curves.points["loss"]) > 1
    workbench.press("load_model")
    assert workbench.segment.model.currentText() == card.name
