"""The heat map: from the panel to its layer."""

from __future__ import annotations

from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.heat_panel import HeatPanel
from napari_lesionseg.widgets.parts import listen


class HeatPresenter:
    """Answers the heat panel."""

    def __init__(self, panel: HeatPanel, context: Context) -> None:
        self.panel, self.session = panel, context.session
        heat = context.layers.heat
        panel.heat_requested.connect(heat.want)
        panel.opacity_requested.connect(heat.set_opacity)
        panel.range_requested.connect(heat.set_range)
        listen(heat.shown, panel.show_heat, panel)
        listen(self.session.prediction_changed, self._on_prediction, panel)
        self._on_prediction()

    def _on_prediction(self, _: object = None) -> None:
        session = self.session
        self.panel.show_has_prediction(session.probability is not None, of_ensemble=session.disagreement is not None)
