"""A study in the workbench: cases are opened, drawn in, left, decided on, and found again as they were left."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMainWindow

from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.queue import case_rows
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.study.writer import Writer
from napari_lesionseg.study.writing import Listener
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

SHAPE = (6, 12, 10)
PATIENCE = 60_000  # A child starts anew for each test, and the processor is shared.
WhenAsked = "Callable[[Callable[[QWidget], None]], list[QWidget]]"


def write_scan(folder: Path, value: int, geometry: Geometry) -> Path:
    voxels = np.full(geometry.display_shape, -800, np.int16)
    voxels[0, 0, 0] = value
    path = folder / f"scan-{value}.nii.gz"
    nifti.write_scan(path, Volume(voxels, geometry))
    return path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Three predicted cases on one grid; a has a truth."""
    study = Study.create(tmp_path / "study")
    geometry = Geometry.from_spacing(SHAPE, (2.0, 1.0, 1.0))
    for value, case in enumerate("abc"):
        study.add_case(case, f"p{case}", write_scan(tmp_path, value, geometry))
        mask = Mask.empty(geometry)
        mask.array[2, 2:4, 2:4] = 1
        study.add_revision(case, "prediction", mask, model="tiny")
        if case == "a":
            study.add_revision(case, "truth", mask)
    return study


@pytest.fixture
def opened(workbench: Any, qtbot: QtBot, study: Study) -> Iterator[Any]:
    """The workbench with the study open, and what a hand does with it."""
    workbench.open.study_requested.emit(str(study.folder))
    qtbot.waitUntil(lambda: len(workbench.cases.model.rows) == 3, timeout=PATIENCE)

    def until(case: str) -> None:
        qtbot.waitUntil(lambda: now(workbench) == case and not workbench.context.opening._wanted, timeout=PATIENCE)

    def go(button: str, case: str) -> None:
        workbench.press(button)
        until(case)

    def choose(case: str) -> None:
        workbench.cases.case_requested.emit(case)
        until(case)

    workbench.until, workbench.go, workbench.choose = until, go, choose
    workbench.paint = lambda z, y, x: workbench.context.layers.mask.paint((z, y, x), 1)
    yield workbench


def now(workbench: Any) -> str:
    found = workbench.context.opening.now
    return "" if found is None else str(found.id)


def state_of(study: Study, case: str) -> str:
    return case_rows(study, case)[0].state


def test_a_case_opens_with_its_prediction_and_its_truth(opened: Any) -> None:
    opened.go("next_unfinished", "a")
    session = opened.session
    assert session.mask.array.sum() == 4 and session.truth.array.sum() == 4
    assert session.scan.array[0, 0, 0] == 0
    assert opened.text("case_headline").startswith("<b>a</b> · predicted")
    opened.go("next_case", "b")
    assert session.truth is None and session.scan.array[0, 0, 0] == 1
    assert list(opened.context.viewer.layers)[0].data is session.scan.array
    assert opened.context.layers.mask.data is session.mask.array


def test_a_case_that_is_left_is_kept_and_found_again_with_its_history(opened: Any, study: Study, qtbot: QtBot) -> None:
    opened.go("next_case", "a")
    opened.context.layers.mask.brush_size = 1
    opened.paint(2, 8, 8)
    opened.paint(3, 8, 8)
    opened.go("next_case", "b")
    assert opened.session.mask.array.sum() == 4
    qtbot.waitUntil(lambda: study.latest("a", "correction") is not None, timeout=PATIENCE)
    kept = study.latest("a", "correction")
    assert (kept.position, kept.corrected_slices, kept.draft) == (2, (2, 3), Drafts(study).find_main("a").id)
    assert kept.parent == study.latest("a", "prediction").id
    assert state_of(study, "a") == "in review" and state_of(study, "b") == "predicted"
    opened.go("previous_case", "a")
    session = opened.session
    assert session.mask.array.sum() == 6 and session.corrected_slices == {2, 3}
    assert [step.name for step in session.history.steps] == ["brush, slice 2, +1 voxels", "brush, slice 3, +1 voxels"]
    assert session.undo() and session.undo() and not session.undo()
    assert session.mask.array.sum() == 4


