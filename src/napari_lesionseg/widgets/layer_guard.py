"""What happens when a user adds or removes layers in napari's own list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Layer
from qtpy.QtCore import QTimer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.volumes import Mask
from napari_lesionseg.widgets.layer_styles import METADATA_KEY
from napari_lesionseg.widgets.layers import LayerBridge
from napari_lesionseg.widgets.role_dialog import Role


class LayerGuard:
    """Opens scans that our reader dropped into the viewer, and keeps the mask when its layer is deleted.

    napari is in the middle of a change when it tells of it, so everything is answered a moment later.
    """

    def __init__(
        self,
        bridge: LayerBridge,
        session: Session,
        report: Callable[[str], None],
        ask_role: Callable[[str], Role],
        is_kept: Callable[[], bool],
    ) -> None:
        self._bridge, self._session, self._report, self._ask_role = bridge, session, report, ask_role
        self._is_kept = is_kept
        layers = bridge.viewer.layers
        layers.events.inserted.connect(self._on_inserted)
        layers.events.removed.connect(self._on_removed)
        self._added = [layer for layer in layers if METADATA_KEY in layer.metadata]
        self._removed: list[Layer] = []
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.settle)
        if self._added:
            self._timer.start(0)

    def stop(self) -> None:
        """Answer nothing any more: the window is closing."""
        self._timer.stop()
        self._added, self._removed = [], []

    def settle(self) -> None:
        """Answer all changes up to now."""
        added, self._added = self._added, []
        removed, self._removed = self._removed, []
        for layer in sorted(added, key=_is_mask):  # A scan first, then what was drawn on it.
            self._take(layer)
        for layer in removed:
            self._restore(layer)

    def _on_inserted(self, event: Any) -> None:
        if METADATA_KEY in event.value.metadata and not self._bridge.busy:
            self._added.append(event.value)
            self._timer.start(0)

    def _on_removed(self, event: Any) -> None:
        if not self._bridge.busy and self._bridge.owns(event.value):
            self._removed.append(event.value)
            self._timer.start(0)

    def _take(self, layer: Layer) -> None:
        found = layer.metadata[METADATA_KEY]
        if layer not in self._bridge.viewer.layers or self._bridge.owns(layer):
            return
        if "scan" in found and (found["scan"] is self._session.scan or not isinstance(layer, Image)):
            return  # Of a plugin that gives its layers the metadata of the scan it works on.
        if "scan" in found and self._would_lose():
            self._report(f"{layer.name} was not opened: export the corrections of the open scan first.")
        elif "scan" in found:
            self._bridge.adopt(layer)
        elif found.get("role") == "truth":
            self._bridge.viewer.layers.remove(layer)
            try:
                self._session.set_truth(found["mask"])
            except LesionsegError as error:
                self._report(str(error))
        else:
            self._offer(layer, found["mask"])

    def _offer(self, layer: Layer, mask: Mask) -> None:
        """Ask what a mask on the open scan's grid is; any other stays the layer it is."""
        scan = self._session.scan
        if scan is None or not mask.geometry.same_grid(scan.geometry):
            return
        role = self._ask_role(layer.name)
        if role == "layer" or (role == "mask" and self._would_lose()):
            if role == "mask":
                self._report(f"{layer.name} was not taken: export the corrections of the open scan first.")
            return
        with self._bridge.own_changes():
            self._bridge.remove(layer)
        if role == "truth":
            self._session.set_truth(mask)
        else:
            self._session.load_mask(mask)

    def _would_lose(self) -> bool:
        """Whether there are corrections that are neither exported nor in the journal."""
        return self._session.dirty and not self._is_kept()

    def _restore(self, layer: Layer) -> None:
        bridge, layers = self._bridge, self._bridge.viewer.layers
        if layer in layers or not bridge.owns(layer) or not layers:
            return  # An empty list: the viewer is being closed.
        if layer is bridge.comparison.truth:
            self._session.set_truth(None)
        elif layer is bridge.comparison.errors:
            bridge.set_errors_visible(False)
        elif layer is bridge.comparison.curtain.layer:
            bridge.set_curtain_visible(False)
        elif layer is bridge.heat.layer:
            bridge.heat.want("")
        elif layer is bridge.lungs.layer:
            bridge.put_back(layer)
            bridge.lungs.want(False)
        elif layer is bridge.image and not self._would_lose():
            self._session.close_scan()
        else:
            bridge.put_back(layer)
            self._report(f"The layer {layer.name} belongs to the open scan; hide it with its eye instead.")


def _is_mask(layer: Layer) -> bool:
    return "mask" in layer.metadata[METADATA_KEY]
