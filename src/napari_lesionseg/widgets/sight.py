"""What of the scan is in sight on the canvas."""

from __future__ import annotations

from napari_lesionseg.widgets.layers import LayerBridge

Voxel = tuple[int, int, int]


def sees(layers: LayerBridge, voxel: Voxel) -> bool:
    """Whether a display voxel (z, y, x) is on the canvas now."""
    session, viewer = layers.session, layers.viewer
    if session.scan is None:
        return False
    if layers.shows_all():
        return True
    if session.slice_index != voxel[0]:
        return False
    camera = viewer.scene.camera
    sizes = (side / 2 / camera.zoom for side in viewer.canvas.size)
    place = (at * side for at, side in zip(voxel[1:], session.scan.geometry.spacing[1:], strict=True))
    return all(abs(at - mid) <= half for at, mid, half in zip(place, camera.center[-2:], sizes, strict=True))
