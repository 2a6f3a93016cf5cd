"""Exporting in every format through the panel and its real child, and reading it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest

from napari_lesionseg.review.exports import FORMATS
from napari_lesionseg.volumes import read_mask
from napari_lesionseg.widgets.settings import settings_file
from tests.volumes.dicom.make_series import Series, make_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes.phantom import PhantomCase

PATIENCE = 60_000
MASKS = [key for key in FORMATS if key not in ("csv", "pdf")]


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return make_series(tmp_path / "Doe^Jane", np.full((6, 40, 40), -850, np.int16))


@pytest.fixture
def corrected(workbench: Any, qtbot: QtBot, series: Series) -> Any:
    """A workbench with a DICOM scan, read in the child, and a block of 2 × 6 × 5 voxels marked in it."""
    with qtbot.waitSignal(workbench.session.scan_changed, timeout=PATIENCE):
        workbench.open.scan_requested.emit(str(series.folder))
    workbench.session.mask.array[2:4, 10:16, 20:25] = 1
    workbench.session.mark_edited([2, 3])
    return workbench


def export(workbench: Any, qtbot: QtBot, key: str, path: Path) -> str:
    panel = workbench.export
    panel.format.setCurrentIndex(panel.format.findData(key))
    with qtbot.waitSignals([workbench.context.exporter.saved], timeout=PATIENCE):
        panel.export_requested.emit(str(path))
    return str(panel.state.text())


@pytest.mark.parametrize("key", MASKS)
def test_a_mask_is_saved_proved_and_opens_again_as_the_truth(
    corrected: Any, qtbot: QtBot, tmp_path: Path, key: str
) -> None:
    path = tmp_path / f"out{FORMATS[key].endings[0]}"
    state = export(corrected, qtbot, key, path)
    assert "proved equal by two readers" in state
    assert state.endswith(f": {path.name}, 0.1 ml of lesion.")  # 60 voxels of 1.12 mm³
    assert not corrected.session.dirty
    with qtbot.waitSignal(corrected.session.truth_changed, check_params_cb=bool, timeout=PATIENCE):
        corrected.open.truth_requested.emit(str(path))
    assert np.array_equal(corrected.session.truth.array, corrected.session.mask.array)


@pytest.mark.parametrize("key", ["csv", "pdf"])
def test_a_table_or_a_report_is_no_export_of_the_corrections(
    corrected: Any, qtbot: QtBot, tmp_path: Path, key: str
) -> None:
    path = tmp_path / f"out.{key}"
    assert "proved" not in export(corrected, qtbot, key, path)
    assert path.stat().st_size > 100
    assert corrected.session.dirty


def test_a_report_tells_the_share_of_the_lungs_once_somebody_has_said_that_they_look_right(
    workbench: Any, qtbot: QtBot, tmp_path: Path, phantom_case: PhantomCase, pdf_text: Callable[[bytes], list[str]]
) -> None:
    workbench.session.open_scan(phantom_case.scan)
    workbench.session.load_mask(phantom_case.truth)
    shares = []
    for checked in (False, True):
        workbench.session.set_lungs(phantom_case.lungs, checked=checked)
        export(workbench, qtbot, "pdf", tmp_path / "out.pdf")
        lines = pdf_text((tmp_path / "out.pdf").read_bytes())
        shares.append(lines[lines.index("Share of the lungs") + 1])
    lungs = np.count_nonzero(phantom_case.lungs.array | phantom_case.truth.array)
    assert shares == ["not known", f"{100 * np.count_nonzero(phantom_case.truth.array) / lungs:.1f} %"]


def test_lesion_type_and_pseudonym_stand_in_the_file_and_the_name_of_the_patient_does_not(
    corrected: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    corrected.export.lesion.setCurrentText("Consolidation")
    corrected.export.pseudonym.setText("P-17")
    path = tmp_path / "out.dcm"
    export(corrected, qtbot, "dicom-seg", path)
    written = pydicom.dcmread(path)
    assert (str(written.PatientName).rstrip("^"), written.PatientID) == ("P-17", "P-17")
    assert written.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lung consolidation"
    assert b"Phantom" not in path.read_bytes()
    assert b"Doe" not in path.read_bytes()


def test_what_was_chosen_is_remembered_but_a_pseudonym_is_one_patients(
    corrected: Any, qtbot: QtBot, tmp_path: Path
) -> None:
    corrected.export.format.setCurrentIndex(corrected.export.format.findData("nrrd"))
    corrected.export.lesion.setCurrentText("Nodule")
    corrected.export.pseudonym.setText("P-17")
    export(corrected, qtbot, "nrrd", tmp_path / "out.seg.nrrd")
    kept = json.loads(settings_file().read_text())
    assert (kept["export_format"], kept["lesion_type"]) == ("nrrd", "Nodule")
    corrected.session.open_scan(corrected.session.scan)
    assert corrected.export.choice.format == "nrrd"
    assert (corrected.export.choice.lesion, corrected.export.choice.pseudonym) == ("Nodule", "ANONYMOUS")


def test_the_proposed_name_does_not_repeat_the_folders(corrected: Any, series: Series) -> None:
    assert corrected.export.proposal.parent == series.folder.parent
    assert corrected.export.proposal.name.startswith("case-")
    assert "Doe" not in corrected.export.proposal.name


def test_a_slice_of_the_open_series_is_never_overwritten(corrected: Any, series: Series, sentences: list[str]) -> None:
    before = series.files[2].read_bytes()
    corrected.export.format.setCurrentIndex(corrected.export.format.findData("dicom-seg"))
    corrected.export.export_requested.emit(str(series.files[2]))
    assert "inputs are never overwritten" in sentences[0]
    assert series.files[2].read_bytes() == before


def test_the_window_never_stands_still_while_a_report_is_drawn(
    corrected: Any, qtbot: QtBot, tmp_path: Path, heartbeat: Any
) -> None:
    heart = heartbeat()
    export(corrected, qtbot, "pdf", tmp_path / "out.pdf")
    assert heart.stop() < 0.2


def test_an_edit_during_the_export_stays_unsaved(corrected: Any, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(corrected.context.exporter.saved, timeout=PATIENCE):
        corrected.export.export_requested.emit(str(tmp_path / "out.nii.gz"))
        corrected.session.mask.array[5, 0, 0] = 1
        corrected.session.mark_edited([5])
    assert corrected.session.dirty
    assert read_mask(tmp_path / "out.nii.gz").array.sum() == 60
