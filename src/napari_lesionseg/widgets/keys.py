"""All keys of ours, in one table: tool tips, what is bound in the viewer, and the cheat-sheet are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Key(NamedTuple):
    """A key, and the sentence that says what it does.

    ``text`` is written with dashes: ``Shift-S``. Where ``presses`` is False the key does not press the button of its
    name: whoever answers it binds it, by ``shortcuts.bind_keys``.
    """

    text: str
    sentence: str
    presses: bool = True


SHEET: Final[Mapping[str, Mapping[str, Key]]] = MappingProxyType(
    {
        "Cases": {
            "next_case": Key("Ctrl-Alt-N", "The case below", False),
            "previous_case": Key("Ctrl-Alt-P", "The case above", False),
            "next_unfinished": Key("Ctrl-Shift-N", "The next case that is not finished", False),
            "previous_unfinished": Key("Ctrl-Shift-P", "The last case before this one that is not finished", False),
        },
        "Readings": {
            "next_disagreement": Key(".", "The next disagreement, largest first"),
            "previous_disagreement": Key(",", "The disagreement before this one"),
            "take_A": Key("Shift-J", "Take reading A in the lesion under the mouse", False),
            "take_B": Key("Shift-K", "Take reading B in the lesion under the mouse", False),
            "take_both": Key("Shift-U", "Take what either has in the lesion under the mouse", False),
            "take_agreed": Key("Shift-I", "Take what both have in the lesion under the mouse", False),
            "show_agreement": Key("Shift-C", "Show or hide the three colours"),
        },
        "Window": {
            "show_keys": Key("F1", "This list of keys"),
            "preset_lung": Key("F2", "Lung window"),
            "preset_wide_lung": Key("F3", "Wide lung window"),
            "preset_mediastinum": Key("F4", "Mediastinum window"),
            "preset_bone": Key("F5", "Bone window"),
            "preset_vessels": Key("F6", "Window of contrast in vessels"),
            "window_auto": Key("F7", "Fit the window to the lungs, or the body"),
            "window_drag": Key("Shift-D", "Drag on the canvas to change the window"),
            "slice_up": Key("Up", "One slice on, towards the head", False),
            "slice_down": Key("Down", "One slice back, towards the feet", False),
            "slices_up": Key("PageUp", "Five slices on", False),
            "slices_down": Key("PageDown", "Five slices back", False),
        },
        "Views": {
            "linked_views": Key("Shift-M", "Coronal and sagittal views beside the canvas"),
            "cross_hair_tool": Key("Shift-H", "Drag the cross-hair on the canvas"),
            "space_view_shown": Key("Ctrl-Alt-V", "Lungs and lesions as surfaces"),
        },
        "Prior": {
            "open_prior": Key("Ctrl-Alt-B", "Open an earlier scan of this patient beside the open one"),
        },
        "Segment": {
            "segment": Key("Shift-S", "Mark the lesions of the whole scan"),
            "ask_model": Key("Shift-B", "Ask the model: click, or drag a box"),
        },
        "Compare": {
            "show_truth": Key("Shift-T", "Show or hide the truth"),
            "show_errors": Key("Shift-E", "Show or hide the error map"),
            "hide_overlays": Key("H", "Hold it to see the scan alone", False),
            "worst_slice": Key("Shift-W", "The worst slice, then the next worst"),
        },
        "Tour": {
            "next_place": Key("N", "The next suspicious place"),
            "previous_place": Key("Shift-N", "The suspicious place before this one"),
        },
        "Lesions": {
            "next_lesion": Key("9", "The lesion below in the table"),
            "previous_lesion": Key("8", "The lesion above in the table"),
            "accept_lesion": Key("0", "This lesion is right; once more takes it back"),
            "reject_lesion": Key("Ctrl-Shift-D", "Take this lesion out of the mask, in all slices"),
        },
        "Correct": {
            "tool_lasso_add": Key("W", "Draw round a place to add what lies inside"),
            "tool_lasso_remove": Key("Q", "Draw round a place to remove what lies inside"),
            "tool_grow": Key("G", "Grow lesion from seeds"),
            "tool_trace": Key("J", "Trace the edge: click just inside it"),
            "tool_box": Key("K", "Take what is denser than the lung in a box"),
            "tool_accept": Key("U", "Accept what the model suspects at a click"),
            "tool_reset_lesion": Key("Ctrl-Shift-R", "Have the lesion clicked on as predicted"),
            "tool_keep_island": Key("Ctrl-Shift-J", "Keep the piece clicked on, remove the others"),
            "tool_drop_island": Key("Ctrl-Shift-I", "Remove the piece clicked on"),
            "tool_paint_model": Key("Ctrl-Shift-B", "Paint where the model says enough"),
            "tool_pick_hu": Key("Ctrl-Shift-H", "Learn the range of HU from a click"),
            "gate": Key("Shift-Z", "Paint in the range of HU only, or everywhere"),
            "copy_below": Key("Ctrl-Shift-Down", "Copy the slice below into this one"),
            "copy_above": Key("Ctrl-Shift-Up", "Copy the slice above into this one"),
            "copy_down": Key("Ctrl-Alt-J", "Copy the lesions here to the next slices below"),
            "copy_up": Key("Ctrl-Alt-K", "Copy the lesions here to the next slices above"),
            "interpolate": Key("Ctrl-Shift-Y", "Draw what is missing between slices"),
            "fill_holes": Key("Ctrl-Shift-F", "Fill what lesion encloses"),
            "keep_largest": Key("Ctrl-Shift-L", "Keep the largest piece of lesion"),
            "remove_small": Key("Ctrl-Shift-X", "Remove small pieces of lesion"),
            "smooth": Key("Shift-O", "Smooth the outline"),
            "grow_mm": Key("Ctrl-Shift-G", "Grow the lesion by so many mm"),
            "shrink_mm": Key("Ctrl-Shift-K", "Shrink the lesion by so many mm"),
            "combine": Key("Ctrl-Shift-U", "Combine the mask with truth, prediction or lungs"),
            "revert_slice": Key("Shift-R", "Go back to the prediction in this slice"),
            "undo": Key("Ctrl-Z", "Undo the last change of the mask", False),
            "redo": Key("Ctrl-Shift-Z", "Redo what was undone", False),
        },
        "Export": {"export": Key("Shift-X", "Save the mask, a table or a report")},
    }
)
"""Panel, and for each object name of its buttons the key that presses it.

A key that napari has on its own, on whatever layer, is not for us: ``tests/widgets/test_keys.py`` knows them all.
"""
KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    {name: key for panel in SHEET.values() for name, key in panel.items()}
)


def with_key(name: str, tip: str) -> str:
    """End the tool tip of the control of that object name with its key, if it has one."""
    key = KEYS.get(name)
    end = "" if key is None else f"({key.text})"
    return tip if tip.endswith(end) else f"{tip} {end}"
