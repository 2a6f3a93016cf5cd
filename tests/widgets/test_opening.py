"""Opening what a hospital has: folders, several series, files that ask back; all through the workbench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import nifti, read_scan
from napari_lesionseg.widgets.geometry_dialog import GeometryDialog
from napari_lesionseg.widgets.region_dialog import RegionDialog
from napari_lesionseg.widgets.series_dialog import SeriesDialog
from tests.volumes.dicom.make_regions import overlapping_regions
from tests.volumes.dicom.make_series import make_series

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset
    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase

WhenAsked = "Callable[[Callable[[QWidget], None]], list[QWidget]]"
PATIENCE = 60_000  # A child starts anew for each test.


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with a thick series, a thin lung series, and a scout."""

    def soft(header: Dataset, _number: int) -> None:
        header.ConvolutionKernel, header.SeriesDescription = "B30f", "Thorax 5.0"

    def scout(header: Dataset, _number: int) -> None:
        header.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    make_series(tmp_path / "study" / "a", 1, spacing=(5.0, 0.7, 0.8), edit=soft, seed=1)
    make_series(tmp_path / "study" / "b", 2, spacing=(1.0, 0.7, 0.8), seed=2)
    make_series(tmp_path / "study" / "c", np.zeros((1, 16, 20), np.int16), edit=scout, seed=3)
    return tmp_path / "study"


def test_a_folder_of_slices_opens_upright_at_the_lung_window(workbench: Any, qtbot: QtBot, tmp_path: Path) -> None:
    series = make_series(tmp_path / "series")
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=PATIENCE):
        workbench.open.scan_requested.emit(str(series.folder))
    scan = workbench.session.scan
    # Slices to superior, rows to posterior, columns to the patient's left: as they are stored (LPS).
    assert np.array_equal(scan.array, series.hu)
    assert scan.geometry.spacing == pytest.approx((2.0, 0.7, 0.8))
    assert tuple(workbench.context.layers.image.contrast_limits) == (-1350, 150)
    assert scan.dicom.series == series.uid
    assert workbench.text("scan_info").startswith("<b>series</b><br>6 slices of 16 × 20 · 2 × 0.7 × 0.8 mm · HU")
    assert not workbench.findChild(QWidget, "stop_reading").isVisibleTo(workbench)


def test_several_series_bring_up_the_chooser_and_the_chosen_one_opens(
    workbench: Any, qtbot: QtBot, study: Path, when_asked: WhenAsked
) -> None:
    proposed = []

    def choose_the_thick_one(dialog: SeriesDialog) -> None:
        proposed.append(dialog.chosen.kernel)
        row = [one.description for one in dialog._series].index("Thorax 5.0")
        dialog.table.selectRow(row)
        dialog.accept()

    asked = when_asked(choose_the_thick_one)
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=PATIENCE):
        workbench.open.scan_requested.emit(str(study))
    assert [type(dialog) for dialog in asked] == [SeriesDialog]
    assert proposed == ["B70f"]
    assert workbench.session.scan.geometry.spacing[0] == pytest.approx(5.0)


def test_calling_the_chooser_off_leaves_the_open_scan(
    workbench: Any, qtbot: QtBot, tiny: Any, study: Path, when_asked: WhenAsked, sentences: list[str]
) -> None:
    workbench.show_case(tiny)
    asked = when_asked(lambda dialog: dialog.reject())
    workbench.open.scan_requested.emit(str(study))
    qtbot.waitUntil(lambda: bool(asked) and not workbench.context.reader.running, timeout=PATIENCE)
    assert workbench.session.scan is tiny[0]
    assert sentences == []


def test_a_tilted_series_is_asked_about_and_says_afterwards_what_was_chosen(
    workbench: Any, qtbot: QtBot, tmp_path: Path, when_asked: WhenAsked
) -> None:
    def tilt(header: Dataset, number: int) -> None:
        x, y, z = header.ImagePositionPatient
        header.ImagePositionPatient = [x, float(y) + 0.5 * number, z]

    folder = make_series(tmp_path / "tilted", edit=tilt).folder
    asked = when_asked(lambda dialog: dialog.findChild(QWidget, "geometry_resample").click())
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=PATIENCE):
        workbench.open.scan_requested.emit(str(folder))
    assert [type(dialog) for dialog in asked] == [GeometryDialog]
    assert workbench.text("scan_notes").startswith("Geometry by your choice: the slices interpolated")
    assert workbench.session.scan.dicom is None


