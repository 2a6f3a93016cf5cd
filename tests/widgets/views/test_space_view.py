"""The view in space: surfaces in the right place, and a viewer that is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.review.surface_mesh import surface_mesh
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets.presenters.space import NO_LUNGS
from napari_lesionseg.widgets.views.space_view import SpaceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

SHAPE, SPACING = (20, 20, 20), (5.0, 5.0, 5.0)


@pytest.fixture
def opened(workbench: Any) -> Any:
    """The workbench with a scan and one lesion of 2 × 3 × 4 voxels."""
    scan = Volume(np.full(SHAPE, -1000, np.int16), Geometry.from_spacing(SHAPE, SPACING))
    workbench.session.open_scan(scan)
    mask = Mask.empty(scan.geometry)
    mask.array[5:7, 5:8, 5:9] = 1
    workbench.session.load_mask(mask)
    return workbench


def space(workbench: Any) -> SpaceView:
    found = [dock for dock in workbench.findChildren(ViewsDock) if dock.isVisible()]
    assert len(found) == 1
    return found[0].findChild(SpaceView, "space_view")


def extent(one: SpaceView, name: str) -> list[float]:
    vertices = one.meshes[name].vertices
    return [round(float(side), 3) for side in vertices.max(axis=0) - vertices.min(axis=0)]


def test_lesions_are_shown_alone_while_the_lungs_are_not_known(opened: Any, qtbot: QtBot) -> None:
    opened.press("space_view_shown")
    assert opened.text("space_state") == NO_LUNGS
    qtbot.waitUntil(lambda: "lesions" in space(opened).meshes, timeout=60000)
    assert list(space(opened).meshes) == ["lesions"]
    assert extent(space(opened), "lesions") == [20.0, 15.0, 10.0]  # x, y, z in mm.
    lungs = Mask.empty(opened.session.scan.geometry)
    lungs.array[2:18, 2:18, 2:18] = 1
    opened.session.set_lungs(lungs)
    assert opened.text("space_state") == ""
    qtbot.waitUntil(lambda: "lungs" in space(opened).meshes, timeout=60000)
    assert extent(space(opened), "lungs") == pytest.approx([80, 80, 80], abs=5)
    opened.session.set_lungs(None)
    assert list(space(opened).meshes) == ["lesions"]


def test_an_edit_that_rests_is_seen_in_space(opened: Any, qtbot: QtBot) -> None:
    opened.press("space_view_shown")
    qtbot.waitUntil(lambda: "lesions" in space(opened).meshes, timeout=60000)
    taller = opened.session.mask.array[5].copy()
    opened.session.write_slices({7: taller, 8: taller}, "brush")
    qtbot.waitUntil(lambda: extent(space(opened), "lesions") == [20.0, 15.0, 20.0], timeout=60000)
    opened.session.undo()
    qtbot.waitUntil(lambda: extent(space(opened), "lesions") == [20.0, 15.0, 10.0], timeout=60000)


def test_seen_from_the_front_superior_is_up_and_the_patients_right_on_the_left(qtbot: QtBot) -> None:
    one = SpaceView()
    qtbot.addWidget(one)
    one.resize(200, 200)
    whole, right_top = (Mask.empty(Geometry.from_spacing(SHAPE, SPACING)) for _ in range(2))
    whole.array[1:19, 1:19, 1:19] = 1
    right_top.array[15:18, 8:12, 2:5] = 1  # x grows to the patient's left, z to superior.
    one.show_meshes({"lungs": surface_mesh(whole, 1.0), "lesions": surface_mesh(right_top, 1.0)})
    with qtbot.waitExposed(one):
        one.show()
    picture = one.canvas.render()[..., :3].astype(int)
    height, width = picture.shape[:2]
    blue = picture[..., 2] - picture[..., 0] > 60
    rows, columns = np.nonzero(blue)
    assert len(rows) > 50
    assert rows.mean() < 0.45 * height
    assert columns.mean() < 0.45 * width


def test_the_viewer_is_as_it_was_when_it_is_left(opened: Any, qtbot: QtBot) -> None:
    viewer = opened.context.viewer
    opened.session.set_slice(3)
    viewer.scene.camera.zoom = 7.5

    def state() -> tuple[Any, ...]:
        mask = opened.context.layers.mask
        camera = viewer.scene.camera
        names = [layer.name for layer in viewer.layers]
        return (viewer.dims.ndisplay, viewer.dims.point, camera.zoom, names, str(mask.mode), opened.session.window)

    before = state()
    opened.press("space_view_shown")
    qtbot.waitUntil(lambda: "lesions" in space(opened).meshes, timeout=60000)
    assert state() == before
    opened.context.layers.mask.paint((3, 8, 8), 1)
    assert opened.session.mask.array[3, 8, 8] == 1
    dock = space(opened).window()
    listening = len(opened.session.mask_changed)
    with qtbot.waitSignal(dock.destroyed):
        opened.press("space_view_shown")
    assert state() == before
    assert len(opened.session.mask_changed) == listening - 1


def test_another_scan_clears_it(opened: Any, tiny: Any, qtbot: QtBot) -> None:
    opened.press("space_view_shown")
    qtbot.waitUntil(lambda: "lesions" in space(opened).meshes, timeout=60000)
    opened.session.close_scan()
    assert space(opened).meshes == {}
    assert opened.text("space_state") == ""
    opened.session.open_scan(tiny[0])
    qtbot.waitUntil(lambda: "lesions" in space(opened).meshes, timeout=60000)
    assert len(space(opened).meshes["lesions"].faces) == 0


def test_all_is_seen_in_whatever_size_the_view_gets_until_a_hand_turns_it(qtbot: QtBot) -> None:
    view = SpaceView()
    qtbot.addWidget(view)
    view.resize(150, 600)
    view.show()
    solid = Mask(np.pad(np.ones((8, 8, 8), np.uint8), 6), Geometry.from_spacing(SHAPE, SPACING))
    view.show_meshes({"lesions": surface_mesh(solid, 5.0)})
    wide, _, tall = np.ptp(view.meshes["lesions"].vertices, axis=0)
    camera = view._view.camera
    for width, height in ((300, 600), (600, 300), (150, 600)):
        view.resize(width, height)
        shorter = camera.scale_factor  # Millimetres that the shorter side shows.
        across, up = shorter * max(1, width / height), shorter * max(1, height / width)
        assert across > wide and up > tall
        assert min(across / wide, up / tall) < 1.5  # Nor is it lost in the middle.
    camera.azimuth, camera.scale_factor = 30, 77.0
    view.resize(400, 400)
    assert (camera.azimuth, camera.scale_factor) == (30, 77.0)
