"""Undo has no end, and none of it is lost when the program is started again (hazard 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.session import Session
from napari_lesionseg.review.tools.copy_slice import copy_from_neighbour
from napari_lesionseg.review.tools.fill_holes import fill_holes
from napari_lesionseg.review.tools.given import Edited, Given, given_by
from napari_lesionseg.review.tools.reset import reset_slices
from napari_lesionseg.study import Study
from napari_lesionseg.study.writer import Writer
from napari_lesionseg.volumes import Geometry, Mask, Volume
from tests.study.drafting import Told, a_mask, add_case, sha

GRID = Geometry.from_spacing((8, 40, 48), (2.5, 0.8, 0.7))
SCAN = Volume(np.full(GRID.display_shape, -800, np.int16), GRID)
TOOLS = (
    *("brush", "eraser", "fill", "polygon", "encircle", "brush", "eraser", "brush"),
    *(
        "copy from below",
        "copy from above",
        "fill holes",
        "revert slice",
        "threshold",
        "prediction",
        "load mask",
        "slab",
    ),
)
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


@dataclass
class Bench:
    """A session and its journal, as the window has them; ``restart`` ends both and begins anew from the disk."""

    study: Study
    rng: np.random.Generator
    restarts: int = 0
    wrong: int = 0
    tools: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        told = Told()
        self.writer = Writer(self.study.folder, "c1", "ann", told.listener)
        self.writer.start()
        self.restored, _ = told.wait("opened", timeout=120)
        self.session = Session()
        self.session.open_scan(SCAN)
        self.session.history.set_source(self.writer.fetch)
        self.session.restore(self.restored.mask, self.restored.log, self.restored.corrected)
        self.session.edited.connect(self.writer.put)

    @property
    def mask(self) -> np.ndarray:
        assert self.session.mask is not None
        return self.session.mask.array

    @property
    def state(self) -> tuple[str, frozenset[int]]:
        """The voxels and the slices that count as corrected."""
        return sha(self.mask), self.session.corrected_slices

    def restart(self) -> None:
        """End, and go on from the disk; count it as wrong if anything is not as it was."""
        self.session.settle()
        before, steps, done = self.state, list(self.session.history.steps), self.session.history.done
        assert self.writer.close(60)
        self._open()
        self.restarts += 1
        history = self.session.history
        self.wrong += (before, steps, done) != (self.state, list(history.steps), history.done)

    def stroke(self) -> None:
        """One random edit with a random tool, sometimes after a few undos."""
        if self.rng.random() < 0.05:
            for _ in range(int(self.rng.integers(1, 4))):
                self.session.undo()
            if self.rng.random() < 0.5:
                self.session.redo()
        tool = str(self.rng.choice(TOOLS))
        z = int(self.rng.integers(len(self.mask)))
        self.session.set_slice(z)
        before = self.session.history.length
        getattr(self, f"_{tool.split()[0]}", self._paint)(tool, z)
        self.tools[tool] += self.session.history.length > before

    def _paint(self, tool: str, z: int) -> None:
        """What napari's tools do: set a label in a few slices in place, then tell."""
        depth = int(self.rng.choice([1, 1, 1, 3]))
        slices = [n for n in range(z, z + depth) if n < len(self.mask)]
        y, x, radius = self.rng.integers(40), self.rng.integers(48), self.rng.integers(1, 9)
        rows, columns = np.ogrid[:40, :48]
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
        for n in slices:
            self.mask[n][disc] = 0 if tool == "eraser" else int(self.rng.choice([1, 1, 1, 2, 255]))
        self.session.mark_edited(slices, tool)

    def _copy(self, tool: str, z: int) -> None:
        step = -1 if tool.endswith("below") else 1
        self._edit(lambda given: copy_from_neighbour(given, step), tool)

    def _fill(self, tool: str, z: int) -> None:
        if tool == "fill":
            return self._paint(tool, z)
        return self._edit(fill_holes, tool)

    def _revert(self, tool: str, z: int) -> None:
        self._edit(reset_slices, tool)

    def _edit(self, make: Callable[[Given], Edited], tool: str) -> None:
        with suppress(LesionsegError):  # There is no neighbour, no hole, no prediction.
            self.session.write_slices(make(given_by(self.session)), tool)

    def _slab(self, tool: str, z: int) -> None:
        """What the tools of the panel do: slices of their own making, written as one step."""
        slices = [n for n in range(z, z + int(self.rng.integers(1, 4))) if n < len(self.mask)]
        drawn = {n: self.mask[n].copy() for n in slices}
        for labels in drawn.values():
            y, x = self.rng.integers(40), self.rng.integers(48)
            labels[y : y + 6, x : x + 6] = int(self.rng.choice([0, 1, 2]))
        self.session.write_slices(drawn, tool)

    def _threshold(self, tool: str, z: int) -> None:
        for threshold in self.rng.random(3):  # The slider is dragged.
            self.session.set_threshold(float(threshold))
        self.session.settle()

    def _prediction(self, tool: str, z: int) -> None:
        probability = self.rng.integers(0, 256, GRID.display_shape).astype(np.uint8)
        probability[self.rng.random(GRID.display_shape) < 0.9] = 0
        self.session.set_prediction(probability, "dual", float(self.rng.choice([0.3, 0.5, 0.7])))

    def _load(self, tool: str, z: int) -> None:
        if self.rng.random() < 0.2:
            self.session.load_mask(Mask(a_mask(int(self.rng.integers(1000)), GRID).array, GRID))

    def all_the_way(self, step: str, every: int) -> None:
        """Undo or redo to the end, with a restart after each ``every`` steps."""
        count = 0
        while getattr(self.session, step)():
            count += 1
            if count % every == 0:
                self.restart()


@pytest.mark.hazard("H6")
@pytest.mark.timeout(1800)
def test_undo_all_gives_the_original_and_redo_all_the_last_state_across_restarts(
    study: Study, hazard_count: Count, hazard_figure: Figure
) -> None:
    strokes = hazard_count(300, 10_000)
    add_case(study, grid=GRID)
    study.add_revision("c1", "prediction", a_mask(7, GRID), model="dual")
    bench = Bench(study, np.random.default_rng(6))
    original = bench.state
    assert original[0] == sha(a_mask(7, GRID).array)
    while sum(bench.tools.values()) < strokes:
        bench.stroke()
        if bench.rng.random() < 8 / strokes:
            bench.restart()
    bench.restart()
    last, drawn = bench.state, sum(bench.tools.values())
    bench.all_the_way("undo", every=strokes // 3)
    undone = bench.state == original
    bench.restart()
    bench.all_the_way("redo", every=strokes // 3)
    redone = bench.state == last
    lines = bench.session.history.length
    bench.restart()
    holds = undone and redone and bench.wrong == 0
    hazard_figure(
        "H6",
        f"{drawn} strokes with {len(bench.tools)} tools, {lines} lines, {bench.restarts} restarts: undo all gives the "
        f"original ({undone}), redo all the last state ({redone}), {bench.wrong} restarts lost something",
        holds,
    )
    assert bench.writer.close()
    assert set(bench.tools) == set(TOOLS)
    assert last != original
    assert holds