def test_a_nifti_file_that_lies_in_two_places_is_asked_about(
    workbench: Any, qtbot: QtBot, tmp_path: Path, when_asked: WhenAsked
) -> None:
    path = tmp_path / "two places.nii"
    image = nib.Nifti1Image(np.full((8, 8, 4), -1000, np.int16), np.eye(4))
    image.set_sform(np.diag([2.0, 2.0, 2.0, 1.0]), code=1)
    image.set_qform(np.eye(4), code=1)
    nib.save(image, path)
    asked = when_asked(lambda dialog: dialog.reject())
    workbench.open.scan_requested.emit(str(path))
    qtbot.waitUntil(lambda: bool(asked) and not workbench.context.reader.running, timeout=PATIENCE)
    assert workbench.session.scan is None
    asked = when_asked(lambda dialog: dialog.findChild(QWidget, "geometry_qform").click())
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=PATIENCE):
        workbench.open.scan_requested.emit(str(path))
    assert workbench.session.scan.geometry.spacing == (1, 1, 1)
    assert "Geometry by your choice" in workbench.text("scan_notes")


def test_overlapping_regions_bring_up_their_names_and_the_chosen_one_opens(
    workbench: Any, qtbot: QtBot, tmp_path: Path, when_asked: WhenAsked
) -> None:
    scan = read_scan(make_series(tmp_path / "series").folder)
    path, wanted = overlapping_regions(tmp_path / "regions.dcm", scan)
    workbench.session.open_scan(scan)
    named = []

    def choose_the_second(dialog: RegionDialog) -> None:
        named.extend(dialog.list.item(row).text() for row in range(dialog.list.count()))
        dialog.list.setCurrentRow(1)
        dialog.accept()

    asked = when_asked(choose_the_second)
    with qtbot.waitSignal(workbench.session.truth_changed, check_params_cb=bool, timeout=PATIENCE):
        workbench.open.truth_requested.emit(str(path))
    assert [type(dialog) for dialog in asked] == [RegionDialog]
    assert named == ["Lesion", "Lesion 2"]
    assert np.array_equal(workbench.session.truth.array, wanted.array)


def test_stopping_leaves_everything_as_it_was(workbench: Any, qtbot: QtBot, tiny: Any, tmp_path: Path) -> None:
    workbench.show_case(tiny)
    workbench.open.scan_requested.emit(str(make_series(tmp_path / "series").folder))
    assert workbench.text("reading") == "Reading series…"
    workbench.press("stop_reading")
    assert not workbench.context.reader.running
    qtbot.wait(300)
    assert workbench.session.scan is tiny[0]


def test_what_was_dropped_opens_one_after_the_other(
    workbench: Any, qtbot: QtBot, phantom_files: tuple[Path, Path], phantom_case: PhantomCase, when_asked: WhenAsked
) -> None:
    def is_the_truth(dialog: Any) -> None:
        next(button for button in dialog.buttons() if button.text() == "Truth").click()

    when_asked(is_the_truth)
    with qtbot.waitSignal(workbench.session.truth_changed, check_params_cb=bool, timeout=PATIENCE):
        workbench._opener.open_dropped([str(path) for path in phantom_files])
    assert workbench.session.scan.source == phantom_files[0]
    assert np.array_equal(workbench.session.truth.array, phantom_case.truth.array)


@pytest.mark.parametrize(("answer", "role"), [("Mask to correct", "mask"), ("Just a layer", "layer")])
def test_a_dropped_mask_becomes_what_one_says(
    workbench: Any,
    qtbot: QtBot,
    phantom_files: tuple[Path, Path],
    phantom_case: PhantomCase,
    when_asked: WhenAsked,
    answer: str,
    role: str,
) -> None:
    workbench.open_scan(phantom_files[0])
    when_asked(lambda dialog: next(one for one in dialog.buttons() if one.text() == answer).click())
    workbench._opener.open_dropped([str(phantom_files[1])])
    layers = workbench.context.viewer.layers
    if role == "mask":
        qtbot.waitUntil(lambda: workbench.session.mask.array.any(), timeout=PATIENCE)
        assert np.array_equal(workbench.session.mask.array, phantom_case.truth.array)
        assert len(layers) == 2
    else:
        qtbot.waitUntil(lambda: len(layers) == 3, timeout=PATIENCE)
        assert not workbench.session.mask.array.any()
    assert workbench.session.truth is None


def test_a_dropped_mask_of_another_grid_is_just_a_layer(
    workbench: Any, qtbot: QtBot, tiny: Any, tmp_path: Path
) -> None:
    workbench.show_case(tiny)
    other = nifti.Mask.empty(nifti.Geometry.from_spacing((2, 5, 5), (1.0, 1.0, 1.0)))
    nifti.write_mask(tmp_path / "other.nii.gz", other)
    workbench._opener.open_dropped([str(tmp_path / "other.nii.gz")])
    qtbot.waitUntil(lambda: len(workbench.context.viewer.layers) == 4, timeout=PATIENCE)
    assert workbench.session.truth is tiny[1]
