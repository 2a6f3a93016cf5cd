"""All that lies over the scan, taken off the screen for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Layer
from psygnal import Signal

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge


class OverlayLayers:
    """Hides what is drawn over scans as long as it is wanted, and shows it again as it was.

    What was hidden before stays hidden; other scans that somebody added stay in sight.
    """

    changed = Signal(bool)  # Whether they are hidden now.

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self._hidden: list[Layer] = []

    @property
    def hidden(self) -> bool:
        """Whether they are hidden now."""
        return bool(self._hidden)

    def set_hidden(self, hidden: bool) -> None:
        """Hide them, or show them again; calling it twice does no harm."""
        if hidden and not self._hidden:
            overlays = [layer for layer in self._bridge.viewer.layers if self._is_overlay(layer) and layer.visible]
            for layer in overlays:
                layer.visible = False
            self._hidden = overlays
            self.changed.emit(self.hidden)
        elif not hidden:
            shown, self._hidden = self._hidden, []
            for layer in shown:
                layer.visible = True
            if shown:
                self.changed.emit(False)

    def _is_overlay(self, layer: Layer) -> bool:
        return not isinstance(layer, Image) or (self._bridge.owns(layer) and layer is not self._bridge.image)
