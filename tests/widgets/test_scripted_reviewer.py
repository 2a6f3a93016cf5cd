"""The scripted reviewer's strokes, and its hand on a real canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lesionseg.widgets.hands import Hands, pause
from napari_lesionseg.widgets.scripted_reviewer import runs
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from napari_lesionseg.volumes import Mask, Volume

Tiny = tuple["Volume", "Mask", np.ndarray]


def test_strokes_are_the_longest_rows_of_wrong_voxels_from_top_to_bottom() -> None:
    wrong = np.zeros((4, 8), bool)
    wrong[3, 0:2] = wrong[1, 5:8] = wrong[1, 0] = wrong[2, 2:6] = True
    assert runs(wrong, 3) == [(1, 5, 7), (2, 2, 5), (3, 0, 1)]
    assert runs(wrong, 9) == [(1, 0, 0), (1, 5, 7), (2, 2, 5), (3, 0, 1)]
    assert runs(np.zeros((4, 8), bool), 3) == []


def test_the_mouse_draws_the_voxels_it_is_led_over(make_napari_viewer: Any, tiny: Tiny) -> None:
    viewer = make_napari_viewer(show=True)
    workbench = Workbench(viewer)
    viewer.window.add_dock_widget(workbench)
    workbench.session.open_scan(tiny[0])
    workbench.session.set_slice(2)
    hands = Hands(viewer, workbench, None)
    hands.press("tool_paint")
    workbench.correct.brush.setValue(1)
    workbench.correct.gate.setChecked(False)  # The scan is of air.
    pause(500)  # Until the window has its size.
    hands.draw([(3, 2), (3, 6)])
    painted = np.argwhere(workbench.session.mask.array)
    assert painted.tolist() == [[2, 3, x] for x in range(2, 7)]
    hands.press("tool_erase")
    hands.draw([(3, 4), (3, 4)])
    assert np.argwhere(workbench.session.mask.array).tolist() == [[2, 3, x] for x in (2, 3, 5, 6)]
    workbench.context.close()
