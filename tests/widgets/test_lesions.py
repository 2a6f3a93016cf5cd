"""The table of lesions, through the panel's own buttons, keys and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QWidget

from napari_lesionseg.volumes import Geometry, Mask, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

GRID = Geometry.from_spacing((12, 40, 40), (5.0, 2.0, 2.0))  # Voxels of 0.02 ml.
LARGE = np.s_[2:8, 5:15, 5:15]  # 600 voxels: 12 ml, on the patient's right.
SMALL = np.s_[4:6, 20:26, 28:34]  # 72 voxels: 1.44 ml, on the left.
DOT = np.s_[10, 30, 30]


@pytest.fixture
def lesions(workbench: Any, qtbot: QtBot, sentences: list[str]) -> Iterator[Any]:
    """A workbench with a scan of −500 HU, two lesions and a single voxel, counted."""
    workbench.session.open_scan(Volume(np.full(GRID.display_shape, -500, np.int16), GRID))
    # What is done before the journal is there becomes a single step when it comes.
    qtbot.waitUntil(lambda: workbench.context.recorder.is_open, timeout=10_000)
    mask = Mask.empty(GRID)
    mask.array[LARGE] = mask.array[SMALL] = mask.array[DOT] = 1
    workbench.session.load_mask(mask)
    qtbot.waitUntil(lambda: shown(workbench, 0) == ["1", "2", "3"], timeout=10_000)
    yield workbench
    assert [one for one in sentences if "unexpected" in one] == []


def shown(workbench: Any, column: int) -> list[str]:
    """What a column of the table shows, from top to bottom."""
    order = workbench.lesions.order
    return [str(order.data(order.index(at, column))) for at in range(order.rowCount())]


def choose(workbench: Any, qtbot: QtBot, *rows: int) -> None:
    """Click these rows of the table, all but the first with Ctrl."""
    table = workbench.lesions.table
    for at, row in enumerate(rows):
        place = table.visualRect(workbench.lesions.order.index(row, 0)).center()
        held = Qt.KeyboardModifier.ControlModifier if at else Qt.KeyboardModifier.NoModifier
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, held, place)


def voxels(workbench: Any) -> dict[int, int]:
    """How many voxels have each label."""
    labels, counts = np.unique(workbench.session.mask.array, return_counts=True)
    return {int(label): int(count) for label, count in zip(labels, counts, strict=True) if label}


def steps_back_and_forth(workbench: Any, name: str, before: dict[int, int], after: dict[int, int]) -> None:
    """The last step has that name, and undo and redo take its voxels back and bring them again."""
    session = workbench.session
    assert session.history.undoable.name.startswith(name)
    assert voxels(workbench) == after
    session.undo()
    assert voxels(workbench) == before
    session.redo()
    assert voxels(workbench) == after


BEFORE = {1: 673}


def test_lesions_are_listed_with_ml_slices_and_density(lesions: Any) -> None:
    assert shown(lesions, 1) == ["12.00", "1.44", "(0.02)"]
    assert shown(lesions, 2) == ["2–7", "4–5", "10"]
    assert shown(lesions, 4) == ["-500"] * 3
    assert shown(lesions, 5) == ["100"] * 3
    assert lesions.text("lesion_sums").startswith("3 lesions · 13.5 ml · – % of the lungs")


def test_what_is_not_known_has_no_column(lesions: Any, qtbot: QtBot) -> None:
    hidden = [at for at in range(9) if lesions.lesions.table.isColumnHidden(at)]
    assert hidden == [3, 7, 8]  # No lungs, no prediction, no truth.
    truth = Mask.empty(GRID)
    truth.array[2, 5, 5] = truth.array[0, 0:2, 0] = 1
    lesions.session.set_truth(truth)
    qtbot.waitUntil(lambda: shown(lesions, 8) == ["matched", "false", "false", "missed"], timeout=10_000)
    assert not lesions.lesions.table.isColumnHidden(8)
    assert lesions.text("lesion_sums").startswith("3 lesions · 13.5 ml")


def test_a_click_and_the_arrow_keys_go_to_a_lesion(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 2)
    assert lesions.session.slice_index == 10
    assert lesions.context.viewer.scene.camera.center[-2:] == (60.0, 60.0)
    qtbot.keyClick(lesions.lesions.table, Qt.Key.Key_Up)
    assert lesions.session.slice_index == 4
    lesions.session.set_slice(0)
    choose(lesions, qtbot, 1)  # It is the current one already.
    assert lesions.session.slice_index == 4


def test_keys_in_the_viewer_step_through_the_table_as_it_is_sorted(lesions: Any) -> None:
    lesions.lesions.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert shown(lesions, 0) == ["3", "2", "1"]
    keymap = lesions.context.viewer.keymap
    seen = []
    for key in ("9", "9", "9", "9", "8"):
        keymap[next(one for one in keymap if str(one) == key)](lesions.context.viewer)
        seen.append(lesions.session.slice_index)
    assert seen == [10, 4, 2, 10, 2]


def test_rejecting_takes_the_lesion_out_as_one_step(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 1)
    lesions.press("reject_lesion")
    steps_back_and_forth(lesions, "reject lesion 2", BEFORE, {1: 601})
    qtbot.waitUntil(lambda: shown(lesions, 1) == ["12.00", "(0.02)"], timeout=10_000)
    assert lesions.text("lesion_state") == "0 accepted, 1 rejected"
    lesions.session.undo()
    qtbot.waitUntil(lambda: lesions.text("lesion_state") == "0 accepted, 0 rejected", timeout=10_000)


def test_an_accepted_lesion_stays_accepted_through_edits_until_it_is_taken_back(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 0)
    lesions.press("accept_lesion")
    assert lesions.text("lesion_state") == "1 accepted, 0 rejected"
    more = lesions.session.mask.array[5].copy()
    more[15:19, 5:15] = 1
    lesions.session.write_slices({5: more}, "brush")
    qtbot.waitUntil(lambda: shown(lesions, 1)[0] == "12.80", timeout=10_000)
    assert lesions.text("lesion_state") == "1 accepted, 0 rejected"
    choose(lesions, qtbot, 0)
    lesions.press("accept_lesion")
    assert lesions.text("lesion_state") == "0 accepted, 0 rejected"
    assert not any(lesions.lesions.model.is_accepted(one) for one in lesions.lesions.model.rows)


def test_relabelling_two_lesions_is_one_step(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 1, 2)
    lesions.lesions.label.setValue(4)
    lesions.press("relabel_lesion")
    steps_back_and_forth(lesions, "relabel lesions 2 and 3", BEFORE, {1: 600, 4: 73})


def test_merging_without_a_bridge_needs_two_labels_and_with_one_makes_a_single_lesion(
    lesions: Any, qtbot: QtBot, sentences: list[str]
) -> None:
    choose(lesions, qtbot, 0, 1)
    lesions.press("merge_lesions")
    assert "tick Bridge" in sentences[-1]
    lesions.lesions.bridge.setChecked(True)
    lesions.press("merge_lesions")
    gap = 28 - 15 + 0  # Voxels between the two, across.
    steps_back_and_forth(lesions, "merge lesions 1 and 2", BEFORE, {1: 673 + gap})
    qtbot.waitUntil(lambda: shown(lesions, 0) == ["1", "2"], timeout=10_000)


def test_splitting_and_cutting_give_the_parts_labels_and_rows_of_their_own(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 0)
    lesions.session.set_slice(6)
    lesions.press("cut_lesion")
    steps_back_and_forth(lesions, "cut lesion 1", BEFORE, {1: 473, 2: 200})
    qtbot.waitUntil(lambda: shown(lesions, 1) == ["8.00", "4.00", "1.44", "(0.02)"], timeout=10_000)


def test_a_dumbbell_is_split_in_two(lesions: Any, qtbot: QtBot) -> None:
    session = lesions.session
    joined = {z: session.mask.array[z].copy() for z in (4, 5)}
    joined[4][12, 15:30] = joined[4][12:22, 30] = 1
    session.write_slices(joined, "brush")
    qtbot.waitUntil(lambda: len(shown(lesions, 0)) == 2, timeout=10_000)
    before = voxels(lesions)
    choose(lesions, qtbot, 0)
    lesions.press("split_lesion")
    qtbot.waitUntil(lambda: len(voxels(lesions)) == 2, timeout=10_000)
    assert session.history.undoable.name.startswith("split lesion 1")
    assert sum(voxels(lesions).values()) == sum(before.values())
    assert set(voxels(lesions)) == {1, 2}
    assert len(np.unique(session.mask.array[LARGE])) == 1
    assert len(np.unique(session.mask.array[SMALL])) == 1
    session.undo()
    assert voxels(lesions) == before


def test_a_missed_lesion_is_gone_to_but_not_changed(lesions: Any, qtbot: QtBot) -> None:
    truth = Mask.empty(GRID)
    truth.array[1, 35:38, 35:38] = 1
    lesions.session.set_truth(truth)
    qtbot.waitUntil(lambda: len(shown(lesions, 0)) == 4, timeout=10_000)
    choose(lesions, qtbot, 3)
    assert lesions.session.slice_index == 1
    assert not any(
        lesions.findChild(QWidget, name).isEnabled() for name in ("accept_lesion", "reject_lesion", "split_lesion")
    )


def test_a_case_that_is_only_read_offers_no_change(lesions: Any, qtbot: QtBot) -> None:
    choose(lesions, qtbot, 0)
    lesions.session.set_editable(False)
    assert not lesions.lesions.reject.isEnabled()
    assert lesions.lesions.next.isEnabled()


def test_a_share_of_the_lungs_is_stated_only_once_they_are_checked(lesions: Any, qtbot: QtBot) -> None:
    lungs = Mask.empty(GRID)
    lungs.array[1:11, 2:38, 2:18] = lungs.array[1:11, 2:38, 22:38] = 1  # 11520 voxels.
    lesions.session.set_lungs(lungs)
    qtbot.waitUntil(lambda: shown(lesions, 3) == ["R", "L", "L"], timeout=10_000)
    assert "(right 12.0, left 1.5) · – % of the lungs" in lesions.text("lesion_sums")
    lesions.session.set_lungs(lungs, checked=True)
    qtbot.waitUntil(lambda: lesions.text("lesion_sums").endswith("5.8 % of the lungs"), timeout=10_000)


def test_many_edits_are_counted_once_and_a_stale_count_is_dropped(
    lesions: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_lesionseg.review import lesion_overview

    counted: list[int] = []
    real: Callable[..., Any] = lesion_overview.overview

    def count(mask: Mask, known: Any) -> Any:
        counted.append(int(np.count_nonzero(mask.array)))
        return real(mask, known)

    monkeypatch.setattr(lesion_overview, "overview", count)
    for z in range(8, 12):
        empty = np.zeros((40, 40), np.uint8)
        empty[: z - 7, 0] = 1
        lesions.session.write_slices({z: empty}, "brush")
    qtbot.waitUntil(lambda: lesions.text("lesion_sums").startswith("3 lesions · 13.6 ml"), timeout=10_000)
    assert counted == [682]


def test_nothing_is_counted_while_the_panel_is_folded(lesions: Any, qtbot: QtBot) -> None:
    lesions.sections["Lesions"].set_open(False)
    empty = np.zeros((40, 40), np.uint8)
    lesions.session.write_slices({10: empty}, "brush")
    qtbot.wait(600)
    assert len(shown(lesions, 0)) == 3


def test_another_scan_has_an_empty_table(lesions: Any) -> None:
    lesions.session.open_scan(Volume(np.zeros(GRID.display_shape, np.int16), GRID))
    assert shown(lesions, 0) == []
    lesions.session.close_scan()
    assert lesions.text("lesion_state") == "Open a scan to see its lesions."
