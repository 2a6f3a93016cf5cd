"""The window: from panel, canvas or napari's own slider to the session; and what the canvas tells and listens to."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.windowing import Window, auto_window
from napari_lesionseg.widgets.canvas_layers import CanvasLayers
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.drag_tool import DragTool
from napari_lesionseg.widgets.key_sheet import KeySheet
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.shortcuts import bind_keys
from napari_lesionseg.widgets.slice_wheel import SliceWheel, step
from napari_lesionseg.widgets.window_panel import OPTIONS, WindowPanel

STEPS = {"slice_up": 1, "slice_down": -1, "slices_up": 5, "slices_down": -5}
"""Key, and how many slices it goes on."""


class WindowPresenter:
    """Answers the window panel."""

    def __init__(self, panel: WindowPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._tool = DragTool(context, lambda: panel.drag.setChecked(False))
        self._wheel, self._canvas = SliceWheel(context.viewer), CanvasLayers(context.layers)
        panel.window_requested.connect(self._on_window)
        panel.auto_requested.connect(self._on_auto)
        panel.drag_toggled.connect(self._tool.set_on)
        panel.option_toggled.connect(self._on_option)
        panel.keys_requested.connect(self._on_keys)
        listen(self.session.window_changed, self._show, panel)
        listen(self.session.slice_changed, self._show, panel)
        listen(self.session.scan_changed, self._on_scan, panel)
        for name in OPTIONS:
            panel.show_option(name, getattr(context.settings, name))
            self._apply(name)
        bind_keys(context.viewer, panel, {name: partial(step, slices=slices) for name, slices in STEPS.items()})
        panel.destroyed.connect(self._close)
        self._on_scan(self.session.scan)

    def _close(self) -> None:
        self._tool.close()
        self._wheel.set_on(False)
        self._canvas.close()

    def _on_keys(self) -> None:
        window: Any = self.panel.window()
        shown = window.findChild(KeySheet) or KeySheet(window)
        shown.show()
        shown.raise_()

    def _on_window(self, window: Window) -> None:
        try:
            self.session.set_window(window)
        except LesionsegError as error:
            self.context.report(error)
            self.panel.show_window(self.session.window)

    def _on_auto(self) -> None:
        scan, lungs = self.session.scan, self.session.lungs
        if scan is not None:
            inside = None if lungs is None else lungs.array
            self._on_window(auto_window(scan.array, inside, is_hu=scan.intensity == "HU"))

    def _on_option(self, name: str, on: bool) -> None:
        self.context.settings.remember(**{name: on})
        self._apply(name)

    def _apply(self, name: str) -> None:
        on = getattr(self.context.settings, name)
        if name == "wheel_slices":
            self._wheel.set_on(on)
        elif name == "side_marks":
            self._canvas.set_sides(on)
        elif name == "scale_bar":
            self._canvas.set_scale_bar(on)

    def _on_scan(self, scan: Volume | None) -> None:
        self.panel.show_intensity("HU" if scan is None else scan.intensity)
        self.panel.show_open(scan is not None)
        self.panel.drag.setChecked(False)
        self._canvas.refresh()
        self._show()

    def _show(self, *_: object) -> None:
        self.panel.show_window(self.session.window)
        scan, window = self.session.scan, self.session.window
        if scan is None:
            self.context.layers.show_text("")
            return
        unit = " HU" if scan.intensity == "HU" else ""
        where = f"slice {self.session.slice_index} / {len(scan.array) - 1}"
        self.context.layers.show_text(f"W {window.width:.0f}\nL {window.level:.0f}{unit}\n{where}")
