"""Comparing with an earlier study through the public widgets: two files, one shift, a table of growth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QTableWidget

from napari_lesionseg.review.align import Shift
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.windowing import Window
from napari_lesionseg.widgets.views.slice_view import SliceView
from napari_lesionseg.widgets.views.views_dock import ViewsDock

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase

SPACING = (2.0, 5.0, 5.0)  # 0.05 ml a voxel.
NOW, THEN = (10, 20, 20), (8, 20, 20)


def scan_of(shape: tuple[int, int, int]) -> Volume:
    return Volume(np.full(shape, -1000, np.int16), Geometry.from_spacing(shape, SPACING))


@pytest.fixture
def compared(workbench: Any) -> Any:
    """A scan with a prior that begins 2 slices higher; a lesion that doubled, a new one and one that is gone."""
    workbench.session.open_scan(scan_of(NOW))
    mask = Mask.empty(workbench.session.scan.geometry)
    mask.array[4:6, 2:6, 2:6] = 1
    mask.array[4:6, 12:14, 12:14] = 1
    workbench.session.load_mask(mask)
    prior = scan_of(THEN)
    workbench.context.prior.open(prior, Shift(z=4.0))
    before = Mask.empty(prior.geometry)
    before.array[2, 2:6, 2:6] = 1
    before.array[6:8, 2:6, 16:20] = 1
    workbench.context.prior.set_mask(before)
    return workbench


def view(workbench: Any) -> SliceView:
    found = [dock for dock in workbench.findChildren(ViewsDock) if dock.isVisible()]
    assert len(found) == 1
    return found[0].findChild(SliceView, "prior_view")


def table(workbench: Any) -> list[list[str]]:
    shown: QTableWidget = workbench.prior.table
    return [[shown.item(row, column).text() for column in range(4)] for row in range(shown.rowCount())]


def test_growth_is_told_for_every_lesion_and_in_total(compared: Any, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 3, timeout=30000)
    assert table(compared) == [
        ["2 → 1", "0.80", "1.60", "+0.80  grown"],
        ["– → 2", "0.00", "0.40", "+0.40  new"],
        ["1 → –", "1.60", "0.00", "-1.60  resolved"],
    ]
    assert compared.text("growth_total") == "Total 2.40 → 2.00 ml: -0.40 ml (-17%)"


def test_a_click_on_a_row_goes_to_its_lesion(compared: Any, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 3, timeout=30000)
    compared.prior.table.selectRow(1)
    z, y, x = compared.context.cross_hair.place
    assert compared.session.mask.array[z, y, x] == 1
    assert (y, x) >= (12, 12)
    compared.prior.table.selectRow(2)
    z, y, x = compared.context.cross_hair.place
    assert compared.context.prior.mask.array[z - 2, y, x] == 1  # Where it was.


def test_an_edit_and_another_shift_measure_anew(compared: Any, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 3, timeout=30000)
    empty = np.zeros(NOW[1:], np.uint8)
    compared.session.write_slices({4: empty, 5: empty}, "eraser")
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 2, timeout=30000)
    assert {row[3].split()[1] for row in table(compared)} == {"resolved"}
    compared.session.undo()
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 3, timeout=30000)
    compared.prior.shifts["x"].setValue(50.0)
    assert compared.context.prior.shift == Shift(4.0, 0.0, 50.0)
    qtbot.waitUntil(lambda: compared.prior.table.rowCount() == 4, timeout=30000)


def test_the_slices_of_both_scans_go_together(compared: Any) -> None:
    for z, prior_z in {2: 0, 5: 3, 9: 7}.items():
        compared.session.set_slice(z)
        assert view(compared).picture.index == prior_z
        assert view(compared).cross == (10, 10)
    compared.session.set_slice(0)  # Below the first slice of the prior.
    assert (view(compared).picture.index, view(compared).cross) == (0, None)


def test_wheel_and_click_in_the_prior_move_the_open_scan(compared: Any) -> None:
    one = view(compared)
    middle = QPointF(one.rect().center())
    plain, none = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
    where = QPointF(one.mapToGlobal(middle.toPoint()))
    turned = QWheelEvent(middle, where, QPoint(), QPoint(0, 240), none, plain, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(one, turned)
    assert compared.session.slice_index == 7
    QTest.mouseClick(one, Qt.MouseButton.LeftButton, pos=one.point_of(3, 16).toPoint())
    assert compared.context.cross_hair.place == (7, 3, 16)


def test_the_prior_is_seen_through_the_same_window(compared: Any) -> None:
    compared.session.set_window(Window(-1000, 100))
    assert set(np.unique(view(compared).picture.grey)) == {127}
    compared.session.set_window(Window(-2000, 100))
    assert set(np.unique(view(compared).picture.grey)) == {255}


def test_a_prior_and_its_mask_are_read_from_files_and_laid_over_the_lungs(
    workbench: Any, qtbot: QtBot, phantom_case: PhantomCase, phantom_files: tuple[Path, Path], tmp_path: Path
) -> None:
    scan = phantom_case.scan
    moved = np.full((20, *scan.array.shape[1:]), -1000, np.int16)
    moved[4:] = scan.array
    geometry = Geometry.from_spacing(moved.shape, scan.geometry.spacing)
    workbench.session.open_scan(Volume(moved, geometry))
    workbench.prior.prior_requested.emit(str(phantom_files[0]))
    qtbot.waitUntil(lambda: "Aligned by the lungs." in workbench.text("prior_state"), timeout=60000)
    assert workbench.prior.shifts["z"].value() == pytest.approx(4 * scan.geometry.spacing[0], abs=2.0)
    workbench.prior.mask_requested.emit(str(phantom_files[1]))
    qtbot.waitUntil(lambda: workbench.prior.table.rowCount() > 0, timeout=60000)
    assert workbench.context.prior.mask.volume_ml == pytest.approx(phantom_case.truth.volume_ml)
    assert phantom_files[0].resolve() in workbench.context.inputs
    assert workbench.session.scan.array is moved


def test_a_mask_of_another_grid_is_refused_in_a_sentence(
    workbench: Any, qtbot: QtBot, tiny: Any, sentences: list[str], tmp_path: Path
) -> None:
    workbench.session.open_scan(tiny[0])
    workbench.context.prior.open(scan_of(THEN), Shift())
    path = tmp_path / "other.nii.gz"
    nifti.write_mask(path, Mask.empty(Geometry.from_spacing((3, 4, 5), (1.0, 1, 1))))
    workbench.prior.mask_requested.emit(str(path))
    qtbot.waitUntil(lambda: len(sentences) == 1, timeout=60000)
    assert "other.nii.gz" in sentences[0]
    assert workbench.context.prior.mask is None


def test_another_scan_closes_the_prior_and_lets_go_of_its_view(compared: Any, tiny: Any, qtbot: QtBot) -> None:
    dock = view(compared).window()
    listening = len(compared.session.slice_changed)
    with qtbot.waitSignal(dock.destroyed):
        compared.session.open_scan(tiny[0])
    assert len(compared.session.slice_changed) == listening - 1
    assert compared.prior.table.rowCount() == 0
    assert compared.context.prior.scan is None
    assert not compared.prior.close_.isVisibleTo(compared.prior)


def test_without_an_open_scan_there_is_nothing_to_compare_with(workbench: Any) -> None:
    assert not workbench.prior.open_.isEnabled()
    assert workbench.findChildren(ViewsDock) == []
