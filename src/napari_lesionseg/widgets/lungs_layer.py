"""The lungs as an outline over the scan, to be looked at and mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Labels
from psygnal import Signal

from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets import layer_styles as styles

if TYPE_CHECKING:
    from napari_lesionseg.widgets.layers import LayerBridge


class LungsLayer:
    """A labels layer that shares the array of ``session.lungs``; it can be painted on while it is mended."""

    shown = Signal(bool)  # Also when it was napari's eye that was clicked.

    def __init__(self, bridge: LayerBridge) -> None:
        self._bridge = bridge
        self.layer: Labels | None = None
        self._wanted = True
        bridge.session.lungs_changed.connect(self._on_lungs)

    def want(self, wanted: bool) -> None:
        """Show the outline as soon as there are lungs, or hide it."""
        self._wanted = wanted
        if self.layer is not None and self.layer.visible != wanted:
            self.layer.visible = wanted
        self.shown.emit(wanted)

    def set_mending(self, mending: bool) -> None:
        """Take the brush to the lungs, or give it back to the mask; napari's own undo takes its strokes back."""
        layer, bridge = self.layer, self._bridge
        if layer is None:
            return
        layer.editable = mending
        if mending:
            layer.__dict__.pop("undo", None)
            layer.__dict__.pop("redo", None)
            layer.visible = True
            layer.mode = "paint"
            bridge.viewer.layers.selection.active = layer
            return
        layer.undo, layer.redo = bridge.undo, bridge.redo
        bridge.viewer.layers.selection.active = bridge.mask

    def clear(self) -> None:
        """Take the layer away."""
        layer, self.layer = self.layer, None
        self._bridge.remove(layer)

    def _on_lungs(self, lungs: Mask | None) -> None:
        if lungs is not None and self.layer is not None and self.layer.data is lungs.array:
            self.layer.refresh(extent=False)
            return
        with self._bridge.own_changes():
            self.clear()
            if lungs is None or self._bridge.session.scan is None:
                return
            self.layer = self._bridge.add_locked(lungs, styles.lungs_style(lungs))
            self.layer.contour = styles.OUTLINE
            self.layer.visible = self._wanted
            self.layer.events.visible.connect(self._on_eye)
            self._bridge.viewer.layers.selection.active = self._bridge.mask

    def _on_eye(self) -> None:
        if self.layer is not None:
            self._wanted = bool(self.layer.visible)
            self.shown.emit(self._wanted)
