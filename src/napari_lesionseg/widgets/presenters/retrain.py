"""Retraining: keeps the correction in the study, starts the trainer, follows its events, offers the new model."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lesionseg_training.events import Epoch, Finished, Started, Step, Warning_

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.zoo import install_model, list_models
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.keep_correction import new_run_folder
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.presenters.segment import choices
from napari_lesionseg.widgets.retrain_panel import RetrainPanel

PAUSE_S = 0.3  # Between two numbers on the screen.


class RetrainPresenter:
    """Answers the retrain panel."""

    def __init__(self, panel: RetrainPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.trainer = context.trainer
        self.keeper = context.keeper
        self._arguments: list[str] = []
        self._result: Path | None = None
        self._epochs, self._shown = 1, 0.0
        panel.train_requested.connect(self._on_train)
        panel.stop_requested.connect(self._on_stop)
        panel.load_requested.connect(self._on_load)
        panel.study_chosen.connect(self._on_study)
        self.keeper.kept.connect(self._on_kept)
        self.keeper.failed.connect(self._on_failed)
        self.trainer.reported.connect(self._on_event)
        self.trainer.finished.connect(self._on_finished)
        self.trainer.stopped.connect(self._on_stopped)
        self.trainer.failed.connect(self._on_failed)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(context.models_changed, self._on_models, panel)
        panel.show_study(context.settings.study_folder)
        self._on_models()
        self._on_scan(self.session.scan)

    def _on_train(self, model: str, epochs: int, device: str) -> None:
        scan, mask = self.session.scan, self.session.mask
        if scan is None or mask is None or self.trainer.running or self.keeper.running:
            return
        study = self.context.settings.study_folder
        run = new_run_folder(study)
        threads = max(1, (os.cpu_count() or 2) - 1)  # One core stays with the window.
        settings = [f"epochs={epochs}", f"name={run.name}", f"threads={threads}"]
        options = [word for setting in settings for word in ("--set", setting)] + ["--device", device]
        self._result = None
        self._arguments = ["adapt", str(study), "-o", str(run), "--from", model, *options]
        self.panel.show_curves(epochs)
        self.panel.show_running("Keeping the correction in the study…")
        self.keeper.keep(study, scan, mask, self.session.corrected_slices, self.session.model_name)

    def _on_kept(self, _case: str) -> None:
        self.trainer.start(self._arguments)
        self.panel.show_state("Starting…")

    def _on_stop(self) -> None:
        if self.keeper.running:
            self.keeper.close()
            self._on_stopped()
        self.trainer.stop()

    def _on_event(self, event: object) -> None:
        if isinstance(event, Started):
            self._epochs = event.epochs
            self.panel.show_state(f"Training on {event.device}…")
        elif isinstance(event, Step):
            self._on_step(event)
        elif isinstance(event, Epoch):
            self._on_epoch(event)
        elif isinstance(event, Warning_):
            self.context.say(event.message)

    def _on_step(self, event: Step) -> None:
        if time.monotonic() - self._shown > PAUSE_S:
            self._shown = time.monotonic()
            left = f"about {event.eta_s:.0f} s left"
            self.panel.show_state(f"Step {event.step} of {event.steps}: loss {event.loss:.3f}, {left}")
        self.panel.curves.add("loss", self._epochs * event.step / event.steps, event.loss)

    def _on_epoch(self, event: Epoch) -> None:
        dice = event.train_dice if event.dice is None else event.dice
        self.panel.show_state(f"Epoch {event.epoch} of {event.epochs}: loss {event.loss:.3f}, Dice {dice:.3f}")
        self.panel.curves.add("training Dice", event.epoch, event.train_dice)
        self.panel.curves.add("validation Dice", event.epoch, event.dice)

    def _on_finished(self, event: Finished) -> None:
        self._result = Path(event.model_folder)
        self.panel.show_idle(f"Finished: {event.reason}.", has_model=True)

    def _on_stopped(self) -> None:
        self.panel.show_idle("Stopped.")

    def _on_failed(self, sentence: str) -> None:
        self.panel.show_idle("Not trained.")
        self.context.complain(sentence)

    def _on_load(self) -> None:
        if self._result is None:
            return
        try:
            installed = install_model(self._result)
        except LesionsegError as error:
            self.context.report(error)
            return
        self.context.models_changed.emit(installed.name)
        self.context.say(f"{installed.name} can now be chosen in Segment.")

    def _on_study(self, folder: str) -> None:
        self.context.settings.remember(study=folder)
        self.panel.show_study(Path(folder))

    def _on_scan(self, scan: Volume | None) -> None:
        self.panel.show_has_scan(scan is not None)

    def _on_models(self, chosen: str = "") -> None:
        self.panel.show_models(choices(list_models()), chosen)
