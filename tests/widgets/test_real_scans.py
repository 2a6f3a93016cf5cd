"""The whole path on real scans, in a real napari window, read back by SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import SimpleITK as sitk
from qtpy.QtWidgets import QWidget

from napari_lesionseg.models.card import load_card
from napari_lesionseg.models.zoo import find_model
from napari_lesionseg.review import metrics
from napari_lesionseg.volumes import nifti
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.realdata
SCANS = {
    "coronacases_009": (
        "covid_ma20_8bit/coronacases_009/ct.nii.gz",
        "covid_ma20_8bit/coronacases_009/infection.nii.gz",
    ),
    "LUNG1-002": ("nsclc_ct/LUNG1-002/ct.nii.gz", "nsclc_ct/LUNG1-002/lesion.nii.gz"),
}
GREY_PRESETS_OFF = {"coronacases_009": True, "LUNG1-002": False}
PAINTED = [(30 + 9 * step, 60 + 11 * step) for step in range(5)]  # (row, column) of five dabs.


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any]) -> Iterator[tuple[Any, Workbench]]:
    viewer = make_napari_viewer(show=False)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-lesionseg", "Lesion workbench")
    yield viewer, workbench
    workbench.context.close()


def press(workbench: Workbench, name: str) -> None:
    workbench.findChild(QWidget, name).click()


@pytest.mark.timeout(420)
@pytest.mark.parametrize("name", SCANS)
def test_a_real_scan_from_opening_to_the_retrained_model(
    name: str, window: tuple[Any, Workbench], qtbot: QtBot, shared_data: Path, tmp_path: Path
) -> None:
    scan_path, truth_path = (shared_data / part for part in SCANS[name])
    viewer, workbench = window
    session = workbench.session
    workbench.context.settings.remember(study=str(tmp_path / "study"))

    # Open and window: what napari shows is the file, turned.
    workbench.open_scan(scan_path)
    stored = sitk.GetArrayFromImage(sitk.ReadImage(str(scan_path)))  # LPS on disk: already (z, y, x) as shown.
    assert np.array_equal(viewer.layers[0].data, stored)
    assert workbench.findChild(QWidget, "preset_lung").isEnabled() != GREY_PRESETS_OFF[name]
    if not GREY_PRESETS_OFF[name]:
        press(workbench, "preset_mediastinum")
        assert tuple(workbench.context.layers.image.contrast_limits) == (-160, 240)

    # Segment and compare.
    workbench.segment.model.setCurrentText("covid-base")
    workbench.segment.device.setCurrentText("cpu")
    with qtbot.waitSignal(session.prediction_changed, timeout=300_000):
        press(workbench, "segment")
    assert session.mask.array.any()
    workbench.load_truth(truth_path)
    shown = workbench.findChild(QWidget, "scan_dice").text()
    assert shown == f"{metrics.dice(session.mask.array, session.truth.array):.3f}"

    # Paint, export, and read back with SimpleITK: the painted voxels and no others have changed.
    predicted = session.mask.array.copy()
    z = int(np.argmax(session.truth.array.sum(axis=(1, 2))))
    layer = workbench.context.layers.mask
    layer.brush_size = 1
    for row, column in PAINTED:
        layer.paint((z, row, column), 1 - int(predicted[z, row, column]))
    expected = predicted.copy()
    for row, column in PAINTED:
        expected[z, row, column] ^= 1
    out = tmp_path / f"{name}_mask.nii.gz"
    with qtbot.waitSignal(session.dirty_changed, timeout=30_000):
        workbench.export.export_requested.emit(str(out))
    source, written = sitk.ReadImage(str(scan_path)), sitk.ReadImage(str(out))
    assert np.array_equal(sitk.GetArrayFromImage(written), expected)
    assert written.GetSize() == source.GetSize()
    for field in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(written, field)() == pytest.approx(getattr(source, field)(), abs=1e-5)
    assert np.array_equal(nifti.read_mask(out).geometry.affine, session.scan.geometry.affine)

    # A few steps of training on the correction, and the new model is on offer.
    workbench.retrain.model.setCurrentText("covid-base")
    workbench.retrain.epochs.setValue(1)
    trainer = workbench.context.trainer
    start = trainer.start
    few = ["--set", "steps_per_epoch=2", "--set", "patch=64", "--set", "threads=1"]
    trainer.start = lambda arguments: start([*arguments, *few])
    with qtbot.waitSignal(trainer.finished, timeout=120_000) as blocker:
        press(workbench, "retrain")
    folder = Path(blocker.args[0].model_folder)
    assert load_card(folder).parent == "covid-base"
    press(workbench, "load_model")
    assert workbench.segment.model.currentText() == load_card(folder).name
    assert load_card(find_model(load_card(folder).name)).sha256 == load_card(folder).sha256


def test_a_real_folder_of_slices_opens_upright_and_as_itk_sees_it(
    window: tuple[Any, Workbench], qtbot: QtBot, shared_data: Path
) -> None:
    viewer, workbench = window
    folder = shared_data / "corpora" / "slicer_cthead"
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=120_000):
        workbench.open.scan_requested.emit(str(folder))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    seen = reader.Execute()
    assert seen.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)  # Columns to the left, rows to posterior: as shown.
    assert np.array_equal(viewer.layers[0].data, sitk.GetArrayFromImage(seen))
    assert workbench.session.scan.geometry.spacing == pytest.approx(seen.GetSpacing()[::-1], abs=1e-4)


def test_a_real_folder_of_several_series_shows_the_chooser(
    window: tuple[Any, Workbench], qtbot: QtBot, shared_data: Path, when_asked: Any
) -> None:
    _, workbench = window
    found = []

    def open_proposed(dialog: Any) -> None:
        found.append((dialog.table.rowCount(), dialog.chosen.description))
        dialog.accept()

    when_asked(open_proposed)
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=120_000):
        workbench.open.scan_requested.emit(str(shared_data / "corpora" / "dcmqi"))
    assert found == [(5, "Image 23x38x3")]
    assert workbench.session.scan.array.shape[0] == 3
