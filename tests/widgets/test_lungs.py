"""Lungs in the window: found beside it, shown, mended and checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

GRID = Geometry.from_spacing((20, 60, 70), (5.0, 5.0, 5.0))
LUNGS = np.s_[3:18, 15:45, 13:30], np.s_[3:18, 15:45, 40:57]  # 7650 voxels each: together 1.91 l.


@pytest.fixture
def chest(workbench: Any) -> Any:
    """A workbench with a box of body that has two boxes of lung."""
    hu = np.full(GRID.display_shape, -1000, np.int16)
    hu[:, 8:52, 5:65] = 40
    for lung in LUNGS:
        hu[lung] = -850
    workbench.session.open_scan(Volume(hu, GRID))
    return workbench


def lungs() -> Mask:
    made = Mask.empty(GRID)
    for lung in LUNGS:
        made.array[lung] = 1
    return made


def find(chest: Any, qtbot: QtBot) -> Any:
    """Press the button, and give the layer that comes."""
    chest.press("find_lungs")
    assert chest.text("lungs_state") == "Looking for the lungs…"
    qtbot.waitUntil(lambda: chest.session.lungs is not None, timeout=60_000)
    return chest.context.layers.lungs.layer


def test_lungs_are_found_beside_the_window_and_shown_as_an_outline(chest: Any, qtbot: QtBot) -> None:
    layer = find(chest, qtbot)
    assert np.array_equal(chest.session.lungs.array, lungs().array)
    assert (layer.name, layer.contour, layer.visible, layer.editable) == ("lungs", 1, True, False)
    assert layer.data is chest.session.lungs.array
    assert chest.context.viewer.layers.selection.active is chest.context.layers.mask
    assert chest.text("lungs_state") == "1.91 l, not checked: look at the outline in all slices."


def test_only_the_button_makes_lungs_checked(chest: Any) -> None:
    chest.session.set_lungs(lungs())
    assert not chest.session.lungs_checked
    chest.press("lungs_look_right")
    assert chest.session.lungs_checked
    assert chest.text("lungs_state") == "1.91 l, checked."
    assert not chest.lungs.check.isEnabled()


def test_mended_lungs_have_to_be_looked_at_again(chest: Any) -> None:
    chest.session.set_lungs(lungs(), checked=True)
    chest.press("mend_lungs")
    layer = chest.context.layers.lungs.layer
    assert (layer.editable, str(layer.mode)) == (True, "paint")
    assert chest.context.viewer.layers.selection.active is layer
    assert not chest.session.lungs_checked
    layer.brush_size = 1
    layer.paint((10, 30, 35), 1)
    chest.press("lungs_look_right")
    assert chest.session.lungs.array[10, 30, 35] == 1
    assert np.count_nonzero(chest.session.lungs.array) == 15301
    assert (layer.editable, chest.lungs.mend.isChecked()) == (False, False)
    assert np.count_nonzero(chest.session.mask.array) == 0


def test_undo_takes_a_stroke_on_the_lungs_back_while_they_are_mended_and_the_masks_otherwise(chest: Any) -> None:
    chest.session.set_lungs(lungs())
    new = np.zeros((60, 70), np.uint8)
    new[0, 0] = 1
    chest.session.write_slices({0: new}, "brush")
    chest.press("mend_lungs")
    layer = chest.context.layers.lungs.layer
    layer.paint((10, 30, 35), 1)
    layer.undo()
    assert np.array_equal(chest.session.lungs.array, lungs().array)
    assert chest.session.mask.array[0, 0, 0] == 1
    chest.press("mend_lungs")
    layer.undo()
    assert chest.session.mask.array[0, 0, 0] == 0


def test_lesions_are_added_to_the_lungs(chest: Any) -> None:
    chest.session.set_lungs(lungs(), checked=True)
    mask = Mask.empty(GRID)
    mask.array[10, 30:32, 30:35] = 3
    chest.session.load_mask(mask)
    chest.press("add_lesions_to_lungs")
    assert np.count_nonzero(chest.session.lungs.array) == 15310
    assert set(np.unique(chest.session.lungs.array)) == {0, 1}
    assert not chest.session.lungs_checked


def test_corrected_lungs_are_taken_from_a_file(chest: Any, qtbot: QtBot, tmp_path: Path) -> None:
    corrected = lungs()
    corrected.array[LUNGS[0]] = 2  # Right and left may have labels of their own.
    corrected.array[2, 20, 20] = 2
    nifti.write_mask(tmp_path / "lungs.nii.gz", corrected)
    chest.lungs.file_requested.emit(str(tmp_path / "lungs.nii.gz"))
    qtbot.waitUntil(lambda: chest.session.lungs is not None, timeout=60_000)
    assert np.array_equal(chest.session.lungs.array, corrected.array != 0)


def test_a_file_of_another_grid_is_refused_in_a_sentence(
    chest: Any, qtbot: QtBot, tmp_path: Path, sentences: list[str]
) -> None:
    other = Geometry.from_spacing((20, 60, 71), (5.0, 5.0, 5.0))
    nifti.write_mask(tmp_path / "lungs.nii.gz", Mask.empty(other))
    chest.lungs.file_requested.emit(str(tmp_path / "lungs.nii.gz"))
    qtbot.waitUntil(lambda: bool(sentences), timeout=60_000)
    assert "lungs.nii.gz" in sentences[0]
    assert chest.session.lungs is None
    assert chest.lungs.search.isEnabled()


def test_a_scan_without_lungs_is_told_so(workbench: Any, qtbot: QtBot, sentences: list[str]) -> None:
    workbench.session.open_scan(Volume(np.full(GRID.display_shape, 40, np.int16), GRID))
    workbench.press("find_lungs")
    qtbot.waitUntil(lambda: bool(sentences), timeout=60_000)
    assert sentences[0].startswith("No lung was found")


def test_grey_levels_offer_no_looking(workbench: Any) -> None:
    workbench.session.open_scan(Volume(np.zeros(GRID.display_shape, np.uint8), GRID, "grey"))
    assert not workbench.lungs.search.isEnabled()
    assert workbench.lungs.file.isEnabled()
    assert "take them from a file" in workbench.text("lungs_state")


def test_the_outline_is_hidden_and_shown_and_goes_with_its_scan(chest: Any) -> None:
    chest.session.set_lungs(lungs())
    layer = chest.context.layers.lungs.layer
    chest.lungs.outline.setChecked(False)
    assert not layer.visible
    layer.visible = True  # By napari's eye.
    assert chest.lungs.outline.isChecked()
    chest.session.close_scan()
    assert len(chest.context.viewer.layers) == 0
    assert chest.text("lungs_state") == "Open a scan to look for its lungs."


def test_a_deleted_outline_is_only_hidden(chest: Any) -> None:
    chest.session.set_lungs(lungs())
    layer = chest.context.layers.lungs.layer
    chest.context.viewer.layers.remove(layer)
    chest.context.guard.settle()
    assert layer in chest.context.viewer.layers
    assert not layer.visible
    assert not chest.lungs.outline.isChecked()


def test_lungs_of_a_scan_that_was_left_are_dropped(chest: Any, qtbot: QtBot) -> None:
    chest.press("find_lungs")
    chest.session.open_scan(Volume(np.full(GRID.display_shape, -500, np.int16), GRID))
    qtbot.wait(500)
    assert not chest.context.lungs.running
    assert chest.session.lungs is None
