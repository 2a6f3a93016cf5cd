"""The tour: from the panel to the places, and a waived one to the study's comments."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from napari_lesionseg.review.evidence import LastModel, Place
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.presenters.study_asker import StudyAsker
from napari_lesionseg.widgets.tour_panel import TourPanel

if TYPE_CHECKING:
    from napari_lesionseg.study import Study

_LOG = logging.getLogger(__name__)


class TourPresenter:
    """Answers the tour panel."""

    def __init__(self, panel: TourPanel, context: Context) -> None:
        self.panel, self.context, self.tour = panel, context, context.tour
        self._asker = StudyAsker(panel, context)
        panel.step_requested.connect(self._on_step)
        panel.place_requested.connect(lambda number: self._go(self.tour.places[number]))
        panel.seen_requested.connect(lambda number: self.tour.finish(self.tour.places[number], "seen"))
        panel.waive_requested.connect(self._on_waive)
        listen(self.tour.changed, self._show, panel)
        listen(self.tour.failed, context.report, panel)
        hear(context.opening.opened, self._on_opened, panel)
        self._show()

    def _on_step(self, by: int) -> None:
        self.tour.when_ready(lambda: self._step(by))

    def _step(self, by: int) -> None:
        self.tour.step(by)
        self._say()

    def _go(self, place: Place) -> None:
        self.tour.go(place)
        self._say()

    def _say(self) -> None:
        place, places = self.tour.current, self.tour.places
        if place in places:
            self.context.say(f"{places.index(place) + 1} of {len(places)}, slice {place.slice}: {place.reason}")
        else:
            self.context.say("Nothing suspicious was found.")

    def _on_waive(self, number: int) -> None:
        place, now = self.tour.places[number], self.context.opening.now
        self.tour.finish(place, "waived")
        if now is None:
            return
        case, reviewer, text = now.id, self.context.settings.reviewer, f"Waived: {place.reason}"

        def comment(of: Study) -> object:
            from napari_lesionseg.study.workflow import Workflow

            return Workflow(of).comment(case, text, reviewer, place.voxel)

        self._asker.ask(comment, lambda _: None)

    def _on_opened(self, case_id: str) -> None:
        """Ask the study what another model predicted of the case before."""
        scan, now = self.context.session.scan, self.context.opening.now

        def read(of: Study) -> LastModel | None:
            from napari_lesionseg.study.earlier import earlier_prediction

            return earlier_prediction(of, case_id)

        def take(last: LastModel | None) -> None:
            if last is not None and self.context.session.scan is scan:
                self.tour.set_last(last)

        if now is not None and now.decides:  # Who reads blind is shown no model's opinion.
            self._asker.ask(read, take, _on_not_read)

    def _show(self) -> None:
        tour = self.tour
        has_scan = self.context.session.scan is not None
        self.panel.show_places(tour.places, tour.done, tour.current, ready=tour.ready, has_scan=has_scan)


def _on_not_read(error: Exception) -> None:
    _LOG.warning("no earlier prediction was read: %s", type(error).__name__)  # The tour goes on without it.
