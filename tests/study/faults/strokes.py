"""A disk that fails while somebody paints: the painter goes on, is told, and every stroke is there when it is back."""

from __future__ import annotations

import errno
import random
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesionseg.study.writer import Listener, Writer
from tests.study.faults.failures import KINDS
from tests.study.faults.painting import Painting, stroke
from tests.study.faults.shim import Faults
from tests.study.faults.work import GRID

BEFORE, AFTER = 4, 3  # Strokes before anything is told, and while the disk is known to fail.
PATIENCE = 20.0


@dataclass
class Result:
    """What faults came to.

    Parameters
    ----------
    faults
        How many sessions met a fault.
    calls
        How many calls that change the disk a session makes, from opening to closing.
    told
        How many of the sessions told the painter; the others kept all strokes all the same.
    slowest
        Seconds from a fault until the painter was told.
    longest_put
        Seconds that the painter waited at most when handing a stroke over.
    strokes
        How many were drawn in all.
    wrong
        What was then missing or damaged, or not told.
    """

    faults: int = 0
    calls: int = 0
    told: int = 0
    slowest: float = 0.0
    longest_put: float = 0.0
    strokes: int = 0
    wrong: list[str] = field(default_factory=list)

    def asdict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Session:
    """Opens a case, draws some strokes, and closes it; the disk is well again once the painter was told."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.folder, self._faults = folder, faults
        self.labels = np.zeros(GRID.display_shape, np.uint8)
        self.drawn = self.saved = 0
        self.opened = False
        self.hit_at = self.told_at = self.longest_put = 0.0
        self.sentence = ""
        listener = Listener(opened=self._on_opened, saved=self._on_saved, failed=self._on_failed)
        self._writer = Writer(folder, "c1", "ann", listener)

    def run(self) -> str:
        """Give what went wrong, if anything did."""
        self._writer.start()
        try:
            if not self._wait(lambda: self.opened):
                return f"the case was not opened when the disk was well again ({self.sentence})"
            for _ in range(BEFORE):
                self._draw()
                self._wait(lambda: False, 0.01)
            if not self._wait(lambda: self.saved == self.drawn):
                return f"{self.drawn - self.saved} strokes were not kept when the disk was well again"
        finally:
            clean = self._writer.close()
        return "" if clean else "the writer did not end"

    def _draw(self) -> None:
        self.drawn += 1
        line = stroke(self.labels, self.drawn)
        begun = time.monotonic()
        self._writer.put(line)
        self.longest_put = max(self.longest_put, time.monotonic() - begun)

    def _wait(self, done: Any, seconds: float = PATIENCE) -> bool:
        give_up = time.monotonic() + seconds
        mended = False
        while not done():
            if time.monotonic() > give_up:
                return False
            if not self.hit_at and self._faults.hits:
                self.hit_at = time.monotonic()
            if self.told_at and not mended:
                mended = True
                for _ in range(AFTER if self.opened and self.drawn else 0):
                    self._draw()
                    time.sleep(0.01)
                self._faults.mend()
            time.sleep(0.001)
        return True

    def _on_opened(self, *_: object) -> None:
        self.opened = True

    def _on_saved(self, position: int, _time: str) -> None:
        self.saved = position

    def _on_failed(self, sentence: str) -> None:
        self.told_at = self.told_at or time.monotonic()
        self.sentence = self.sentence or sentence


def paint_at_each(folder: Path, faults: Faults, at_most: int) -> Result:
    """Let each call of a session fail, in each of the ways of ``KINDS``; ``at_most`` of these, drawn by chance."""
    painting, result, whole, place = Painting(), Result(), folder / "whole", folder / "place"
    painting.build(whole)
    for _ in range(2):  # The first one loads what a session needs.
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        faults.watch(place)
        if wrong := Session(place, faults).run():
            raise RuntimeError(wrong)
    result.calls = len(faults.calls)
    each = [(number, *kind) for number in range(1, result.calls + 1) for kind in KINDS]
    for number, mode, code in sorted(random.Random(0).sample(each, min(at_most, len(each)))):
        shutil.rmtree(place)
        shutil.copytree(whole, place)
        faults.arm(mode, number, code)
        found = _paint(painting, Session(place, faults), faults, result)
        result.wrong += [f"call {number}, mode {mode}, {errno.errorcode[code]}: {one}" for one in found]
    return result


def _paint(painting: Painting, session: Session, faults: Faults, result: Result) -> list[str]:
    wrong = session.run()
    hits = faults.hits
    faults.off()
    result.strokes += session.drawn
    result.longest_put = max(result.longest_put, round(session.longest_put, 4))
    if not hits:
        return [wrong] if wrong else []
    result.faults += 1
    if session.told_at:
        result.told += 1
        result.slowest = max(result.slowest, round(session.told_at - (session.hit_at or session.told_at), 3))
    found = painting.lost(session.folder, [f"saved {session.drawn}"])
    return found + ([wrong] if wrong else [])
