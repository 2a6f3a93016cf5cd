"""Two reviewers who correct a prediction with mouse and buttons: one with napari's brush and eraser only.

Both know the truth, as if they saw at a glance what is wrong, and nothing of the workbench but its widgets, its
layers and what they show. A hand is lifted after ``strokes.LONGEST`` voxels. A stroke, a click on the picture and a
press of a button count one each; walking through the slices, zooming, and another size or depth of a tool count
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from strokes import Flags, Stroke, best_stroke

from napari_lesionseg.review.metrics import slice_scores
from napari_lesionseg.widgets.hands import Hands

GOAL = 0.95
EIGHT = np.ones((3, 3))
Piece = tuple[int, int, bool, Flags]  # Voxels, slice, whether they are missed (else too much), which.


@dataclass
class Tally:
    """What a case cost."""

    strokes: int = 0
    clicks: int = 0
    voxels: int = 0
    seconds: float = 0.0
    dice_before: float = 0.0
    dice: float = 0.0

    @property
    def actions(self) -> int:
        """Strokes and clicks alike."""
        return self.strokes + self.clicks


class Reviewer:
    """Corrects with napari's brush and eraser, the largest wrong piece of a slice first."""

    def __init__(self, hands: Hands, truth: npt.NDArray[np.uint8]) -> None:
        self.hands, self.session = hands, hands.workbench.session
        self.truth = truth != 0
        self.tally = Tally()
        self._tool, self._size = "", 0
        self._spacing = self.session.scan.geometry.spacing  # type: ignore[union-attr]
        self._hopeless: set[tuple[int, int]] = set()  # Slice and voxels of pieces that no stroke mends.

    @property
    def mask(self) -> Any:
        """What is on the screen."""
        return self.session.mask.array  # type: ignore[union-attr]

    def dice(self) -> float:
        """Dice of the scan."""
        return slice_scores(self.mask, self.truth).scan.dice or 0.0

    def review(self, most: int = 100_000) -> Tally:
        """Correct until Dice is at least ``GOAL``, with ``most`` actions at most."""
        before = self.mask.copy()
        self.tally.dice_before = self.dice()
        self.hands.workbench.correct.gate.setChecked(False)  # The brush is napari's own.
        self.begin()
        while self.dice() < GOAL and self.tally.actions < most:
            plan = self._plan()
            if not plan:
                break
            for piece in plan:
                if self.dice() < GOAL and self.tally.actions < most:
                    self.mend(piece)
        self.tally.dice = self.dice()
        self.tally.voxels = int((before != self.mask).sum())
        return self.tally

    def begin(self) -> None:
        """What is done before slice by slice; nothing."""

    def mend(self, piece: Piece) -> None:
        """Paint or erase one piece by one stroke."""
        count, z, missed, wanted = piece
        stroke = best_stroke(wanted, self.truth[z] if missed else ~self.truth[z])
        if stroke is None or stroke.gain < max(1, count // 20):
            self._hopeless.add((z, count))
            return
        self.take("tool_paint" if missed else "tool_erase")
        self.resize(stroke.size)
        wrong = self._wrong(z)
        self.draw(z, stroke)
        if self._wrong(z) >= wrong:
            self._hopeless.add((z, count))

    # ---- what hands do, and what it counts

    def take(self, tool: str) -> None:
        """Take a tool of napari's by its button."""
        if tool != self._tool:
            self.press(tool)
            self._tool = tool

    def press(self, button: str) -> None:
        """Press a button."""
        self.tally.clicks += 1
        began = time.perf_counter()
        self.hands.press(button)
        self.tally.seconds += time.perf_counter() - began

    def resize(self, size: int) -> None:
        """Choose the brush's diameter in voxels."""
        if size != self._size:
            self.hands.workbench.correct.brush.setValue(size)
            self._size = size

    def draw(self, z: int, stroke: Stroke) -> None:
        """Lead the mouse over a slice."""
        points = stroke.told
        self.lead(z, points if len(points) > 1 else points * 2)

    def lead(self, z: int, points: Sequence[tuple[float, float]]) -> None:
        """Press at the first voxel (y, x), move through all of them, let go at the last."""
        self.tally.strokes += 1
        self.session.set_slice(z)
        self._look_at(points)
        began = time.perf_counter()
        self.hands.draw([(y * self._spacing[1], x * self._spacing[2]) for y, x in points])
        self.tally.seconds += time.perf_counter() - began

    def _look_at(self, points: Sequence[tuple[float, float]]) -> None:
        """Centre and zoom, so that a voxel is some pixels wide."""
        camera, canvas = self.hands.viewer.scene.camera, self.hands.viewer.window._qt_viewer.canvas.native
        extent = np.ptp(np.asarray(points), axis=0).max() + 8
        side = min(canvas.width(), canvas.height())
        middle = (np.max(points, axis=0) + np.min(points, axis=0)) / 2 * self._spacing[1:]
        camera.zoom = min(side / extent, 12.0) / self._spacing[1]
        camera.center = (0.0, float(middle[0]), float(middle[1]))

    # ---- what eyes see

    def _wrong(self, z: int) -> int:
        return int(np.count_nonzero((self.mask[z] != 0) != self.truth[z]))

    def _plan(self) -> list[Piece]:
        """The largest wrong pieces that together are enough for the goal: all to be painted first, slice by slice."""
        pieces = [piece for z in range(len(self.truth)) for piece in self._pieces(z)]
        score = slice_scores(self.mask, self.truth).scan
        hit, missed, too_much = score.hit, score.missed, score.false_positive
        plan: list[Piece] = []
        for piece in sorted(pieces, key=lambda one: -one[0]):
            if 2 * hit >= GOAL * (2 * hit + missed + too_much):
                break
            plan.append(piece)
            hit, missed = (hit + piece[0], missed - piece[0]) if piece[2] else (hit, missed)
            too_much -= 0 if piece[2] else piece[0]
        return sorted(plan, key=lambda one: (not one[2], one[1]))

    def _pieces(self, z: int) -> list[Piece]:
        shown = self.mask[z] != 0
        found: list[Piece] = []
        for missed, flags in ((True, self.truth[z] & ~shown), (False, shown & ~self.truth[z])):
            labels, count = ndimage.label(flags, EIGHT)
            sizes = np.bincount(labels.ravel(), minlength=count + 1)
            for label in range(1, count + 1):
                if (z, int(sizes[label])) not in self._hopeless:
                    found.append((int(sizes[label]), z, missed, labels == label))
        return found
