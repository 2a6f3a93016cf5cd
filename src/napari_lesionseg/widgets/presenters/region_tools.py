"""The tools that the mouse is led with on the canvas: what each of them makes of where it was led."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.given import Edited, Given, given_by
from napari_lesionseg.widgets.canvas_tools import CanvasTools
from napari_lesionseg.widgets.context import Context
from napari_lesionseg.widgets.edit_runner import WHOLE_SCAN, EditRunner
from napari_lesionseg.widgets.marks_layer import Point
from napari_lesionseg.widgets.presenters.brush_gate import BrushGate

WHOLE_LESION = ("accept", "reset_lesion")  # They act on all of a lesion, whatever the slab.
IN_HU = ("grow", "box", "pick_hu")
NO_HU = "This scan holds grey levels, not Hounsfield units; use another tool."
NAMES = {
    "lasso_add": "lasso add",
    "lasso_remove": "lasso remove",
    "grow": "grow from seeds",
    "trace": "level trace",
    "box": "threshold in a box",
    "accept": "accept lesion",
    "reset_lesion": "reset lesion",
    "keep_island": "keep island",
    "drop_island": "remove island",
    "pick_hu": "pick HU",
}
"""The tools, and what their steps are called."""
Led = list[Point]


class RegionTools:
    """Answers for the tools of the canvas."""

    def __init__(self, context: Context, runner: EditRunner, gate: BrushGate, put_down: Callable[[], object]) -> None:
        self.context, self.runner, self.gate = context, runner, gate
        self.canvas = CanvasTools(context, self._on_led, put_down)

    def _on_led(self, tool: str, points: Led) -> None:
        try:
            if tool in IN_HU and self.gate.why_no_hu:
                raise LesionsegError(NO_HU)
            if tool == "pick_hu":
                self._pick(points)
                return
            make = partial(self._maker(tool), points=points)
        except LesionsegError as error:
            self.context.say(str(error))
            return
        self.runner.run(make, NAMES[tool], WHOLE_SCAN if tool in WHOLE_LESION else self.gate.reach)

    def _pick(self, points: Led) -> None:
        from napari_lesionseg.review.tools.gates import hu_range_at

        given = given_by(self.context.session)
        low, high = hu_range_at(given, _voxel(given, points[-1]))
        self.gate.set_range(low, high)
        self.context.say(f"The brush paints {low} to {high} HU now.")

    def _maker(self, tool: str) -> Callable[..., Edited]:
        """Find what a tool does; its libraries are not wanted while the dock opens."""
        from napari_lesionseg.review.tools.accept import accept_at
        from napari_lesionseg.review.tools.grow_region import grow_from_seeds
        from napari_lesionseg.review.tools.islands import keep_at, remove_at
        from napari_lesionseg.review.tools.reset import reset_lesion
        from napari_lesionseg.review.tools.scissors import scissors
        from napari_lesionseg.review.tools.threshold_box import threshold_in_box
        from napari_lesionseg.review.tools.trace_level import trace_level

        passes, (low, high), certainty = self.gate.hu_passes(), self.gate.hu_range, self.context.settings.certainty
        makers: dict[str, Callable[[Given, Led], Edited]] = {
            "lasso_add": lambda given, points: scissors(given, points, add=True, gate=passes),
            "lasso_remove": lambda given, points: scissors(given, points, add=False),
            "grow": lambda given, points: grow_from_seeds(given, [_voxel(given, at) for at in points], low, high),
            "trace": lambda given, points: trace_level(given, _voxel(given, points[0])),
            "box": lambda given, points: threshold_in_box(given, points[0], points[-1], low, high),
            "accept": lambda given, points: accept_at(given, _voxel(given, points[0]), certainty),
            "reset_lesion": lambda given, points: reset_lesion(given, _voxel(given, points[0])),
            "keep_island": lambda given, points: keep_at(given, _voxel(given, points[0])),
            "drop_island": lambda given, points: remove_at(given, _voxel(given, points[0])),
        }
        return makers[tool]


def _rounded(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _voxel(given: Given, point: Point) -> tuple[int, int, int]:
    return given.z, *_rounded(point)
