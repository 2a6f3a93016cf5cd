"""The pieces of the benchmark of reviewing, at a size at which nothing is timed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.widgets.hands import Hands, pause
from napari_lesionseg.widgets.workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import reviewers  # noqa: E402
import strokes  # noqa: E402
from side_by_side import Side, bare_side, by_turns, summary  # noqa: E402
from tool_reviewer import ToolReviewer  # noqa: E402


def disk(middle: tuple[int, int], radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:48, :48]
    return np.asarray((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 <= radius**2)


def swept(stroke: strokes.Stroke) -> np.ndarray:
    """What a round brush covers on its way."""
    covered = np.zeros((48, 48), bool)
    for point in stroke.points:
        covered |= disk(point, stroke.size / 2)
    return covered


@pytest.mark.parametrize("wanted", [disk((20, 24), 9), disk((20, 24), 9) & ~disk((20, 24), 7), disk((9, 9), 0)])
def test_a_stroke_covers_a_piece_and_nothing_that_is_not_allowed(wanted: np.ndarray) -> None:
    allowed = disk((20, 24), 9) | disk((9, 9), 0)
    stroke = strokes.best_stroke(wanted, allowed)
    assert stroke is not None
    covered = swept(stroke)
    assert not (covered & ~allowed).any()
    assert stroke.gain == int((covered & wanted).sum()) >= 0.9 * wanted.sum()


def test_a_hand_gets_tired() -> None:
    wanted = np.zeros((48, 200), bool)
    wanted[20, 5:195] = True
    stroke = strokes.best_stroke(wanted, wanted)
    assert stroke is not None
    assert stroke.gain == strokes.LONGEST + 1


@pytest.fixture
def window(make_napari_viewer: Any) -> Iterator[tuple[Any, Workbench]]:
    """A missed lesion and too much of another one, in a real window."""
    viewer = make_napari_viewer(show=True)
    workbench = Workbench(viewer)
    viewer.window.add_dock_widget(workbench)
    geometry = Geometry.from_spacing((3, 48, 48), (3.0, 1.0, 1.0))
    truth = Mask.empty(geometry)
    truth.array[1] = disk((14, 14), 6) | disk((34, 34), 6)
    workbench.session.open_scan(Volume(np.zeros((3, 48, 48), np.int16), geometry), truth)
    probability = np.zeros((3, 48, 48), np.uint8)
    probability[1][disk((34, 34), 9)] = 200
    workbench.session.set_prediction(probability, "tiny", 0.5)
    pause(500)
    yield viewer, workbench
    workbench.context.close()


@pytest.mark.parametrize("kind", [reviewers.Reviewer, ToolReviewer])
def test_a_reviewer_reaches_the_goal_by_mouse_and_buttons(window: Any, kind: type[reviewers.Reviewer]) -> None:
    viewer, workbench = window
    tally = kind(Hands(viewer, workbench, None), workbench.session.truth.array).review(most=30)
    assert tally.dice_before < 0.6
    assert tally.dice >= reviewers.GOAL
    assert 2 <= tally.strokes + tally.clicks == tally.actions <= 30
    assert tally.voxels > 100
    assert tally.seconds > 0


def test_bare_napari_and_the_workbench_are_left_as_they_were(window: Any, qtbot: Any) -> None:
    viewer, workbench = window
    session = workbench.session
    bare = bare_side(session.scan, session.mask, session.truth, viewer)
    ours = Side(viewer, workbench.context.layers.mask, session.scan.geometry.spacing)
    before = session.mask.array.copy()
    turns = by_turns(ours, bare, 2, (20, 20), range(3))
    assert sorted(turns) == ["slice_step", "stroke", "undo"]
    assert all(turn["ours_ms"] > 0 and turn["bare_ms"] > 0 for turn in turns.values())
    assert np.array_equal(session.mask.array, before)
    assert np.array_equal(bare.mask.data, before)
    bare.viewer.close()


def test_a_ratio_is_that_of_the_medians() -> None:
    figures = summary([(0.03, 0.01), (0.02, 0.02), (0.04, 0.02)])
    assert (figures["ours_ms"], figures["bare_ms"], figures["ratio"]) == (30.0, 20.0, 1.5)
