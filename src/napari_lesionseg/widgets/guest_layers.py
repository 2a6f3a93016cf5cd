"""Layers of other plugins: opening nnInteractive on the scan, and finding what somebody drew beside the mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels, Layer

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.widgets.layers import LayerBridge

NNINTERACTIVE = "napari-nninteractive"
CORNERS = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
WHICH = "Select a labels layer that lies on the scan's own voxels, beside the mask; then take it."


def installed_widget(plugin: str) -> str | None:
    """The name of the first widget of a napari plugin; None if the plugin is not installed, or was switched off."""
    from npe2 import PluginManager

    manager = PluginManager.instance()
    if plugin not in {manifest.name for manifest in manager.iter_manifests(disabled=False)}:
        return None
    widgets = manager.get_manifest(plugin).contributions.widgets or []
    return widgets[0].display_name if widgets else None


def open_on_scan(layers: LayerBridge, plugin: str, widget: str) -> None:
    """Open a plugin's widget in a dock, with the scan as the active layer."""
    layers.viewer.layers.selection.active = layers.image
    layers.viewer.window.add_plugin_dock_widget(plugin, widget)


def guest_to_take(layers: LayerBridge) -> Labels:
    """The labels layer of somebody else's that is selected, or the only one there is, on the grid of the scan.

    Raises
    ------
    LesionsegError
        If there is none, or none of several is selected.
    """
    guests = [layer for layer in layers.viewer.layers if _fits(layer, layers)]
    active = layers.viewer.layers.selection.active
    if active in guests:
        return active
    if len(guests) != 1:
        raise LesionsegError(WHICH)
    return guests[0]


def _fits(layer: Layer, layers: LayerBridge) -> bool:
    mask: Any = layers.mask
    if mask is None or not isinstance(layer, Labels) or layers.owns(layer):
        return False
    same_place = (np.allclose(layer.data_to_world(at), mask.data_to_world(at)) for at in CORNERS)
    return layer.data.shape == mask.data.shape and all(same_place)
