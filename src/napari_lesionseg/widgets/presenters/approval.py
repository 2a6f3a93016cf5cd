"""What has to be seen before a case is approved: its suspicious places, unless the reviewer waives them."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesionseg.widgets.cases_panel import CasesPanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.look_strip import LOOKED_SECONDS
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.reason_dialog import Reason
from napari_lesionseg.widgets.waiver import unseen_sentence, waiver


class Approval:
    """Holds an approval up while there are suspicious places that were neither on the screen nor waived.

    Parameters
    ----------
    approve
        Approves the open case, with a comment if there is one.
    """

    def __init__(self, panel: CasesPanel, context: Context, approve: Callable[[Reason | None], None]) -> None:
        self.panel, self.context, self.tour, self._approve = panel, context, context.tour, approve
        self._gone = False
        panel.destroyed.connect(self._on_gone)
        panel.accept_requested.connect(self._on_accept)
        panel.anyway_requested.connect(self._on_anyway)
        listen(self.tour.changed, self._on_tour, panel)
        hear(context.opening.closed, lambda _case: panel.show_unseen(""), panel)

    def _on_gone(self) -> None:
        self._gone = True

    def _on_accept(self) -> None:
        self.panel.show_unseen("")
        self.tour.when_ready(self._approve_what_was_seen)

    def _approve_what_was_seen(self) -> None:
        scan = self.context.session.scan
        if self._gone or scan is None:
            return
        places = self.tour.unseen()
        if not places:
            self._approve(None)
            return
        looked = sum(1 for spent in self.context.recorder.looks.seconds.values() if spent >= LOOKED_SECONDS)
        self.panel.show_unseen(unseen_sentence(len(places), len(scan.array) - looked, len(scan.array)))

    def _on_anyway(self) -> None:
        """Approve, and write down which suspicious places were waived by that."""
        places = self.tour.unseen()
        for place in places:
            self.tour.finish(place, "waived")
        self.panel.show_unseen("")
        self._approve(Reason("", waiver(places), places[0].voxel) if places else None)

    def _on_tour(self) -> None:
        if self.tour.ready and not self.tour.unseen():
            self.panel.show_unseen("")  # Nothing holds the approval up any more.
