"""Segmenting: starts the worker, shows how far it is, gives the result to the session if its scan is still open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import ModelCard, load_card
from napari_lesionseg.models.zoo import ModelInfo, list_models
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.segment_panel import SegmentPanel
from napari_lesionseg.widgets.segment_worker import Segmented

if TYPE_CHECKING:
    from napari_lesionseg.study import Study


class SegmentPresenter:
    """Answers the segment panel."""

    def __init__(self, panel: SegmentPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.worker = context.segmenter
        self._asked: ModelCard | None = None  # As it was when its button was pressed.
        panel.segment_requested.connect(self._on_segment)
        panel.cancel_requested.connect(self.worker.cancel)
        panel.threshold_requested.connect(self._on_threshold)
        self.worker.progressed.connect(panel.show_progress)
        self.worker.started.connect(self._on_started)
        self.worker.device_chosen.connect(self._on_device)
        self.worker.finished.connect(self._on_finished)
        self.worker.failed.connect(self._on_failed)
        self.worker.cancelled.connect(self._on_cancelled)
        listen(context.models_changed, self._on_models, panel)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(self.session.threshold_changed, panel.show_threshold, panel)
        panel.show_threshold(self.session.threshold)
        self._on_models()
        self._on_scan(self.session.scan)

    def _on_segment(self, model: str, device: str) -> None:
        if self.session.scan is None or self.worker.running:
            return
        try:
            self._asked = load_card(Path(model))
        except LesionsegError as error:
            self.context.report(error)
            return
        self.worker.start(self.session.scan, Path(model), device)

    def _on_started(self) -> None:
        self.panel.show_running("Starting…")

    def _on_device(self, device: str) -> None:
        self.panel.show_running(f"Running on {device}…")

    def _on_finished(self, result: Segmented) -> None:
        if self.session.scan is not result.scan:
            self.panel.show_idle("The result was discarded: another scan was opened meanwhile.")
            return
        threshold = self.context.settings.thresholds.get(result.model, result.threshold)
        try:
            if self._asked is not None:
                result.key.check_model(self._asked)
            self.session.set_prediction(
                result.probability, result.model, threshold, result.key, disagreement=result.disagreement
            )
        except LesionsegError as error:
            self._on_failed(str(error))
            return
        self._keep(result, threshold)
        self.panel.show_idle(f"{result.model} on {result.device}: {result.seconds:.1f} s")
        self.context.say(f"Segmented by {result.model}, threshold {threshold:.2f}.")

    def _keep(self, result: Segmented, threshold: float) -> None:
        """Keep the prediction of a study's case, with what it belongs to, as a revision."""
        now = self.context.opening.now
        if now is None:
            return
        case = now.id

        def keep(study: Study) -> None:
            from napari_lesionseg.inference.postprocess import threshold_probability
            from napari_lesionseg.inference.uncertainty import mean_uncertainty

            mask = Mask(threshold_probability(result.probability, threshold), result.scan.geometry)
            unsure = mean_uncertainty(result.probability)
            study.add_revision(
                case, "prediction", mask, model=result.model, result_key=str(result.key), uncertainty=unsure
            )

        now.study.ask(keep, lambda _: self.context.opening.kept.emit(case), self.context.report)

    def _on_failed(self, sentence: str) -> None:
        self.panel.show_idle("Not segmented.")
        self.context.complain(sentence)

    def _on_cancelled(self) -> None:
        self.panel.show_idle("Cancelled; nothing was changed.")

    def _on_threshold(self, threshold: float) -> None:
        self.session.set_threshold(round(threshold, 2))
        if self.session.model_name:
            remembered = {**self.context.settings.thresholds, self.session.model_name: round(threshold, 2)}
            self.context.settings.thresholds = remembered  # Written with the next file that is opened or saved.

    def _on_scan(self, scan: Volume | None) -> None:
        self.worker.cancel()
        self.panel.show_has_scan(scan is not None)

    def _on_models(self, chosen: str = "") -> None:
        self.panel.show_models(choices(list_models()), chosen)
        self.panel.show_has_scan(self.session.scan is not None)


def choices(models: list[ModelInfo]) -> list[tuple[str, Path, str]]:
    """Name, folder and tool tip of models."""
    return [(info.name, info.folder, _tip(info)) for info in models]


def _tip(info: ModelInfo) -> str:
    lines = (info.card.description, info.card.training_data, info.card.licence, info.card.limits)
    return "\n".join([info.name, *filter(None, lines)])