def test_a_case_that_was_only_looked_at_keeps_its_state_and_adds_no_revision(opened: Any, study: Study) -> None:
    opened.go("next_case", "a")
    opened.go("next_case", "b")
    opened.context.close()
    assert [revision.role for revision in study.revisions("a")] == ["prediction", "truth"]
    assert state_of(study, "a") == "predicted"


def test_drawing_and_undoing_adds_no_revision(opened: Any, study: Study) -> None:
    opened.choose("b")
    opened.paint(2, 8, 8)
    opened.session.undo()
    opened.context.close()
    assert study.latest("b", "correction") is None
    with Journal(study, Drafts(study).find_main("b")) as journal:
        assert journal.length == 2


def test_closing_the_window_keeps_the_open_case_without_a_question(opened: Any, study: Study) -> None:
    opened.go("next_case", "a")
    opened.context.layers.mask.brush_size = 1
    opened.paint(4, 8, 8)
    opened.context.close()
    kept = study.latest("a", "correction")
    assert kept is not None and nifti.read_mask(kept.path).array.sum() == 5


@pytest.mark.parametrize("how", ["close the window", "open the case again", "go on to the next"])
def test_the_last_stroke_is_kept_though_the_disk_is_slow(
    opened: Any, study: Study, sentences: list[str], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, how: str
) -> None:
    opened.go("next_case", "a")
    opened.context.layers.mask.brush_size = 1
    append = Journal.append
    monkeypatch.setattr(Journal, "append", lambda *given, **named: time.sleep(0.8) or append(*given, **named))
    opened.paint(4, 8, 8)
    if how == "close the window":
        opened.context.close()
    elif how == "open the case again":
        opened.context.opening.open(opened.context.study, "a", "ann", "edit")
    else:
        opened.press("next_case")
    if how != "close the window":
        qtbot.waitUntil(lambda: study.latest("a", "correction") is not None, timeout=PATIENCE)
    assert sentences == []
    assert study.latest("a", "correction").position == 1


def test_a_case_goes_on_when_the_dock_is_closed_and_opened_again(opened: Any, study: Study, qtbot: QtBot) -> None:
    opened.go("next_case", "a")
    opened.context.layers.mask.brush_size = 1
    opened.paint(4, 8, 8)
    context = opened.context
    context.close()  # As the last panel does when it goes.
    assert study.latest("a", "correction").position == 1
    assert now(opened) == ""
    opened.paint(4, 8, 9)  # napari's own tools work without a panel.
    again = Workbench(context.viewer)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: len(again.cases.model.rows) == 3 and context.recorder.is_open, timeout=PATIENCE)
    assert (now(again), again.cases.headline.text()[:8]) == ("a", "<b>a</b>")
    assert [step.slice for step in context.session.history.steps] == [4, 4]
    opened.paint(3, 8, 8)
    again.cases.steps["next_case"].click()
    qtbot.waitUntil(lambda: now(again) == "b", timeout=PATIENCE)
    qtbot.waitUntil(lambda: study.latest("a", "correction").position == 3, timeout=PATIENCE)
    kept = study.latest("a", "correction")
    assert nifti.read_mask(kept.path).array.sum() == 7
    assert kept.draft == Drafts(study).find_main("a").id


