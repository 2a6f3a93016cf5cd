"""Correcting: tools of napari's labels layer, edits of a slice, and the session's undo."""

from __future__ import annotations

from typing import Any

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.correct_panel import CorrectPanel
from napari_lesionseg.widgets.edit_runner import EditRunner
from napari_lesionseg.widgets.parts import listen
from napari_lesionseg.widgets.presenters.brush_gate import BrushGate
from napari_lesionseg.widgets.presenters.correct_actions import further_slices, maker, name_of
from napari_lesionseg.widgets.presenters.region_tools import NAMES as REGION_TOOLS
from napari_lesionseg.widgets.presenters.region_tools import RegionTools

MODES = {"paint_model": "paint"}
"""napari's mode for a tool, where it has another name."""
BY_MODEL = {"paint": False, "paint_model": True}
"""Whether a brush follows the model."""


class CorrectPresenter:
    """Answers the correct panel."""

    def __init__(self, panel: CorrectPanel, context: Context) -> None:
        self.panel, self.context, self.session = panel, context, context.session
        self._layer: Any = None  # The layer whose mode and brush are followed.
        self.runner, self.gate = EditRunner(context), BrushGate(panel.mouse, context)
        self.regions = RegionTools(context, self.runner, self.gate, self._show_tool)
        panel.tool_requested.connect(self._on_tool)
        panel.brush_requested.connect(self._on_brush)
        panel.action_requested.connect(self._on_action)
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
        self._show_tool()
        if self._layer is not None:
            self._layer.brush_size = self.context.settings.brush_size
            self._layer.events.mode.connect(self._show_tool)
            self._layer.events.brush_size.connect(self._on_layer_brush)

    def _on_tool(self, tool: str) -> None:
        if self._layer is None:
            return
        self.context.viewer.layers.selection.active = self._layer
        self._layer.selected_label = 1
        try:
            if tool in REGION_TOOLS:
                self.regions.canvas.take(tool)
            else:
                self._take_napari(tool)
        except LesionsegError as error:
            self.context.say(str(error))
        self._show_tool()

    def _take_napari(self, tool: str) -> None:
        if tool in BY_MODEL:
            self.gate.follow_model(BY_MODEL[tool])
        self.regions.canvas.put_down()
        self._layer.mode = MODES.get(tool, tool)

    def _on_brush(self, size: int) -> None:
        if self._layer is not None:
            self._layer.brush_size = size

    def _show_tool(self, *_: object) -> None:
        mode = "" if self._layer is None else str(self._layer.mode)
        brush = "paint_model" if self.gate.by_model else "paint"
        self.panel.show_tool(self.regions.canvas.tool or (brush if mode == "paint" else mode))

    def _on_layer_brush(self) -> None:
        size = round(float(self._layer.brush_size))
        self.panel.show_brush(size)
        self.context.settings.brush_size = size  # Written with the next file that is opened or saved.

    def _on_action(self, action: str, amount: Any) -> None:
        further = further_slices(action, amount)
        self.runner.run(maker(action, amount), name_of(action, amount), self.gate.reach, further)

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
