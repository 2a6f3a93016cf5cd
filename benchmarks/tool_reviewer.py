"""The reviewer who uses all tools: the threshold, clicks on whole lesions, and strokes through several slices."""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
from reviewers import GOAL, Piece, Reviewer
from scipy import ndimage
from skimage.draw import polygon
from skimage.measure import find_contours
from strokes import LONGEST, Flags, Stroke, best_stroke

from napari_lesionseg.review.metrics import slice_scores

THRESHOLDS = range(30, 81, 5)  # Per cent that are looked at while the slider is dragged.
DEPTHS = (0, 1, 2, 3, 5, 8)
LOOKED_AT = 40  # Pieces that are weighed before a round of strokes.
MUCH = 0.25  # Of the best stroke of a round.
WORTH = 0.6  # Of what a stroke promised when it was planned.
ASKED = 64  # Of 255: what the tool that asks the model takes for lesion at first.
EVERYWHERE = 50  # Slices on either side.


@dataclass(frozen=True, eq=False)
class Plan:
    """One action: the tool, where, through so many slices on either side, what it covers, and what that mends."""

    tool: str
    z: int
    points: list[tuple[float, float]]
    depth: int
    covered: Flags
    adds: bool
    gain: int
    size: int = 0


class ToolReviewer(Reviewer):
    """Drags the threshold, removes and asks for whole lesions, and draws through slices that look alike."""

    def begin(self) -> None:
        """The threshold by one drag; then what one click mends in all slices."""
        self._drag_threshold()
        self._drop_islands()
        self._ask_for_missed()
        self._set_depth(0)

    def _plan(self) -> list[Piece]:
        """Make the strokes that mend the largest pieces, tool by tool; what is left for brush and eraser if none."""
        while self.dice() < GOAL:
            before = self.tally.actions
            for plan in self._round():
                now = self._gain(plan.z, plan.depth, plan.covered, adds=plan.adds)
                if self.dice() < GOAL and now >= max(1, WORTH * plan.gain):
                    self._carry_out(plan)
            if self.tally.actions == before:
                self._set_depth(0)
                return super()._plan()
        return []

    def _round(self) -> list[Plan]:
        """The best strokes that together promise the goal, those with the tool in hand first."""
        pieces = [piece for z in range(len(self.truth)) for piece in self._pieces(z)]
        largest = sorted(pieces, key=lambda one: -one[0])[:LOOKED_AT]
        plans = sorted(filter(None, map(self._best, largest)), key=lambda one: -one.gain)
        score = slice_scores(self.mask, self.truth).scan
        wrong, twice_hit = score.missed + score.false_positive, 2 * score.hit
        chosen: list[Plan] = []
        for plan in plans:
            if twice_hit >= GOAL * (twice_hit + wrong):
                break
            if plan.gain < MUCH * plans[0].gain:
                break  # There are better strokes once these are made.
            chosen.append(plan)
            wrong, twice_hit = wrong - plan.gain, twice_hit + 2 * plan.gain * plan.adds
        return sorted(chosen, key=lambda one: (one.tool != self._tool, one.tool, one.z))

    # ---- one action for a whole lesion

    def _drag_threshold(self) -> None:
        slider = self.hands.workbench.segment.threshold
        first = slider.value()
        seen = {first: self.dice()}
        for share in THRESHOLDS:
            slider.setValue(share / 100)
            seen[share / 100] = self.dice()
        slider.setValue(max(seen, key=lambda value: seen[value]))
        self.session.settle()
        self.tally.strokes += 1

    def _drop_islands(self) -> None:
        pieces = cc3d.connected_components(self.mask != 0, connectivity=26)
        hit = np.unique(pieces[self.truth])
        sizes = np.bincount(pieces.ravel())
        sizes[hit] = sizes[0] = 0
        self._set_depth(EVERYWHERE)
        for piece in np.argsort(-sizes)[:LOOKED_AT]:
            if sizes[piece] >= self._small():
                self.take("tool_drop_island")
                self._click(np.argwhere(pieces == piece))

    def _ask_for_missed(self) -> None:
        lesions = cc3d.connected_components(self.truth, connectivity=26)
        sizes = np.bincount(lesions.ravel())
        found = np.bincount(lesions[self.mask != 0], minlength=len(sizes))
        suspected = self.session.probability  # The heat map shows it.
        for lesion in np.argsort(-sizes[1:]) + 1:
            voxels = np.argwhere(lesions == lesion)
            if found[lesion] or len(voxels) < 2 * self._small() or self.dice() >= GOAL:
                continue
            if suspected is None or suspected[tuple(_middle(voxels))] < ASKED:
                continue
            self.take("ask_model")
            before = self.dice()
            self._click(voxels)
            if self.dice() < before:
                self.press("undo")

    def _small(self) -> int:
        """Voxels below which a piece is not worth a click: there are many others."""
        return max(4, int(self.truth.sum()) // 500)

    def _click(self, voxels: np.ndarray) -> None:
        middle = _middle(voxels)
        self.tally.strokes -= 1
        self.tally.clicks += 1
        self.lead(int(middle[0]), [tuple(middle[1:])] * 2)

    # ---- a stroke through slices that look alike

    def _best(self, piece: Piece) -> Plan | None:
        _, z, missed, wanted = piece
        stroke = best_stroke(wanted, self.truth[z] if missed else ~self.truth[z])
        plans = [] if stroke is None else [self._brushed(z, stroke, missed)]
        outlined = self._outlined(z, wanted, missed)
        plans += [] if outlined is None else [outlined]
        return max(plans, key=lambda one: one.gain, default=None)

    def _brushed(self, z: int, stroke: Stroke, missed: bool) -> Plan:
        covered = stroke.swept(self.truth.shape[1:])
        depth, gain = self._deepest(z, covered, missed)
        tool = "tool_paint" if missed else "tool_erase"
        return Plan(tool, z, list(stroke.told), depth, covered, missed, gain, stroke.size)

    def _outlined(self, z: int, wanted: Flags, missed: bool) -> Plan | None:
        """Draw round the lesion of the truth that the piece belongs to, or round the piece that is too much."""
        if missed:
            labels, _ = ndimage.label(self.truth[z], np.ones((3, 3)))
            inside = labels == labels[tuple(np.argwhere(wanted)[0])]
        else:
            inside = ndimage.binary_fill_holes(wanted)
        contours = find_contours(np.pad(inside, 1).astype(float), 0.5)
        outline = max(contours, key=len) - 1
        if np.hypot(*np.diff(outline, axis=0).T).sum() > LONGEST:
            return None
        covered = np.zeros(self.truth.shape[1:], bool)
        covered[polygon(*outline.T, covered.shape)] = True
        depth, gain = self._deepest(z, covered, missed)
        points = [(float(y), float(x)) for y, x in outline]
        return Plan("tool_lasso_add" if missed else "tool_lasso_remove", z, points, depth, covered, missed, gain)

    def _deepest(self, z: int, covered: Flags, adds: bool) -> tuple[int, int]:
        gains = {depth: self._gain(z, depth, covered, adds=adds) for depth in DEPTHS}
        depth = max(gains, key=lambda one: (gains[one], -one))
        return depth, gains[depth]

    def _gain(self, z: int, depth: int, covered: Flags, *, adds: bool) -> int:
        """Voxels that are right afterwards and were not, less those that were and are not."""
        slab = slice(max(0, z - depth), z + depth + 1)
        changed = covered & ((self.mask[slab] != 0) != adds)
        right = int(np.count_nonzero(changed & (self.truth[slab] == adds)))
        return 2 * right - int(np.count_nonzero(changed))

    def _carry_out(self, plan: Plan) -> None:
        self.take(plan.tool)
        self._set_depth(plan.depth)
        if plan.size:
            self.resize(plan.size)
        self.lead(plan.z, plan.points if len(plan.points) > 1 else plan.points * 2)

    def _set_depth(self, depth: int) -> None:
        self.hands.workbench.correct.mouse.slab.setValue(depth)


def _middle(voxels: np.ndarray) -> np.ndarray:
    """Of some voxels (n, 3), the one in their middle."""
    return np.asarray(voxels[np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))])