def test_a_case_that_a_colleague_took_while_the_dock_was_closed_is_no_longer_open(
    study: Study, qtbot: QtBot, when_asked: Any
) -> None:
    viewer = ViewerModel()
    first = Workbench(viewer)
    context = first.context
    first.open_study(study.folder)
    qtbot.waitUntil(lambda: len(first.cases.model.rows) == 3, timeout=PATIENCE)
    first.cases.case_requested.emit("a")
    qtbot.waitUntil(lambda: context.opening.now is not None, timeout=PATIENCE)
    first.deleteLater()
    qtbot.waitUntil(lambda: context.study is None, timeout=PATIENCE)
    writer = Writer(study.folder, "a", "colleague", Listener())
    writer.start()
    qtbot.waitUntil(lambda: writer.draft is not None, timeout=PATIENCE)
    asked = when_asked(lambda box: next(one for one in box.buttons() if one.text() == "Cancel").click())
    again = Workbench(viewer)
    qtbot.addWidget(again)
    try:
        qtbot.waitUntil(lambda: len(asked) == 1 and context.opening.now is None, timeout=PATIENCE)
        assert not again.session.editable
    finally:
        context.close()
        writer.close()
    assert study.latest("a", "correction") is None


def test_zoom_centre_window_tool_and_slices_survive_switching(opened: Any) -> None:
    from napari_lesionseg.volumes.windowing import Window

    opened.go("next_case", "a")
    camera, layer = opened.context.viewer.scene.camera, opened.context.layers.mask
    camera.zoom, camera.center = 7.5, (0.0, 3.0, 4.0)
    opened.session.set_window(Window(12, 345))
    opened.session.set_slice(1)
    opened.press("tool_paint")
    opened.press("show_errors")
    for button, case in (("next_case", "b"), ("next_case", "c"), ("previous_case", "b"), ("previous_case", "a")):
        opened.go(button, case)
        assert camera.zoom == 7.5 and tuple(camera.center)[-2:] == (3.0, 4.0)
        assert (opened.session.window.level, opened.session.window.width) == (12, 345)
        assert tuple(opened.context.layers.image.contrast_limits) == (12 - 172.5, 12 + 172.5)
        assert opened.context.layers.mask is layer and str(layer.mode) == "paint"
        if case == "c":
            opened.session.set_slice(5)
    assert opened.session.slice_index == 1 and opened.context.viewer.dims.current_step[0] == 1
    assert opened.context.layers.comparison.errors is not None


def test_no_tool_no_section_and_no_decision_resets_zoom_slice_or_window(opened: Any, qtbot: QtBot) -> None:
    from napari_lesionseg.volumes.windowing import Window

    opened.go("next_case", "a")
    camera = opened.context.viewer.scene.camera
    camera.zoom, camera.center = 7.5, (0.0, 3.0, 4.0)
    opened.session.set_window(Window(12, 345))
    opened.session.set_slice(4)
    opened.paint(4, 8, 8)

    def seen() -> tuple[object, ...]:
        window = opened.session.window
        return camera.zoom, *camera.center[-2:], window.level, window.width, opened.session.slice_index

    for button in (
        "tool_paint",
        "tool_erase",
        "show_errors",
        "show_truth",
        "show_errors",
        "undo",
        "redo",
        "tool_pan_zoom",
    ):
        opened.press(button)
        assert seen() == (7.5, 3.0, 4.0, 12, 345, 4), button
    for section in opened.sections.values():
        for is_open in (True, False, True):
            section.set_open(is_open)
    assert seen() == (7.5, 3.0, 4.0, 12, 345, 4)
    tour = opened.context.tour
    qtbot.waitUntil(lambda: tour.ready and not tour.unseen(), timeout=PATIENCE)  # The speck is found, and in sight.
    for button, state in (("accept_case", "approved"), ("reopen_case", "reopened")):
        opened.press(button)
        qtbot.waitUntil(lambda state=state: opened.cases.row("a").state == state, timeout=PATIENCE)
        opened.until("a")
        qtbot.waitUntil(lambda: opened.cases.isEnabled() and opened.context.recorder.is_open, timeout=PATIENCE)
        assert seen() == (7.5, 3.0, 4.0, 12, 345, 4), button


