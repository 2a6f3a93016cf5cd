"""The window: from panel, canvas or napari's own slider to the session, and to the numbers on the canvas."""

from __future__ import annotations

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.drag_tool import DragTool
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.window_panel import WindowPanel


class WindowPresenter:
    """Answers the window panel."""

    def __init__(self, panel: WindowPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._tool = DragTool(context, lambda: panel.drag.setChecked(False))
        panel.window_requested.connect(self._on_window)
        panel.drag_toggled.connect(self._tool.set_on)
        listen(self.session.window_changed, self._show, panel)
        listen(self.session.slice_changed, self._show, panel)
        listen(self.session.scan_changed, self._on_scan, panel)
        self._on_scan(self.session.scan)

    def _on_window(self, window: Window) -> None:
        try:
            self.session.set_window(window)
        except LesionsegError as error:
            self.context.report(error)
            self.panel.show_window(self.session.window)

    def _on_scan(self, scan: Volume | None) -> None:
        self.panel.show_intensity("HU" if scan is None else scan.intensity)
        self.panel.drag.setChecked(False)
        self._show()

    def _show(self, *_: object) -> None:
        self.panel.show_window(self.session.window)
        scan, window = self.session.scan, self.session.window
        if scan is None:
            self.context.layers.show_text("")
            return
        unit = " HU" if scan.intensity == "HU" else ""
        where = f"slice {self.session.slice_index} / {len(scan.array) - 1}"
        self.context.layers.show_text(f"W {window.width:.0f}  L {window.level:.0f}{unit}    {where}")
