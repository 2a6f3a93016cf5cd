"""Double reading in the workbench: read blind, finish, settle in three colours."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.review.adjudication import Adjudication
from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.readings import Readings
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.widgets.adjudication_panel import PLACES, TAKES

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

GRID = Geometry.from_spacing((6, 10, 12), (10.0, 5.0, 4.0))  # A voxel is 0.2 ml.
A = (slice(1, 3), slice(0, 4), slice(0, 4))  # 32 voxels
B = (slice(1, 3), slice(2, 6), slice(0, 4))  # 32 voxels, 16 of them in A
FAR = (slice(5, 6), slice(8, 10), slice(8, 10))  # 4 voxels, by B alone
WAIT = 15_000  # ms


def mask(*boxes: tuple[slice, slice, slice]) -> Mask:
    made = Mask.empty(GRID)
    for box in boxes:
        made.array[box] = 1
    return made


@pytest.fixture(autouse=True)
def _own_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONSEG_DESK", str(tmp_path / "desk"))


@pytest.fixture
def settling(workbench: Any) -> Any:
    """The workbench while A and B are settled, without a study."""
    workbench.session.open_scan(Volume(np.full((6, 10, 12), -800, np.int16), GRID))
    workbench.presenter = workbench._presenters[0]
    workbench.presenter.begin(Adjudication(mask(A), mask(B, FAR)), fresh=True)
    return workbench


def voxels(bench: Any) -> int:
    return int(np.count_nonzero(bench.session.mask.array))


def names(bench: Any) -> list[str]:
    return [step.tool for step in bench.session.history.steps]


def under_mouse(bench: Any, *voxel: float) -> None:
    bench.context.viewer.cursor.position = tuple(at * side for at, side in zip(voxel, GRID.spacing, strict=True))


def key(bench: Any, name: str) -> None:
    bench.context.viewer.keymap[next(one for one in bench.context.viewer.keymap if str(one) == name)](None)


def test_three_colours_lie_under_the_mask_which_is_a_line(settling: Any) -> None:
    layers = settling.context.viewer.layers
    colours, line = layers["two readings"], layers["mask"]
    assert layers.index(colours) < layers.index(line)
    assert (line.contour, colours.editable, layers.selection.active is line) == (1, False, True)
    found = [colours.data[at] for at in ((1, 0, 0), (5, 8, 8), (1, 2, 0), (0, 0, 0))]
    assert found == [1, 2, 3, 0]
    shown = [colours.get_color(label).tolist() for label in (1, 2, 3)]
    assert len({tuple(one) for one in shown}) == 3


def test_the_figures_are_those_of_the_two_readings(settling: Any) -> None:
    figures = [
        settling.text(f"agreement_{name}")
        for name in ("dice", "lesion_f1", "volume_a_ml", "volume_b_ml", "difference_ml")
    ]
    assert figures == ["0.471", "0.667", "6.40", "7.20", "+0.80"]
    assert settling.text("undecided") == "3 of 3 disagreements are undecided."


def test_the_first_disagreement_is_the_largest_and_next_and_previous_lead_on(settling: Any) -> None:
    assert settling.text("disagreement") == "1 of 3: only A, 3.20 ml, slice 1, undecided"
    settling.press("next_disagreement")
    assert settling.text("disagreement").startswith("2 of 3: only B, 3.20 ml")
    settling.press("next_disagreement")
    assert settling.text("disagreement").startswith("3 of 3: only B, 0.80 ml, slice 5")
    assert settling.session.slice_index == 5
    y, x = settling.context.viewer.scene.camera.center[-2:]
    assert (y / 5.0, x / 4.0) in {(8, 8), (8, 9), (9, 8), (9, 9)}
    settling.press("previous_disagreement")
    assert settling.session.slice_index == 1


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("where", PLACES)
def test_each_button_takes_what_it_says_where_it_says(settling: Any, take: str, where: str) -> None:
    expected = {
        ("A", "slice"): 24, ("B", "slice"): 24, ("both", "slice"): 32, ("agreed", "slice"): 16,
        ("A", "lesion"): 32, ("B", "lesion"): 32, ("both", "lesion"): 48, ("agreed", "lesion"): 16,
        ("A", "scan"): 32, ("B", "scan"): 36, ("both", "scan"): 52, ("agreed", "scan"): 16,
    }  # fmt: skip
    settling.press(f"take_in_{where}")
    settling.press(f"take_{take}")
    assert voxels(settling) == expected[take, where]
    assert names(settling) == ["take agreed", *([] if take == "agreed" else [f"take {take}"])]
    if take != "agreed":
        settling.press("undo")
        assert voxels(settling) == 16


def test_a_click_chooses_the_lesion_and_a_key_takes_the_one_under_the_mouse(settling: Any) -> None:
    under_mouse(settling, 5, 9, 9)
    settling.presenter._on_pressed(None, SimpleNamespace())
    assert settling.text("disagreement") == "The lesion that was clicked, in slice 5"
    settling.press("take_B")
    assert voxels(settling) == 16 + 4
    under_mouse(settling, 1, 0, 0)
    key(settling, "Shift+U")
    assert voxels(settling) == 48 + 4
    assert settling.text("undecided") == "All 3 disagreements are decided."


def test_beside_all_lesions_a_key_takes_nothing_and_says_so(settling: Any) -> None:
    for place in ((0, 9, 0), (1, -40, 3)):
        under_mouse(settling, *place)
        key(settling, "Shift+J")
        assert settling.text("workbench_message").startswith("Neither reading has a lesion there")
    assert (voxels(settling), names(settling)) == (16, ["take agreed"])


def test_the_colours_can_be_hidden_and_another_scan_takes_them_away(settling: Any) -> None:
    layers = settling.context.viewer.layers
    settling.press("show_agreement")
    assert not layers["two readings"].visible
    settling.presenter.end()
    assert "two readings" not in layers
    assert (layers["mask"].contour, settling.readings.settle.isVisibleTo(settling.readings)) == (0, False)
    settling.presenter.take("A", "scan")
    assert voxels(settling) == 16


def can_decide(workbench: Any) -> bool:
    found = {name: getattr(workbench.cases, name).isEnabled() for name in ("accept", "reject", "skip")}
    assert len(set(found.values())) == 1, found
    return all(found.values())


def test_two_readers_and_a_third_who_settles_them(workbench: Any, qtbot: QtBot, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    nifti.write_scan(tmp_path / "scan.nii.gz", Volume(np.full((6, 10, 12), -800, np.int16), GRID))
    study.add_case("c1", None, tmp_path / "scan.nii.gz")
    panel, opening = workbench.readings, workbench.context.opening

    def until(reached: Any) -> None:
        qtbot.waitUntil(lambda: bool(reached()), timeout=WAIT)

    def open_case(name: str) -> None:
        workbench.context.settings.reviewer = name
        workbench._cases.open_case("c1")
        until(lambda: opening.now is not None and opening.now.reviewer == name)

    workbench.open_study(study.folder)
    until(lambda: workbench.cases.model.rows)
    for name, boxes in (("ann", (A,)), ("bob", (B, FAR))):
        open_case(name)
        until(panel.read.isEnabled)
        assert can_decide(workbench)
        workbench.press("read_blind")
        until(lambda: opening.now is not None and opening.now.mode == "reading" and panel.finish.isEnabled())
        assert voxels(workbench) == 0, "a reader saw what the other one drew"
        assert not can_decide(workbench), "a case was decided on by what one reader drew"
        for box in boxes:
            workbench.session.mask.array[box] = 1
        workbench.session.mark_edited(range(6))
        workbench.press("finish_reading")
        until(lambda name=name: name in Readings(study).state("c1").finished)
    open_case("cid")
    until(panel.adjudicate.isEnabled)
    workbench.press("adjudicate")
    until(lambda: workbench._presenters[0].adjudication is not None)
    assert voxels(workbench) == 16 and not can_decide(workbench)
    workbench.press("take_in_scan")
    workbench.press("take_both")
    workbench.press("settle")
    until(lambda: study.case("c1").state == "corrected")  # The last that is done.
    kept = study.latest("c1", "correction")
    pair = Readings(study).pair("c1")
    assert (kept.reviewer, kept.sources) == ("cid", tuple(one.id for one in pair))
    assert [int(nifti.read_mask(one.path).array.sum()) for one in (*pair, kept)] == [32, 36, 52]
    assert Readings(study).state("c1").settled
    assert all(one.closed for one in Drafts(study).of("c1"))