def test_a_scan_of_another_size_is_seen_at_the_same_share(
    opened: Any, study: Study, tmp_path: Path, qtbot: QtBot
) -> None:
    double = Geometry.from_spacing((3, 24, 20), (2.0, 1.0, 1.0))
    study.add_case("d", "pd", write_scan(tmp_path, 9, double))
    opened._cases.refresh()
    opened.go("next_case", "a")
    camera = opened.context.viewer.scene.camera
    camera.zoom, camera.center = 8.0, (0.0, 3.0, 4.0)
    qtbot.waitUntil(lambda: len(opened.cases.model.rows) == 4, timeout=PATIENCE)
    opened.choose("d")
    assert camera.zoom == pytest.approx(4.0) and tuple(camera.center)[-2:] == pytest.approx((6.0, 8.0))
    assert opened.context.layers.mask.data.shape == opened.session.scan.array.shape


def test_accepting_keeps_the_whole_mask_and_closes_the_case_to_edits(opened: Any, study: Study, qtbot: QtBot) -> None:
    opened.choose("b")
    opened.press("accept_case")
    qtbot.waitUntil(lambda: state_of(study, "b") == "approved", timeout=PATIENCE)
    assert [move.after for move in Workflow(study).moves("b")][-3:] == ["in review", "corrected", "approved"]
    kept = study.latest("b", "correction")
    assert kept.corrected_slices is None and kept.model == "tiny"
    qtbot.waitUntil(lambda: opened.cases.progress.value() == 1, timeout=PATIENCE)
    assert not opened.session.editable
    opened.go("next_unfinished", "c")
    opened.go("next_unfinished", "a")
    opened.go("next_case", "b")
    assert not opened.session.editable
    opened.press("reopen_case")
    qtbot.waitUntil(lambda: opened.session.editable, timeout=PATIENCE)
    assert state_of(study, "b") == "reopened"


def speck_in(opened: Any) -> None:
    """Draw 0.03 ml on slice 4 alone: one suspicious place."""
    labels = opened.session.mask.array[4].copy()
    labels[2:7, 2:5] = 1
    opened.session.write_slices({4: labels}, "lasso")


def test_a_case_is_not_approved_before_its_suspicious_places_were_on_the_screen(
    opened: Any, study: Study, qtbot: QtBot
) -> None:
    opened.choose("b")
    opened.session.set_slice(0)
    speck_in(opened)
    opened.press("accept_case")
    qtbot.waitUntil(lambda: opened.cases.anyway.isVisibleTo(opened.cases), timeout=PATIENCE)
    said = opened.text("unseen_places")
    assert said.startswith("1 suspicious place has not been on the screen; nor were ") and " of 6 slices" in said
    assert state_of(study, "b") != "approved" and opened.session.editable
    opened.press("next_place")
    assert opened.session.slice_index == 4
    assert not opened.cases.anyway.isVisibleTo(opened.cases)
    opened.press("accept_case")
    qtbot.waitUntil(lambda: state_of(study, "b") == "approved", timeout=PATIENCE)
    assert Workflow(study).comments("b") == []


def test_approving_anyway_writes_down_what_was_waived_pinned_to_the_voxel(
    opened: Any, study: Study, qtbot: QtBot
) -> None:
    opened.choose("b")
    opened.session.set_slice(0)
    speck_in(opened)
    opened.press("accept_case")
    qtbot.waitUntil(lambda: opened.cases.anyway.isVisibleTo(opened.cases), timeout=PATIENCE)
    opened.press("approve_anyway")
    qtbot.waitUntil(lambda: state_of(study, "b") == "approved", timeout=PATIENCE)
    (comment,) = Workflow(study).comments("b")
    told = "slice 4: Lesion of 0.03 ml: it is on one slice only"
    assert comment.text == f"Approved with 1 suspicious place waived, not seen: {told}."
    assert comment.voxel == (4, 4, 3) and comment.move == Workflow(study).moves("b")[-1].number


