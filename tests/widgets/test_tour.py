"""The tour of suspicious places through the panel and its keys, on a scan whose places are counted by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from app_model.types import KeyBinding

from napari_lesionseg.review import suspicion
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets import tour as tour_module

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

PATIENCE = 10_000
SHAPE = (8, 20, 20)
GRID = Geometry.from_spacing(SHAPE, (16.0, 2.5, 2.5))  # 0.1 ml a voxel.


def probability() -> np.ndarray:
    """A model that is unsure of 4 voxels on slice 2 and of 2 on slice 6."""
    made = np.zeros(SHAPE, np.uint8)
    made[2, 4:6, 4:6], made[6, 15, 15:17] = 120, 120
    return made


class Toured:
    """A workbench with a hand and an eye for the tour."""

    def __init__(self, workbench: Any, qtbot: QtBot) -> None:
        self.workbench, self.session, self.tour, self.qtbot = (
            workbench,
            workbench.session,
            workbench.context.tour,
            qtbot,
        )
        self.panel = workbench.tour
        self.said: list[str] = []
        self.session.message.connect(self.said.append)

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: self.tour.ready, timeout=PATIENCE)

    def rows(self) -> list[str]:
        return [self.panel.list.item(number).text() for number in range(self.panel.list.count())]

    def key(self, key: str) -> None:
        viewer = self.workbench.context.viewer
        viewer.keymap[KeyBinding.from_str(key)](viewer)


@pytest.fixture
def toured(workbench: Any, qtbot: QtBot) -> Toured:
    made = Toured(workbench, qtbot)
    made.session.open_scan(Volume(np.full(SHAPE, -700, np.int16), GRID))
    made.session.set_prediction(probability(), "tiny", 0.9)
    made.session.set_slice(0)
    made.wait()
    return made


UNSURE_2, UNSURE_6 = "slice 2: The model is unsure of 0.40 ml here.", "slice 6: The model is unsure of 0.20 ml here."


def test_the_list_says_where_and_why_the_most_suspicious_first(toured: Toured) -> None:
    assert toured.rows() == [f"○ {UNSURE_2}", f"○ {UNSURE_6}"]
    assert toured.panel.state.text() == "2 places, 2 not seen yet"


def test_n_leads_from_place_to_place_centres_them_says_why_and_ticks_them_off(toured: Toured) -> None:
    toured.key("N")
    assert toured.session.slice_index == 2
    assert tuple(toured.workbench.context.viewer.scene.camera.center)[-2:] in [
        (y * 2.5, x * 2.5) for y in (4, 5) for x in (4, 5)
    ]
    assert toured.said[-1] == f"1 of 2, {UNSURE_2}"
    assert toured.rows() == [f"✓ {UNSURE_2}", f"○ {UNSURE_6}"]
    toured.key("N")
    assert (toured.session.slice_index, toured.panel.list.currentRow()) == (6, 1)
    assert toured.panel.state.text() == "2 places, 0 not seen yet"
    toured.key("N")
    assert toured.session.slice_index == 2  # From the beginning.
    toured.workbench.press("previous_place")
    assert toured.session.slice_index == 6


def test_a_click_leads_to_a_place(toured: Toured) -> None:
    toured.panel.list.itemClicked.emit(toured.panel.list.item(1))
    assert toured.session.slice_index == 6
    assert toured.rows()[1].startswith("✓")


def test_a_place_is_waived_or_called_seen_without_going_there(toured: Toured) -> None:
    toured.panel.list.setCurrentRow(1)
    toured.workbench.press("place_waived")
    toured.panel.list.setCurrentRow(0)
    toured.workbench.press("place_seen")
    assert toured.rows() == [f"✓ {UNSURE_2}", f"– {UNSURE_6}"]
    assert toured.session.slice_index == 0 and toured.tour.unseen() == []


def test_who_looks_at_a_place_by_himself_has_seen_it_and_who_scrolls_past_has_not(toured: Toured) -> None:
    for z in (1, 2, 3):
        toured.session.set_slice(z)
    toured.qtbot.wait(tour_module.LOOK_MS + 200)
    assert toured.tour.done == {}
    toured.session.set_slice(2)
    toured.qtbot.waitUntil(lambda: len(toured.tour.done) == 1, timeout=PATIENCE)
    assert toured.rows()[0] == f"✓ {UNSURE_2}"


def test_a_place_beside_the_picture_is_not_seen_until_the_picture_is_moved(toured: Toured) -> None:
    camera = toured.workbench.context.viewer.scene.camera
    camera.zoom, camera.center = 100.0, (0.0, 45.0, 45.0)
    toured.session.set_slice(2)
    toured.qtbot.wait(tour_module.LOOK_MS + 200)
    assert toured.tour.done == {}
    camera.center = (0.0, 11.0, 11.0)
    toured.qtbot.waitUntil(lambda: len(toured.tour.done) == 1, timeout=PATIENCE)


def test_after_an_edit_what_was_seen_stays_seen_and_a_new_place_is_not(toured: Toured) -> None:
    toured.key("N")
    speck = np.zeros(SHAPE[1:], np.uint8)
    speck[10, 10] = 1
    toured.session.write_slices({4: speck}, "lasso")
    assert toured.panel.state.text() == "Looking for suspicious places…"
    toured.wait()
    alone = "slice 4: Lesion of 0.10 ml: it is on one slice only."
    assert toured.rows() == [f"✓ {UNSURE_2}", f"○ {UNSURE_6}", f"○ {alone}"]
    toured.session.undo()
    toured.wait()
    assert toured.rows() == [f"✓ {UNSURE_2}", f"○ {UNSURE_6}"]


def test_an_edit_looks_again_at_the_mask_only_and_many_edits_only_once(
    toured: Toured, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(tour_module, "unsure_places", lambda *_: looked.append("probability"))
    found = tour_module.suspicious_places
    monkeypatch.setattr(tour_module, "suspicious_places", lambda *args: (looked.append("mask"), found(*args))[1])
    for x in range(5, 10):
        toured.session.mask.array[4, 10, x] = 1
        toured.session.mark_edited([4])
    toured.wait()
    assert looked == ["mask"]
    assert toured.rows()[0] == "○ slice 4: Lesion of 0.50 ml: it is on one slice only."


def test_n_waits_for_what_is_being_looked_for(toured: Toured) -> None:
    speck = np.zeros(SHAPE[1:], np.uint8)
    speck[10, 2:18] = 1
    toured.session.write_slices({4: speck}, "lasso")
    toured.key("N")
    toured.qtbot.waitUntil(lambda: toured.session.slice_index == 4, timeout=PATIENCE)
    assert toured.said[-1] == "1 of 3, slice 4: Lesion of 1.60 ml: it is on one slice only."


def test_the_lungs_and_another_models_prediction_bring_places(toured: Toured) -> None:
    lungs = Mask.empty(GRID)
    lungs.array[:, :10] = 1
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:5, 12, 2:4] = 255
    toured.session.set_prediction(mask, "second", 0.5)
    toured.session.set_lungs(lungs)
    toured.wait()
    rows = "\n".join(toured.rows())
    assert "slice 3: Lesion of 0.40 ml: 0.40 ml of it lies outside the lungs." in rows
    assert "slice 3: The mask has 0.40 ml here that the last model (tiny) did not mark." in rows


def test_another_scan_has_places_of_its_own(toured: Toured) -> None:
    toured.key("N")
    toured.session.open_scan(Volume(np.full(SHAPE, -700, np.int16), GRID))
    assert toured.rows() == []
    toured.wait()
    assert toured.panel.state.text().startswith("Nothing suspicious was found")
    toured.session.close_scan()
    assert toured.panel.state.text() == "Open a scan to be led to its suspicious places."


def test_what_is_found_in_a_scan_that_was_left_is_dropped(toured: Toured) -> None:
    other = Volume(np.full(SHAPE, -650, np.int16), GRID)
    acted: list[str] = []
    toured.session.write_slices({4: np.ones(SHAPE[1:], np.uint8)}, "lasso")
    toured.tour.when_ready(lambda: acted.append("too late"))
    toured.session.open_scan(other)
    toured.wait()
    assert (toured.rows(), acted) == ([], [])


def test_what_goes_wrong_is_told_and_holds_nobody_up(
    toured: Toured, monkeypatch: pytest.MonkeyPatch, sentences: list[str]
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr(tour_module, "suspicious_places", broken)
    acted: list[str] = []
    toured.session.write_slices({4: np.ones(SHAPE[1:], np.uint8)}, "lasso")
    toured.tour.when_ready(lambda: acted.append("went on"))
    toured.qtbot.waitUntil(lambda: acted == ["went on"], timeout=PATIENCE)
    assert "MemoryError" in sentences[-1] and toured.rows() == []
    assert suspicion.MOST == 50


def test_shift_n_leads_back(toured: Toured) -> None:
    toured.key("Shift+N")
    assert toured.session.slice_index == 6
    toured.key("Shift+N")
    assert toured.session.slice_index == 2


def test_what_goes_wrong_in_a_scan_that_was_left_is_not_told_of_the_next(
    toured: Toured, monkeypatch: pytest.MonkeyPatch, sentences: list[str]
) -> None:
    left, found = toured.session.scan, tour_module.suspicious_places

    def broken(evidence: Any, *rest: Any) -> Any:
        if evidence.scan is left:
            raise MemoryError("no memory")
        return found(evidence, *rest)

    monkeypatch.setattr(tour_module, "suspicious_places", broken)
    toured.session.write_slices({4: np.ones(SHAPE[1:], np.uint8)}, "lasso")
    toured.tour.when_ready(lambda: None)
    toured.session.open_scan(Volume(np.full(SHAPE, -650, np.int16), GRID))
    toured.session.set_prediction(probability(), "tiny", 0.9)
    toured.wait()
    assert sentences == [] and len(toured.rows()) == 2
