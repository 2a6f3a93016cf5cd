"""The strips under the slice slider: they show what the panels show, and are there while there is something to show."""

from __future__ import annotations

from napari_lesionseg.widgets.compare_panel import ComparePanel
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.history_panel import HistoryPanel
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.slider_strips import SliderStrips


class StripsPresenter:
    """Answers the strips; begins before the presenters of both panels, which fill them."""

    def __init__(self, strips: SliderStrips, context: Context, compare: ComparePanel, history: HistoryPanel) -> None:
        self.strips, self.session = strips, context.session
        compare.show_also_on(strips.scores)
        history.show_also_on(strips.looks)
        strips.slice_requested.connect(self.session.set_slice)
        listen(self.session.scan_changed, self.show, strips)
        listen(self.session.truth_changed, self.show, strips)
        self.show()

    def show(self, _: object = None) -> None:
        """Show what there is."""
        self.strips.show_parts(has_scan=self.session.scan is not None, has_truth=self.session.truth is not None)