def test_what_holds_up_one_case_is_not_said_of_the_next(opened: Any, qtbot: QtBot) -> None:
    opened.choose("b")
    opened.session.set_slice(0)
    speck_in(opened)
    opened.press("accept_case")
    qtbot.waitUntil(lambda: opened.cases.anyway.isVisibleTo(opened.cases), timeout=PATIENCE)
    opened.go("next_case", "c")
    assert not opened.cases.anyway.isVisibleTo(opened.cases)


def test_a_place_that_is_waived_is_a_comment_on_its_case(opened: Any, study: Study, qtbot: QtBot) -> None:
    opened.choose("b")
    opened.session.set_slice(0)
    speck_in(opened)
    qtbot.waitUntil(lambda: opened.tour.list.count() == 1, timeout=PATIENCE)
    opened.tour.list.setCurrentRow(0)
    opened.press("place_waived")
    qtbot.waitUntil(lambda: len(Workflow(study).comments("b")) == 1, timeout=PATIENCE)
    (comment,) = Workflow(study).comments("b")
    assert comment.text == "Waived: Lesion of 0.03 ml: it is on one slice only." and comment.voxel == (4, 4, 3)


def test_the_last_model_is_the_one_before_in_the_study(opened: Any, study: Study, qtbot: QtBot) -> None:
    mask = Mask.empty(study.case("b").geometry)
    mask.array[2, 2:4, 2:4], mask.array[4:6, 5:10, 3:8] = 1, 1
    study.add_revision("b", "prediction", mask, model="newer")
    opened.choose("b")
    qtbot.waitUntil(lambda: opened.tour.list.count() == 1, timeout=PATIENCE)
    text = opened.tour.list.item(0).text()
    assert text == "○ slice 4: The mask has 0.10 ml here that the last model (tiny) did not mark."


def test_rejecting_needs_a_reason_and_pins_the_comment(
    opened: Any, study: Study, qtbot: QtBot, when_asked: WhenAsked
) -> None:
    opened.go("next_case", "a")
    opened.session.set_slice(3)

    def answer(dialog: Any) -> None:
        dialog.reason.setEditText("borders are wrong")
        dialog.comment.setPlainText("look here")
        dialog.ok.click()

    asked = when_asked(answer)
    opened.press("reject_case")
    qtbot.waitUntil(lambda: opened.cases.comments.count() == 1, timeout=PATIENCE)
    assert len(asked) == 1 and state_of(study, "a") == "rejected"
    assert Workflow(study).moves("a")[-1].reason == "borders are wrong"
    assert Workflow(study).comments("a")[0].voxel[0] == 3
    opened.session.set_slice(0)
    comments = opened.cases.comments
    comments.itemClicked.emit(comments.item(0))
    assert opened.session.slice_index == 3


def test_the_end_screen_comes_with_the_last_case(
    opened: Any, study: Study, qtbot: QtBot, when_asked: WhenAsked
) -> None:
    for case in "abc":
        opened.go("next_unfinished", case)
        assert not opened.cases.end.isVisibleTo(opened)
        opened.press("accept_case")
        qtbot.waitUntil(lambda case=case: state_of(study, case) == "approved", timeout=PATIENCE)
    qtbot.waitUntil(lambda: opened.cases.end.isVisibleTo(opened), timeout=PATIENCE)
    assert "All 3 cases are finished" in opened.text("end_text")
    opened.press("end_close")
    assert opened.session.scan is None and not opened.sections["Cases"].isVisibleTo(opened)


