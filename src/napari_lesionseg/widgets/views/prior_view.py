"""The prior scan beside the open one: the slice at the same height, through the same window."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_lesionseg.review.align import inside, to_current, to_prior
from napari_lesionseg.review.cross_hair import Place
from napari_lesionseg.review.sections import Section
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.views.slice_picture import SlicePicture
from napari_lesionseg.widgets.views.slice_view import SliceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock


class PriorView:
    """An axial view in a dock of its own, there as long as there is a prior scan."""

    def __init__(self, beside: QWidget, context: Context) -> None:
        self._beside, self._context, self._prior = beside, context, context.prior
        self.dock: ViewsDock | None = None
        self.view: SliceView | None = None
        listen(self._prior.changed, self._on_changed, beside)
        beside.destroyed.connect(self._on_gone)
        self._on_changed()

    def _on_changed(self) -> None:
        scan = self._prior.scan
        if scan is None:
            self._close()
            return
        view = self.view or self._open()
        section = Section("axial", scan.geometry.display_shape, scan.geometry.spacing)
        picture = SlicePicture(section, scan, self._prior.mask)
        picture.set_window(self._context.session.window)
        view.show_picture(picture)
        self._follow()

    def _open(self) -> SliceView:
        view = self.view = SliceView("prior_view", "Prior")
        dock = self.dock = ViewsDock("lesionseg_prior", "Prior", (view,), self._beside)
        dock.closed.connect(self._prior.close)
        view.pixel_requested.connect(self._on_pixel)
        view.scroll_requested.connect(self._on_scroll)
        session = self._context.session
        listen(self._prior.shifted, self._follow, dock)
        listen(session.slice_changed, self._follow, dock)
        listen(self._context.cross_hair.moved, self._follow, dock)
        listen(session.window_changed, self._on_window, dock)
        listen(self._context.layers.overlays.changed, self._on_hidden, dock)
        dock.show()
        return view

    def _close(self) -> None:
        dock, self.dock, self.view = self.dock, None, None
        if dock is not None:
            dock.let_go()

    def _on_gone(self) -> None:
        self._close()

    def _place(self) -> Place | None:
        """Where the cross-hair is in the prior scan; it may be outside of it."""
        session, scan = self._context.session, self._prior.scan
        if session.scan is None or scan is None:
            return None
        place = self._context.cross_hair.place
        return to_prior(place, session.scan.geometry, scan.geometry, self._prior.shift)

    def _follow(self, *_: object) -> None:
        place, view = self._place(), self.view
        if place is None or view is None or view.picture is None or self._prior.scan is None:
            return
        section = view.picture.section
        if view.picture.go_to(max(0, min(place[0], section.count - 1))):
            view.refresh()
        view.show_cross(section.pixel(place) if inside(place, self._prior.scan.geometry) else None)

    def _on_window(self, window: Window) -> None:
        if self.view is not None and self.view.picture is not None and self.view.picture.set_window(window):
            self.view.refresh()

    def _on_hidden(self, hidden: bool) -> None:
        if self.view is not None:
            self.view.show_overlays(not hidden, False)

    def _on_pixel(self, row: int, column: int) -> None:
        session, scan, place = self._context.session, self._prior.scan, self._place()
        if session.scan is None or scan is None or place is None:
            return
        there = to_current((place[0], row, column), session.scan.geometry, scan.geometry, self._prior.shift)
        self._context.cross_hair.move_to((session.slice_index, *there[1:]))

    def _on_scroll(self, steps: int) -> None:
        session = self._context.session
        session.set_slice(session.slice_index + steps)
