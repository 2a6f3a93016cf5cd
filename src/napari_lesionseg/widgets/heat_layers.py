"""A heat map of the prediction under the mask; of it only the slices on the screen are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from psygnal import Signal

from napari_lesionseg.review.heat import HEATS, Values, write_heat
from napari_lesionseg.widgets import layer_styles as styles

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge


class HeatLayer:
    """An image layer over the scan, as opaque as is wanted; what is below its range is clear."""

    shown = Signal(str)  # Which of ``HEATS`` is wanted, "" for none.

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self.layer: Image | None = None
        self._kind, self._opacity, self._range = "", 0.6, (0.25, 1.0)
        bridge.session.prediction_changed.connect(self._on_prediction)

    def want(self, kind: str) -> None:
        """Show one of ``HEATS`` as soon as there is a prediction, or "" for none."""
        self._kind = kind
        self._on_prediction()
        self.shown.emit(kind)

    def set_opacity(self, opacity: float) -> None:
        """Make it this opaque, 0 to 1."""
        self._opacity = opacity
        if self.layer is not None:
            self.layer.opacity = opacity

    def set_range(self, low: float, high: float) -> None:
        """Give the colours to values from ``low`` to ``high``, 0 to 1."""
        self._range = low, max(high, low + 1 / 255)
        if self.layer is not None:
            self.layer.contrast_limits = self._limits()

    def clear(self) -> None:
        """Take the layer away."""
        layer, self.layer = self.layer, None
        self._bridge.remove(layer)

    def write(self) -> None:
        """Write the slices that are on the screen, or about to be, in place."""
        values = self._values()
        if self.layer is not None and values is not None:
            shown = slice(None) if self._bridge.shows_all() else self._bridge.session.slice_index
            write_heat(HEATS[self._kind], values[shown], self.layer.data[shown])

    def _values(self) -> Values | None:
        """What the wanted heat map is of, if there is that."""
        session = self._bridge.session
        if not self._kind:
            return None
        return session.disagreement if HEATS[self._kind].source == "disagreement" else session.probability

    def _on_prediction(self, _: object = None) -> None:
        if self._bridge.session.scan is None or self._values() is None:
            with self._bridge.own_changes():
                self.clear()
            return
        if self.layer is None:
            self._add()
        self.write()
        if self.layer is not None:
            self.layer.refresh(extent=False, highlight=False, thumbnail=False)

    def _add(self) -> None:
        bridge = self._bridge
        scan = bridge.session.scan
        if scan is None:
            return
        empty = np.zeros(scan.array.shape, np.uint8)  # Its pages cost nothing until a slice is looked at.
        with bridge.own_changes():
            style = styles.heat_style(scan)
            self.layer = bridge.viewer.add_image(
                empty, **style, opacity=self._opacity, contrast_limits=self._limits(), blending="translucent"
            )
            layers = bridge.viewer.layers
            if bridge.image in layers:
                layers.move(layers.index(self.layer), layers.index(bridge.image) + 1)
            layers.selection.active = bridge.mask

    def _limits(self) -> tuple[float, float]:
        return self._range[0] * 255, self._range[1] * 255