@pytest.mark.parametrize("choice", ["Read only", "Work on a copy of your own", "Cancel"])
def test_a_case_that_somebody_else_works_on(
    opened: Any, study: Study, qtbot: QtBot, when_asked: WhenAsked, choice: str
) -> None:
    writer = Writer(study.folder, "b", "colleague", Listener())
    writer.start()
    qtbot.waitUntil(lambda: writer.draft is not None, timeout=PATIENCE)
    opened.go("next_case", "a")
    asked = when_asked(lambda box: next(one for one in box.buttons() if one.text() == choice).click())
    opened.press("next_case")
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE)
    try:
        if choice == "Cancel":
            qtbot.wait(300)
            assert now(opened) == "a" and opened.session.editable
            return
        opened.until("b")
        assert opened.session.editable == (choice != "Read only")
        opened.paint(2, 8, 8)
        assert (opened.session.mask.array.sum() > 4) == (choice != "Read only")
    finally:
        opened.context.close()
        writer.close()
    assert study.latest("b", "correction") is None if choice == "Read only" else study.latest("b", "correction")
    assert [draft.purpose for draft in Drafts(study).of("b")] == ["main"] + ["branch"] * (choice[0] == "W")


def test_a_scan_that_has_changed_is_not_opened_and_the_open_case_stays(
    opened: Any, study: Study, sentences: list[str], qtbot: QtBot
) -> None:
    opened.go("next_case", "a")
    study.case("c").scan.write_bytes(b"another file")
    opened._cases.open_case("c")
    qtbot.waitUntil(lambda: bool(sentences), timeout=PATIENCE)
    assert "no longer the file that was added" in sentences[0] and sentences[0].startswith("Case c cannot be opened")
    assert now(opened) == "a" and opened.session.editable


def test_a_case_may_be_left_for_a_loose_scan_and_both_are_kept(
    opened: Any, study: Study, qtbot: QtBot, tiny: Any
) -> None:
    opened.go("next_case", "a")
    opened.context.layers.mask.brush_size = 1
    opened.paint(2, 8, 8)
    opened.session.open_scan(tiny[0])
    assert now(opened) == "" and opened.cases.model.open_id == ""
    qtbot.waitUntil(lambda: opened.context.recorder.is_open, timeout=PATIENCE)
    assert study.latest("a", "correction") is not None
    opened.paint(1, 5, 5)
    opened.session.close_scan()
    opened.session.open_scan(tiny[0])
    qtbot.waitUntil(lambda: opened.context.recorder.is_open, timeout=PATIENCE)
    assert opened.session.mask.array.sum() > 0
    assert "came back from the journal" in opened.text("workbench_message")


def test_what_is_no_study_is_told_in_one_sentence(
    workbench: Any, qtbot: QtBot, tmp_path: Path, sentences: list[str]
) -> None:
    (tmp_path / "study.db").write_bytes(b"not a database")
    workbench.open.study_requested.emit(str(tmp_path))
    qtbot.waitUntil(lambda: bool(sentences), timeout=PATIENCE)
    assert "is not a study database" in sentences[0] and workbench.context.study is None


@pytest.mark.skipif(sys.platform == "darwin", reason="Control is another key there")
def test_the_keys_work_wherever_the_focus_is_and_only_with_a_study(workbench: Any, qtbot: QtBot, study: Study) -> None:
    window = QMainWindow()
    window.setCentralWidget(workbench)
    qtbot.addWidget(window)
    window.show()
    pressed: list[str] = []
    for name in workbench.cases.steps:
        workbench.cases.steps[name].clicked.connect(lambda _=False, name=name: pressed.append(name))
    ctrl, alt, shift = (
        Qt.KeyboardModifier.ControlModifier,
        Qt.KeyboardModifier.AltModifier,
        Qt.KeyboardModifier.ShiftModifier,
    )

    def all_keys() -> None:
        for key, more in ((Qt.Key.Key_N, alt), (Qt.Key.Key_P, alt), (Qt.Key.Key_N, shift), (Qt.Key.Key_P, shift)):
            QTest.keyClick(workbench.open, key, ctrl | more)

    all_keys()
    assert pressed == []
    workbench.open_study(study.folder)
    qtbot.waitUntil(lambda: len(workbench.cases.model.rows) == 3, timeout=PATIENCE)
    all_keys()
    assert pressed == ["next_case", "previous_case", "next_unfinished", "previous_unfinished"]
    window.takeCentralWidget()
