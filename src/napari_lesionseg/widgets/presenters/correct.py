"""Correcting: tools of napari's labels layer, edits of a slice, and the session's undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.given import Edited, Given, given_by
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.correct_panel import CorrectPanel
from napari_lesionseg.widgets.parts import listen


class CorrectPresenter:
    """Answers the correct panel."""

    def __init__(self, panel: CorrectPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._layer: Any = None  # The layer whose mode and brush are followed.
        panel.tool_requested.connect(self._on_tool)
        panel.brush_requested.connect(self._on_brush)
        panel.copy_requested.connect(self._on_copy)
        panel.fill_holes_requested.connect(self._on_fill_holes)
        panel.revert_requested.connect(self._on_revert)
        panel.undo_requested.connect(context.layers.undo)
        panel.redo_requested.connect(context.layers.redo)
        listen(self.session.scan_changed, self._on_scan, panel)
        listen(self.session.mask_changed, self._show_count, panel)
        listen(self.session.slice_changed, self._show_count, panel)
        listen(self.session.editable_changed, self._show_possible, panel)
        listen(self.session.history_changed, self._show_possible, panel)
        self._on_scan(self.session.scan)

    def _on_scan(self, scan: Volume | None) -> None:
        self._show_possible()
        self.panel.show_brush(self.context.settings.brush_size)
        self._show_count()
        self._layer = self.context.layers.mask
        self.panel.show_tool("" if self._layer is None else str(self._layer.mode))
        if self._layer is not None:
            self._layer.brush_size = self.context.settings.brush_size
            self._layer.events.mode.connect(self._on_layer_mode)
            self._layer.events.brush_size.connect(self._on_layer_brush)

    def _on_tool(self, mode: str) -> None:
        if self._layer is not None:
            self.context.viewer.layers.selection.active = self._layer
            self._layer.selected_label = 1
            self._layer.mode = mode

    def _on_brush(self, size: int) -> None:
        if self._layer is not None:
            self._layer.brush_size = size

    def _on_layer_mode(self) -> None:
        self.panel.show_tool(str(self._layer.mode))

    def _on_layer_brush(self) -> None:
        size = round(float(self._layer.brush_size))
        self.panel.show_brush(size)
        self.context.settings.brush_size = size  # Written with the next file that is opened or saved.

    def _on_copy(self, step: int) -> None:
        from napari_lesionseg.review.tools.copy_slice import copy_from_neighbour

        self._edit(lambda given: copy_from_neighbour(given, step), "copy from above" if step > 0 else "copy from below")

    def _on_fill_holes(self) -> None:
        from napari_lesionseg.review.tools.fill_holes import fill_holes  # scipy.ndimage: not while the dock opens.

        self._edit(fill_holes, "fill holes")

    def _on_revert(self) -> None:
        from napari_lesionseg.review.tools.reset import reset_slices

        self._edit(reset_slices, "revert slice")

    def _edit(self, make: Callable[[Given], Edited], tool: str) -> None:
        if self.session.mask is None:
            return
        try:
            self.session.write_slices(make(given_by(self.session)), tool)
        except LesionsegError as error:
            self.context.report(error)

    def _show_possible(self, *_: object) -> None:
        history, editable = self.session.history, self.session.scan is not None and self.session.editable
        self.panel.show_editable(editable)
        self.panel.show_steps(
            undo="" if history.undoable is None or not editable else history.undoable.name,
            redo="" if history.redoable is None or not editable else history.redoable.name,
        )

    def _show_count(self, *_: object) -> None:
        corrected = self.session.corrected_slices
        self.panel.show_count(len(corrected), self.session.slice_index in corrected)
