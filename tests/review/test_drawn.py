"""What is drawn on a scan of two slices, of which the second has two voxels of 0.5 and 0.8."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.drawn import Drawn
from napari_lesionseg.review.predicted import Predicted
from napari_lesionseg.review.start import Start
from napari_lesionseg.volumes import Geometry, Mask

GRID = Geometry.from_spacing((2, 3, 3), (1.0, 1.0, 1.0))


@pytest.fixture
def drawn() -> Drawn:
    probability, predicted = np.zeros((2, 3, 3), np.uint8), Predicted(0.5)
    probability[1, 1, 1:] = 128, 204
    made = Drawn(Start(Mask.empty(GRID)), predicted)
    predicted.take(probability, "tiny", 0.5, None)
    made.predict(0.5, 0)
    return made


def lesion(drawn: Drawn) -> list[tuple[int, ...]]:
    return [tuple(int(i) for i in voxel) for voxel in np.argwhere(drawn.mask.array)]


def test_a_prediction_fills_what_is_not_corrected(drawn: Drawn) -> None:
    assert lesion(drawn) == [(1, 1, 1), (1, 1, 2)]
    drawn.mask.array[1] = 0
    _, edit = drawn.edit((1,), "eraser", 1)
    assert edit is not None
    assert (edit.name, drawn.uncorrected()) == ("eraser, slice 1, -2 voxels", (0,))
    assert drawn.fill() == (0,)
    assert lesion(drawn) == []


def test_a_stroke_on_a_dragged_threshold_is_an_edit_of_its_own(drawn: Drawn) -> None:
    drawn.dragged_from, drawn.predicted.threshold = 0.5, 0.7
    assert drawn.fill() is None
    drawn.mask.array[1, 0, 0] = 1
    drag, stroke = drawn.edit((1,), "brush", 1)
    assert drag is not None
    assert stroke is not None
    assert (drag.name, drag.marks.threshold) == ("threshold, slice 1, -1 voxels", (0.5, 0.7))
    assert (stroke.name, drawn.log.corrected) == ("brush, slice 1, +1 voxels", {1})
    drawn.log.undo()
    assert lesion(drawn) == [(1, 1, 2)]


def test_a_start_brings_the_threshold_of_its_journal(drawn: Drawn) -> None:
    drawn.dragged_from, drawn.predicted.threshold = 0.5, 0.7
    drawn.fill()
    drag = drawn.settle_drag(0)
    assert drag is not None
    step = drawn.log.next("undo")
    assert step is not None
    first = drawn.log.history.entry(drawn.log.history.steps[0])
    later = Predicted(0.1)
    again = Drawn(Start(Mask(drawn.mask.array.copy(), GRID), log=(first, drag)), later)
    assert (later.threshold, again.log.history.done) == (0.7, 2)


@pytest.mark.parametrize(("predicts", "threshold"), [(True, 0.5), (False, 0.7)])
def test_a_journal_that_comes_later_moves_the_threshold_unless_a_prediction_is_kept(
    predicts: bool, threshold: float, drawn: Drawn
) -> None:
    other = Drawn(Start(Mask.empty(GRID)), Predicted(0.7))
    other.predicted.probability, other.dragged_from = drawn.predicted.probability, 0.5
    other.fill()
    drag = other.settle_drag(1)
    assert drag is not None
    own = drawn if predicts else Drawn(Start(Mask.empty(GRID)), Predicted(0.5))
    own.restore(other.mask, (drag,), frozenset(), 1)
    assert own.predicted.threshold == threshold
    assert lesion(own) == ([(1, 1, 1), (1, 1, 2)] if predicts else [(1, 1, 2)])
