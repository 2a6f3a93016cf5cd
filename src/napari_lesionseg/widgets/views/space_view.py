"""Lungs and lesions in space, on a canvas of vispy's own: napari's viewer stays in its slices."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy import API_NAME
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lesionseg.review.surface_mesh import SurfaceMesh
from napari_lesionseg.widgets.layer_styles import MASK_COLOUR

LOOKS = {"lesions": (MASK_COLOUR, 1.0), "lungs": ("#E8C8C0", 0.3)}
"""Colour and opacity, in the order in which they are drawn: what is seen through comes last."""


AROUND = 1.3  # What is near looks larger, and all of it should be seen.


class SpaceView(QWidget):
    """Surfaces seen from the front, superior up; drag to turn, wheel to zoom, Shift-drag to move.

    The canvas goes with the widget. vispy's own way to close it handles events meanwhile, of a window half gone.
    """

    def __init__(self) -> None:
        super().__init__()
        from vispy import app, scene

        app.use_app(API_NAME.lower())  # The one napari uses.
        self.setObjectName("space_view")
        self.setToolTip("Lungs and lesions in space: drag to turn, turn the wheel to zoom")
        self.setMinimumSize(120, 120)
        self.canvas = scene.SceneCanvas(keys=None, bgcolor="#101014", show=False)
        self._view = self.canvas.central_widget.add_view()
        self._view.camera = scene.TurntableCamera(fov=30, elevation=10, azimuth=0, up="+z")
        self.meshes: dict[str, SurfaceMesh] = {}
        self._nodes: dict[str, Any] = {}
        self._untouched: dict[str, Any] = {}  # The camera, as it looked at all.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas.native)

    def show_meshes(self, meshes: dict[str, SurfaceMesh]) -> None:
        """Show these surfaces in place of the last ones of their names; an empty one is not seen."""
        new = any(len(mesh.faces) and name not in self._nodes for name, mesh in meshes.items())
        self.meshes = {**self.meshes, **meshes}
        for name, mesh in meshes.items():
            self._draw(name, mesh)
        if new:  # What is made again stays in the view that a hand has turned.
            self._look_at_all()
        self.canvas.update()

    def hide_mesh(self, name: str) -> None:
        """Show the surface of this name no more."""
        self.meshes.pop(name, None)
        node = self._nodes.pop(name, None)
        if node is not None:
            node.parent = None
        self.canvas.update()

    def clear(self) -> None:
        """Show nothing."""
        for name in LOOKS:
            self.hide_mesh(name)

    def _draw(self, name: str, mesh: SurfaceMesh) -> None:
        from vispy.scene.visuals import Mesh

        node = self._nodes.pop(name, None)
        if node is not None:
            node.parent = None
        if not len(mesh.faces):
            return
        colour, opacity = LOOKS[name]
        node = Mesh(mesh.vertices, mesh.faces, color=colour, shading="smooth", parent=self._view.scene)
        node.opacity = opacity
        node.order = list(LOOKS).index(name)
        node.set_gl_state("translucent", depth_test=True, cull_face=False)
        self._nodes[name] = node

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Look at all again, unless a hand has turned or zoomed: a dock gets its size only once it has a place."""
        super().resizeEvent(event)
        if self._view.camera.get_state() == self._untouched:
            self._look_at_all()

    def _look_at_all(self) -> None:
        seen = [mesh.vertices for mesh in self.meshes.values() if len(mesh.vertices)]
        if not seen:
            return
        low = np.min([vertices.min(axis=0) for vertices in seen], axis=0)
        high = np.max([vertices.max(axis=0) for vertices in seen], axis=0)
        (wide, _, tall), ratio = high - low, self.width() / max(1, self.height())
        camera = self._view.camera
        camera.center = tuple(((low + high) / 2).tolist())
        # The millimetres that the shorter side of the canvas shows.
        camera.scale_factor = AROUND * float(max(wide, tall * ratio) if ratio < 1 else max(tall, wide / ratio))
        self._untouched = camera.get_state()
