"""The one-click edits of the correct panel: which tool answers which button."""

from __future__ import annotations

from typing import Any

from napari_lesionseg.widgets.edit_runner import Make

NAMES = {
    "copy_below": "copy from below",
    "copy_above": "copy from above",
    "copy_down": "copy to the slices below",
    "copy_up": "copy to the slices above",
    "grow_mm": "grow",
    "shrink_mm": "shrink",
    "keep_largest": "keep the largest island",
    "remove_small": "remove small islands",
}
"""What an edit's step is called, where it is not the edit's own name."""

GAP_SLICES = 20  # Between two painted slices that interpolating connects.


def name_of(action: str, amount: Any) -> str:
    """What the step of an edit is called in the history."""
    if action == "combine":
        return f"{amount[0]} with {amount[1]}"
    return NAMES.get(action, action.replace("_", " "))


def further_slices(action: str, amount: Any) -> int:
    """How many slices beside the slab an edit may look at and write."""
    if action == "interpolate":
        return GAP_SLICES
    return int(amount) if action in ("copy_down", "copy_up") else 0


def maker(action: str, amount: Any) -> Make:
    """Find what an edit does; its libraries are not wanted while the dock opens."""
    from napari_lesionseg.review.tools import islands, margin
    from napari_lesionseg.review.tools.copy_onwards import copy_onwards
    from napari_lesionseg.review.tools.copy_slice import copy_from_neighbour
    from napari_lesionseg.review.tools.fill_holes import fill_holes
    from napari_lesionseg.review.tools.interpolate import interpolate
    from napari_lesionseg.review.tools.reset import reset_slices
    from napari_lesionseg.review.tools.sets import combine
    from napari_lesionseg.review.tools.smooth import smooth

    makers: dict[str, Make] = {
        "copy_below": lambda given: copy_from_neighbour(given, -1),
        "copy_above": lambda given: copy_from_neighbour(given, 1),
        "copy_down": lambda given: copy_onwards(given, -1, amount),
        "copy_up": lambda given: copy_onwards(given, 1, amount),
        "interpolate": interpolate,
        "fill_holes": fill_holes,
        "keep_largest": islands.keep_largest,
        "remove_small": lambda given: islands.remove_small(given, amount),
        "smooth": lambda given: smooth(given, amount),
        "grow_mm": lambda given: margin.grow(given, amount),
        "shrink_mm": lambda given: margin.shrink(given, amount),
        "combine": lambda given: combine(given, amount[1], amount[0]),
        "revert_slice": reset_slices,
    }
    return makers[action]
