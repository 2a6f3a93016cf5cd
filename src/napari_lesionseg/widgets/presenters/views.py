"""Linked views: what the session tells goes to the open views; what is pointed at there goes to the cross-hair."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QTimer

from napari_lesionseg.review.sections import Plane, Section
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.views.ortho_layers import OrthoLayers
from napari_lesionseg.widgets.views.slice_picture import SlicePicture
from napari_lesionseg.widgets.views.slice_view import SliceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock
from napari_lesionseg.widgets.views_panel import ViewsPanel

PLANES: tuple[Plane, ...] = ("coronal", "sagittal")


class ViewsPresenter:
    """Answers the views panel; without open views it listens to nothing but the opening of a scan."""

    def __init__(self, panel: ViewsPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self.dock: ViewsDock | None = None
        self.views: dict[Plane, SliceView] = {}
        self.canvas = OrthoLayers(context.layers, self._on_canvas)
        self._truth_shown = True
        panel.linked_toggled.connect(self._on_linked)
        panel.cross_toggled.connect(self._on_cross)
        panel.destroyed.connect(self._on_panel_gone)
        listen(self.session.scan_changed, self._on_scan, panel)
        self._first = QTimer(panel)  # The panel is not yet in the window that the views are docked in.
        self._first.setSingleShot(True)
        self._first.timeout.connect(self._open_wanted)
        self._first.start(0)

    def _open_wanted(self) -> None:
        if self.context.settings.linked_views and self.session.scan is not None:
            self._open()

    def _on_linked(self, wanted: bool) -> None:
        self.context.settings.remember(linked_views=wanted)
        if wanted:
            self._open()
        else:
            self._close()

    def _open(self) -> None:
        if self.dock is not None:
            return
        self.views = {plane: SliceView(f"{plane}_view", plane.capitalize()) for plane in PLANES}
        dock = self.dock = ViewsDock("lesionseg_views", "Views", tuple(self.views.values()), self.panel)
        dock.closed.connect(lambda: self.panel.linked.setChecked(False))
        for plane, view in self.views.items():
            view.pixel_requested.connect(partial(self._on_pixel, plane))
            view.scroll_requested.connect(partial(self._on_scroll, plane))
        listen(self.context.cross_hair.moved, self._on_moved, dock)
        listen(self.session.slice_changed, self._on_slice, dock)
        listen(self.session.window_changed, self._on_window, dock)
        listen(self.session.mask_changed, self._on_mask, dock)
        listen(self.session.truth_changed, self._on_truth, dock)
        listen(self.context.layers.comparison.truth_shown, self._on_truth_shown, dock)
        listen(self.context.layers.overlays.changed, self._on_hidden, dock)
        self.canvas.set_on(True)
        self.panel.show_linked(True)
        self._show_scan(self.session.scan)
        dock.show()

    def _close(self) -> None:
        dock, self.dock = self.dock, None
        if dock is None:
            return
        self.views = {}
        self.canvas.set_on(False)
        self.panel.show_linked(False)
        dock.let_go()

    def _on_panel_gone(self) -> None:
        dock, self.dock, self.views = self.dock, None, {}
        if dock is not None:
            self.canvas.set_on(False)
            dock.let_go()

    # ---- from the session to the views

    def _on_scan(self, scan: Volume | None) -> None:
        if self.dock is not None:
            self._show_scan(scan)
        elif scan is not None:
            self._first.start(0)

    def _show_scan(self, scan: Volume | None) -> None:
        for plane, view in self.views.items():
            if scan is None:
                view.show_picture(None)
                view.show_cross(None)
                continue
            section = Section(plane, scan.geometry.display_shape, scan.geometry.spacing)
            picture = SlicePicture(section, scan, self.session.mask, self.session.truth)
            picture.set_window(self.session.window)
            view.show_picture(picture)
        self._on_moved()

    def _on_moved(self, *_: int) -> None:
        place = self.context.cross_hair.place
        for view in self.views.values():
            if view.picture is not None:
                if view.picture.go_to(place[view.picture.section.through]):
                    view.refresh()
                view.show_cross(view.picture.section.pixel(place))
        self.canvas.show_cross(*place[1:])
        self.panel.show_place(self.session.scan, place)

    def _on_slice(self, _z: int) -> None:
        place = self.context.cross_hair.place
        for view in self.views.values():
            if view.picture is not None:
                view.show_cross(view.picture.section.pixel(place))
        self.panel.show_place(self.session.scan, place)

    def _on_window(self, window: Window) -> None:
        for view in self.views.values():
            if view.picture is not None and view.picture.set_window(window):
                view.refresh()

    def _on_mask(self, slices: tuple[int, ...] | None) -> None:
        for view in self.views.values():
            if view.picture is not None and view.picture.touch(slices):
                view.refresh()

    def _on_truth(self, truth: Mask | None) -> None:
        for view in self.views.values():
            if view.picture is not None:
                view.picture.set_truth(truth)
                view.refresh()

    def _on_truth_shown(self, shown: bool) -> None:
        self._truth_shown = shown
        self._on_hidden(self.context.layers.overlays.hidden)

    def _on_hidden(self, hidden: bool) -> None:
        for view in self.views.values():
            view.show_overlays(not hidden, self._truth_shown)

    # ---- from a hand to the cross-hair

    def _on_pixel(self, plane: Plane, row: int, column: int) -> None:
        picture = self.views[plane].picture
        if picture is not None:
            self.context.cross_hair.move_to(picture.section.voxel((row, column), self.context.cross_hair.place))

    def _on_scroll(self, plane: Plane, steps: int) -> None:
        picture = self.views[plane].picture
        if picture is not None:
            self.context.cross_hair.move_to(picture.section.scrolled(self.context.cross_hair.place, steps))

    def _on_canvas(self, y: int, x: int) -> None:
        self.context.cross_hair.move_to((self.session.slice_index, y, x))

    def _on_cross(self, on: bool) -> None:
        if on:
            self.context.mouse.take(self.canvas.drag, lambda: self.panel.cross.setChecked(False))
        else:
            self.context.mouse.give_back(self.canvas.drag)
