"""Asking the model about a place: from the prediction that is there, or by running it on the slices around."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.models.card import ModelCard, load_card
from napari_lesionseg.review.editing import READ_ONLY
from napari_lesionseg.review.tools.ask import Place, Point, answer, place
from napari_lesionseg.review.tools.given import given_by
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.ask_tool import AskTool
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.segment_panel import SegmentPanel
from napari_lesionseg.widgets.segment_worker import Segmented

BUSY = "The model is still at work; wait for it or cancel it, then ask again."
CHANGED = "The model's answer was dropped, since the mask was changed meanwhile; ask again."


@dataclass(frozen=True)
class Question:
    """What was asked, of which model, and how long the history of ``scan`` was then."""

    where: Place
    threshold: float
    card: ModelCard
    scan: Volume
    length: int


class AskPresenter:
    """Answers the tool that asks the model."""

    def __init__(self, panel: SegmentPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.worker = context.segmenter
        self._asked: Question | None = None
        self._tool = AskTool(context, self._on_ask, lambda: panel.ask.ask.setChecked(False))
        panel.ask.ask_toggled.connect(self._tool.set_on)
        hear(self.worker.asked, self._on_answer, panel)
        hear(self.worker.failed, self._forget, panel)
        hear(self.worker.cancelled, self._forget, panel)
        listen(self.session.scan_changed, self._show_possible, panel)
        listen(self.session.editable_changed, self._show_possible, panel)
        self._show_possible()

    def _show_possible(self, *_: object) -> None:
        self.panel.ask.show_possible(self.session.scan is not None and self.session.editable)

    def _on_ask(self, drag: tuple[Point, Point]) -> None:
        try:
            self._ask(drag)
        except LesionsegError as error:
            self.context.report(error)

    def _ask(self, drag: tuple[Point, Point]) -> None:
        given, reach = given_by(self.session), self.panel.ask.reach.value()
        if not self.session.editable:
            raise LesionsegError(READ_ONLY)
        where = place(given.mask.shape, given.z, drag, reach)
        folder = Path(self.panel.model.currentData() or "")
        card = load_card(folder)
        self.session.settle(where.slices)
        asked = Question(where, self.panel.ask.threshold.value(), card, given.scan, self.session.history.length)
        if given.probability is not None and self._is_of(card):
            self._merge(asked, given.probability[where.box[0]])
            return
        if self.worker.running:
            raise LesionsegError(BUSY)
        self._asked = asked
        self.worker.start(given.scan, folder, self.panel.device.currentData(), where.slices)

    def _is_of(self, card: ModelCard) -> bool:
        """Whether the prediction of the whole scan is this model's."""
        key = self.session.prediction_key
        if key is None:
            return self.session.model_name == card.name
        try:
            key.check_model(card)
        except LesionsegError:
            return False
        return True

    def _on_answer(self, result: Segmented) -> None:
        asked = self._asked
        self._forget()
        self.panel.show_idle(f"{result.model} on {result.device}: {result.seconds:.1f} s")
        if asked is None or asked.scan is not self.session.scan:
            return
        try:
            result.key.check_model(asked.card)
            self.session.settle(asked.where.slices)
            if self.session.history.length != asked.length:
                raise LesionsegError(CHANGED)
            self._merge(asked, result.probability)
        except LesionsegError as error:
            self.context.report(error)

    def _merge(self, asked: Question, probability: npt.NDArray[np.uint8]) -> None:
        edited = answer(given_by(self.session).mask, asked.where, probability, asked.threshold)
        self.session.write_slices(edited, asked.where.tool)
        step = self.session.history.undoable
        self.context.say(f"Added: {step.name}." if step is not None else "")

    def _forget(self, *_: object) -> None:
        self._asked = None
