"""The view in space: its surfaces are made beside the window, and made again when edits rest."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from napari_lesionseg.review.surface_mesh import SurfaceMesh
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import hear, listen
from napari_lesionseg.widgets.views.space_view import SpaceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock
from napari_lesionseg.widgets.views_panel import ViewsPanel

REST_MS = 1000
NO_LUNGS = "The lungs of this scan are not known yet, so the lesions are shown alone."


class SpacePresenter:
    """Answers the 3D button of the views panel; napari's viewer is not touched."""

    def __init__(self, panel: ViewsPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.dock: ViewsDock | None = None
        self.view: SpaceView | None = None
        self._timer = QTimer(panel)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._wrap_lesions)
        panel.space_toggled.connect(self._on_toggled)
        panel.destroyed.connect(self._close)
        hear(context.surfaces.done, self._on_done, panel)
        hear(context.surfaces.failed, context.complain, panel)

    def _on_toggled(self, wanted: bool) -> None:
        if wanted:
            self._open()
        else:
            self._close()
            self.panel.show_space(False, "")

    def _open(self) -> None:
        view = self.view = SpaceView()
        dock = self.dock = ViewsDock("lesionseg_space", "3D", (view,), self.panel)
        dock.closed.connect(lambda: self.panel.space.setChecked(False))
        listen(self.session.scan_changed, self._on_scan, dock)
        listen(self.session.lungs_changed, self._on_lungs, dock)
        listen(self.session.mask_changed, self._on_edited, dock)
        dock.show()
        self._on_scan(self.session.scan)

    def _close(self) -> None:
        dock, self.dock, self.view = self.dock, None, None
        self.context.surfaces.forget()
        if dock is not None:
            dock.let_go()

    def _on_scan(self, _scan: Volume | None) -> None:
        if self.view is not None:
            self.context.surfaces.forget()
            self.view.clear()
            self._wrap_lesions()
            self._on_lungs()

    def _on_lungs(self, _lungs: object = None) -> None:
        lungs = self.session.lungs
        known = self.session.scan is None or lungs is not None
        self.panel.show_space(True, "" if known else NO_LUNGS)
        if lungs is not None:
            self.context.surfaces.wrap({"lungs": lungs})
        elif self.view is not None:
            self.view.hide_mesh("lungs")

    def _on_edited(self, _slices: object = None) -> None:
        self._timer.start(REST_MS)

    def _wrap_lesions(self) -> None:
        if self.view is not None and self.session.mask is not None:
            self.context.surfaces.wrap({"lesions": self.session.mask})

    def _on_done(self, meshes: dict[str, SurfaceMesh]) -> None:
        if self.view is not None:
            self.view.show_meshes(meshes)
