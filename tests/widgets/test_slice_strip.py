"""The strip of bars draws no more than has changed, and all of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QRect
from qtpy.QtGui import QImage

from napari_lesionseg.review.metrics import SliceScores, slice_scores
from napari_lesionseg.widgets.slice_strip import MEASURES, SliceStrip

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

DEPTH, WIDTH = 60, 347  # No bar begins or ends half way between two pixels.


def scores(seed: int = 0, changed: dict[int, bool] | None = None) -> SliceScores:
    """Of a random mask and truth; in the ``changed`` slices the mask is full or empty."""
    random = np.random.default_rng(seed)
    mask, truth = (random.random((DEPTH, 6, 6)) < 0.3 for _ in range(2))
    mask[:10] = truth[:10]
    mask[20:30] = truth[20:30] = False
    for z, full in (changed or {}).items():
        mask[z] = full
    return slice_scores(mask.astype(np.uint8), truth.astype(np.uint8))


@pytest.fixture
def strip(qtbot: QtBot) -> SliceStrip:
    made = SliceStrip()
    qtbot.addWidget(made)
    made.setFixedSize(WIDTH, 22)
    made.show_scores(scores(), 0.01, 7)
    return made


def pixels(strip: SliceStrip, part: QRect | None = None) -> np.ndarray:
    """What is drawn, (y, x) as 32 bits."""
    image = strip.grab(part or strip.rect()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.bits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bytes(bits), np.uint32).reshape(image.height(), image.width())


def test_a_part_is_drawn_as_it_is_in_the_whole(strip: SliceStrip) -> None:
    whole = pixels(strip)
    assert len(np.unique(whole)) >= 4
    for left in range(0, WIDTH - 13, 13):
        assert np.array_equal(pixels(strip, QRect(left, 0, 13, 22)), whole[:, left : left + 13])


@pytest.mark.parametrize("measure", ["dice", "missed"])
@pytest.mark.parametrize(("changed", "z"), [({12: True}, 7), ({12: False, 40: True}, 7), ({25: True}, 25), ({}, 8)])
def test_what_changes_is_drawn_anew(
    strip: SliceStrip, monkeypatch: pytest.MonkeyPatch, measure: str, changed: dict[int, bool], z: int
) -> None:
    strip.show_measure(measure)
    before = pixels(strip)
    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(strip, "update", lambda *part: told.append(part or (0, 0, WIDTH, 22)))
    strip.show_scores(scores(changed=changed), 0.01, z)
    drawn = np.zeros(before.shape, bool)
    for left, top, width, height in told:
        drawn[max(0, top) : top + height, max(0, left) : left + width] = True
    differs = pixels(strip) != before
    assert differs.any() and not (differs & ~drawn).any()
    assert measure == "missed" or drawn.mean() < 0.2


def test_another_measure_draws_all_anew(strip: SliceStrip, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(strip, "update", lambda *part: told.append(part))
    for name in MEASURES:
        strip.show_measure(name)
        assert told.pop() == ()
