"""Each panel alone: what it asks for when it is clicked, and what it shows when it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QWidget

from napari_lesionseg.review.metrics import SliceScores
from napari_lesionseg.volumes.windowing import PRESETS, Window
from napari_lesionseg.widgets.compare_panel import ComparePanel
from napari_lesionseg.widgets.correct_panel import CorrectPanel
from napari_lesionseg.widgets.export_panel import NO_DICOM, ExportPanel
from napari_lesionseg.widgets.export_worker import ExportChoice
from napari_lesionseg.widgets.open_panel import OpenPanel
from napari_lesionseg.widgets.retrain_panel import RetrainPanel
from napari_lesionseg.widgets.segment_panel import SegmentPanel
from napari_lesionseg.widgets.window_panel import NOT_HU, WindowPanel

if TYPE_CHECKING:
    import pytest
    from pytestqt.qtbot import QtBot

    from napari_lesionseg.volumes import Mask, Volume

LEFT = Qt.MouseButton.LeftButton
MODELS = [("first", Path("models/first"), "the first"), ("second", Path("models/second"), "the second")]


def test_a_preset_asks_for_its_window(qtbot: QtBot) -> None:
    panel = WindowPanel()
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.window_requested) as asked:
        qtbot.mouseClick(panel.presets["bone"], LEFT)
    assert asked.args == [Window(400, 1800)]


def test_the_fields_ask_for_the_window_they_show_and_not_when_they_are_told_one(qtbot: QtBot) -> None:
    panel = WindowPanel()
    qtbot.addWidget(panel)
    with qtbot.assertNotEmitted(panel.window_requested):
        panel.show_window(PRESETS["lung"])
    assert (panel.level.value(), panel.width_.value()) == (-600, 1500)
    assert [name for name, preset in panel.presets.items() if preset.isChecked()] == ["lung"]
    with qtbot.waitSignal(panel.window_requested) as asked:
        panel.level.setValue(-500)
    assert asked.args == [Window(-500, 1500)]


def test_presets_are_off_with_the_reason_for_a_grey_scan(qtbot: QtBot) -> None:
    panel = WindowPanel()
    qtbot.addWidget(panel)
    panel.show_intensity("grey")
    presets = panel.presets.values()
    assert [(one.isEnabled(), one.toolTip().startswith(NOT_HU)) for one in presets] == [(False, True)] * 5
    panel.show_intensity("HU")
    assert panel.presets["lung"].isEnabled()
    assert "1500" in panel.presets["lung"].toolTip()


def test_segment_asks_with_the_chosen_model_and_device(qtbot: QtBot) -> None:
    panel = SegmentPanel()
    qtbot.addWidget(panel)
    panel.show_models(MODELS, "second")
    assert not panel.segment.isEnabled()  # There is no scan.
    panel.show_has_scan(True)
    panel.device.setCurrentText("cpu")
    with qtbot.waitSignal(panel.segment_requested) as asked:
        qtbot.mouseClick(panel.segment, LEFT)
    assert asked.args == [str(Path("models/second")), "cpu"]


def test_progress_shows_slices_and_seconds_left_and_offers_only_cancel(qtbot: QtBot) -> None:
    panel = SegmentPanel()
    qtbot.addWidget(panel)
    panel.show_models(MODELS)
    panel.show_has_scan(True)
    panel.show_running("Starting…")
    panel.show_progress(3, 12, 6.4)
    assert (panel.bar.value(), panel.bar.maximum()) == (3, 12)
    assert panel.state.text() == "Slice 3 of 12, about 6 s left"
    assert (panel.segment.isEnabled(), panel.cancel.isEnabled()) == (False, True)
    with qtbot.waitSignal(panel.cancel_requested):
        qtbot.mouseClick(panel.cancel, LEFT)


def test_the_threshold_slider_asks_at_once_and_not_when_it_is_told(qtbot: QtBot) -> None:
    panel = SegmentPanel()
    qtbot.addWidget(panel)
    with qtbot.assertNotEmitted(panel.threshold_requested):
        panel.show_threshold(0.35)
    with qtbot.waitSignal(panel.threshold_requested) as asked:
        panel.threshold.setValue(0.6)
    assert round(asked.args[0], 2) == 0.6


def test_compare_shows_scores_with_a_dash_where_there_is_no_lesion(qtbot: QtBot) -> None:
    panel = ComparePanel()
    qtbot.addWidget(panel)
    panel.show_has_truth(True)
    hit, wrong, missed = np.array([0, 4]), np.array([0, 2]), np.array([0, 2])
    panel.show_scores(SliceScores(hit, wrong, missed), 0.001, 0)
    assert [label.text() for label in panel.numbers.values()] == ["–", "–", "0.667", "0.500"]
    panel.show_scores(SliceScores(hit, wrong, missed), 0.001, 1)
    assert panel.numbers["slice_dice"].text() == "0.667"


def test_a_click_on_the_strip_asks_for_the_slice_under_it(qtbot: QtBot) -> None:
    panel = ComparePanel()
    qtbot.addWidget(panel)
    panel.show_has_truth(True)
    panel.strip.resize(100, 40)
    panel.strip.show_scores(SliceScores(*np.ones((3, 10), int)), 0.001, 0)
    with qtbot.waitSignal(panel.slice_requested) as asked:
        qtbot.mouseClick(panel.strip, LEFT, pos=panel.strip.rect().center())
    assert asked.args == [4]


def test_compare_is_off_without_a_truth_and_says_so(qtbot: QtBot) -> None:
    panel = ComparePanel()
    qtbot.addWidget(panel)
    assert not panel.errors.isEnabled()
    assert panel.state.text() == "Load a truth to compare with."


def test_correct_asks_for_tools_and_edits_by_their_names(qtbot: QtBot) -> None:
    panel = CorrectPanel()
    qtbot.addWidget(panel)
    panel.show_editable(True)
    panel.show_steps(undo="brush, slice 1, +3 voxels", redo="")
    assert "brush, slice 1, +3 voxels" in panel.undo.toolTip()
    assert not panel.redo.isEnabled()
    panel.show_steps(undo="a", redo="b")
    asked: list[object] = []
    panel.tool_requested.connect(asked.append)
    panel.action_requested.connect(lambda action, amount: asked.append((action, amount)))
    panel.brush_requested.connect(asked.append)
    for name in ("tool_paint", "tool_erase", "tool_fill", "copy_below", "copy_above", "revert_slice"):
        qtbot.mouseClick(panel.findChild(QWidget, name), LEFT)
    panel.brush.setValue(12)
    edits: list[object] = [(name, None) for name in ("copy_below", "copy_above", "revert_slice")]
    assert asked == ["paint", "erase", "fill", *edits, 12]


def test_correct_counts_slices_in_words(qtbot: QtBot) -> None:
    panel = CorrectPanel()
    qtbot.addWidget(panel)
    panel.show_count(1, True)
    assert panel.count.text() == "1 slice corrected, this one too"
    panel.show_count(3, False)
    assert panel.count.text() == "3 slices corrected"


def test_export_proposes_a_name_of_the_chosen_format_and_adds_its_ending(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = ExportPanel()
    qtbot.addWidget(panel)
    panel.show_has_scan(True)
    panel.proposal = Path("scan_mask")
    asked: list[tuple[str, str]] = []

    def ask(_parent: QWidget, _title: str, proposal: str, pattern: str) -> tuple[str, str]:
        asked.append((proposal, pattern))
        return "elsewhere", ""

    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getSaveFileName", ask)
    requested: list[str] = []
    panel.export_requested.connect(requested.append)
    for key in ("nifti", "nrrd"):
        panel.format.setCurrentIndex(panel.format.findData(key))
        qtbot.mouseClick(panel.export, LEFT)
    assert [proposal for proposal, _ in asked] == ["scan_mask.nii.gz", "scan_mask.seg.nrrd"]
    assert "(*.seg.nrrd *.nrrd)" in asked[1][1]
    assert requested == ["elsewhere.nii.gz", "elsewhere.seg.nrrd"]


def test_formats_of_dicom_are_off_with_the_reason_unless_the_scan_came_from_dicom(qtbot: QtBot) -> None:
    panel = ExportPanel()
    qtbot.addWidget(panel)
    model = panel.format.model()

    def offered() -> dict[str, tuple[bool, str]]:
        items = {panel.format.itemData(row): model.item(row) for row in range(panel.format.count())}
        return {key: (item.isEnabled(), item.toolTip()) for key, item in items.items()}

    panel.show_has_scan(True)
    assert {key for key, (enabled, _) in offered().items() if not enabled} == {"dicom-seg", "rtstruct"}
    assert offered()["dicom-seg"][1] == NO_DICOM
    panel.show_has_scan(True, has_dicom=True)
    assert all(enabled for enabled, _ in offered().values())
    panel.format.setCurrentIndex(panel.format.findData("rtstruct"))
    panel.show_has_scan(True)
    assert panel.choice.format == "nifti"


def test_a_nifti_mask_has_no_place_for_type_and_pseudonym(qtbot: QtBot) -> None:
    panel = ExportPanel()
    qtbot.addWidget(panel)
    assert (panel.lesion.isEnabled(), panel.pseudonym.isEnabled()) == (False, False)
    panel.format.setCurrentIndex(panel.format.findData("pdf"))
    panel.lesion.setCurrentText("Nodule")
    panel.pseudonym.setText("  P-17 ")
    assert panel.choice == ExportChoice("pdf", "Nodule", "P-17")
    panel.pseudonym.clear()
    assert panel.choice.pseudonym == "ANONYMOUS"


def test_retrain_asks_with_model_epochs_and_device(qtbot: QtBot) -> None:
    panel = RetrainPanel()
    qtbot.addWidget(panel)
    panel.show_models(MODELS)
    panel.show_has_scan(True)
    panel.epochs.setValue(7)
    panel.device.setCurrentText("cpu")
    with qtbot.waitSignal(panel.train_requested) as asked:
        qtbot.mouseClick(panel.train, LEFT)
    assert asked.args == [str(Path("models/first")), 7, "cpu"]
    panel.show_running("Starting…")
    assert (panel.train.isEnabled(), panel.stop.isEnabled(), panel.load.isEnabled()) == (False, True, False)
    panel.show_idle("Finished.", has_model=True)
    assert (panel.train.isEnabled(), panel.stop.isEnabled(), panel.load.isEnabled()) == (True, False, True)


def test_the_open_panel_says_what_is_open(qtbot: QtBot, tiny: tuple[Volume, Mask, np.ndarray]) -> None:
    panel = OpenPanel()
    qtbot.addWidget(panel)
    panel.show_scan(tiny[0])
    assert "4 slices of 10 × 10 · 2 × 1 × 1 mm · HU" in panel.findChild(QWidget, "scan_info").text()
    assert not panel.findChild(QWidget, "scan_notes").isVisibleTo(panel)
    panel.show_scan(None)
    assert not panel.findChild(QWidget, "load_truth").isEnabled()


def test_what_to_know_about_a_scan_stands_in_the_panel(qtbot: QtBot, tiny: tuple[Volume, Mask, np.ndarray]) -> None:
    panel = OpenPanel()
    qtbot.addWidget(panel)
    panel.show_scan(replace(tiny[0], warnings=("First.", "Second.", "Third."), lossy=True))
    notes = panel.findChild(QWidget, "scan_notes")
    assert notes.isVisibleTo(panel)
    assert notes.text() == "First.\nSecond.\n… and 1 more (see the tool tip)"
    assert notes.toolTip() == "First.\nSecond.\nThird."
    assert panel.findChild(QWidget, "scan_info").text().endswith("HU · lossy")
    panel.show_scan(tiny[0])
    assert not notes.isVisibleTo(panel)


def test_a_folder_is_asked_for_by_a_button_of_its_own(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = OpenPanel()
    qtbot.addWidget(panel)
    panel.folder = "start"
    asked = []
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getExistingDirectory",
        lambda _parent, _title, folder: asked.append(folder) or "series",
    )
    with qtbot.waitSignals([panel.choosing, panel.scan_requested]) as requested:
        qtbot.mouseClick(panel.findChild(QWidget, "open_folder"), LEFT)
    assert (asked, requested.all_signals_and_args[-1].args) == (["start"], ("series",))


def test_what_is_read_stands_in_the_panel_with_a_button_to_stop(qtbot: QtBot) -> None:
    panel = OpenPanel()
    qtbot.addWidget(panel)
    stop = panel.findChild(QWidget, "stop_reading")
    assert not stop.isVisibleTo(panel)
    panel.show_reading("series")
    assert panel.findChild(QWidget, "reading").text() == "Reading series…"
    with qtbot.waitSignal(panel.stop_requested):
        qtbot.mouseClick(stop, LEFT)


def test_every_control_has_a_name_and_a_tool_tip(qtbot: QtBot) -> None:
    nameless = []
    for make in (OpenPanel, WindowPanel, SegmentPanel, ComparePanel, CorrectPanel, ExportPanel, RetrainPanel):
        panel = make()
        qtbot.addWidget(panel)
        for kind in (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox):
            for control in panel.findChildren(kind):
                own = control.parent() is panel
                if own and not (control.objectName() and control.toolTip()):
                    nameless.append((make.__name__, type(control).__name__, control.objectName()))
    assert nameless == []
