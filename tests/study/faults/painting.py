"""Work that may be interrupted: strokes, which the writer's thread keeps while the next ones are drawn."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, event

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.changes import Entry, Labels, change_between
from napari_lesionseg.study import Study, journal
from napari_lesionseg.study.database import connect
from napari_lesionseg.study.drafts import Draft, Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.replay import Restored
from napari_lesionseg.study.writer import Listener, Writer
from tests.study.faults.work import DATABASE, GRID, Tell, database_damage, database_state, make_study

STROKES = 12  # In a step.
UNDO_EACH = 7  # Every seventh line takes the one before it back.
SECONDS = 30.0


class Painting:
    """Strokes at a hand's random pace; ``put`` is told when one is drawn, ``saved`` when the writer says so."""

    again = True

    def __init__(self, pause: float = 0.008) -> None:
        self._pause = pause
        self._writer: Writer | None = None
        self._opened: list[int] = []
        self._failed: list[str] = []
        self._saved = 0
        self._length = 0
        self._tell: Tell = lambda _: None
        self._labels: Labels = np.zeros(GRID.display_shape, np.uint8)

    def build(self, folder: Path) -> None:
        make_study(folder)

    def open(self, folder: Path, tell: Tell) -> None:
        self._tell, self._saved, self._failed = tell, 0, []
        listener = Listener(opened=self._on_opened, saved=self._on_saved, failed=self._failed.append)
        self._writer = Writer(folder, "c1", "ann", listener)
        self._opened = []
        self._writer.start()
        _wait(lambda: bool(self._opened or self._failed))
        if not self._opened:
            raise LesionsegError(self._failed[0])

    def step(self, folder: Path, number: int, tell: Tell) -> None:
        if self._writer is None:
            self.open(folder, tell)
        assert self._writer is not None
        pace = random.Random(number)
        for _ in range(STROKES):
            self._length += 1
            line = stroke(self._labels, self._length)
            tell(f"put {line.position}")
            self._writer.put(line)
            time.sleep(pace.expovariate(1 / self._pause) if self._pause else 0)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def lost(self, folder: Path, told: list[str]) -> list[str]:
        found = database_damage(folder)
        study = Study.open(folder)
        draft = Drafts(study).find_main("c1")
        saved = max((int(line.split()[1]) for line in told if line.startswith("saved ")), default=0)
        if draft is None:
            return [*found, "lost the whole journal"] if saved else found
        with Journal(study, draft) as journal:
            lines, restored = journal.entries(), journal.restore()
        found += [f"lost {position}" for position in range(len(lines) + 1, saved + 1)]
        labels = np.zeros(GRID.display_shape, np.uint8)
        found += [f"another line {line.position}" for line in lines if line != stroke(labels, line.position)]
        if not np.array_equal(restored.mask.array, labels):
            found.append("the journal gives another mask")
        return found

    def state(self, folder: Path) -> dict[str, str]:
        study = Study.open(folder)
        draft = Drafts(study).find_main("c1")
        lines = []
        if draft is not None:
            with Journal(study, draft) as journal:
                lines = journal.entries()
        return {DATABASE: database_state(folder), **{f"line {line.position}": str(line) for line in lines}}

    def completed(self, before: dict[str, str], after: dict[str, str]) -> bool:
        return all(after.get(name) == line for name, line in before.items() if name != DATABASE)

    def _on_opened(self, restored: Restored, _draft: Draft) -> None:
        self._labels = restored.mask.array
        self._length = len(restored.log)
        self._opened.append(self._length)

    def _on_saved(self, position: int, _time: str) -> None:
        self._saved = position
        self._tell(f"saved {position}")


class Careless(Painting):
    """The same on a connection that syncs nothing: it must be seen to lose strokes, or cuts show nothing."""

    def open(self, folder: Path, tell: Tell) -> None:
        journal.connect = _connect_unsynced
        super().open(folder, tell)


def _connect_unsynced(path: Path) -> Engine:
    engine = connect(path)
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"))
    return engine


def stroke(labels: Labels, position: int) -> Entry:
    """The line that stands at ``position`` in every journal here; draws it on ``labels`` (z, y, x)."""
    turn = position % UNDO_EACH == 0
    rng = np.random.default_rng(position - turn)  # An undo turns the same voxels as the stroke before it.
    z, y, x = (int(rng.integers(size - 6)) if size > 8 else int(rng.integers(size)) for size in labels.shape)
    before = labels[z].copy()
    labels[z, y : y + 6, x : x + 6] ^= 1
    gained = int(labels[z].sum()) - int(before.sum())
    when = f"2026-01-01T00:00:00.{zlib.crc32(str(position).encode()) % 1000:03}+00:00"
    if turn:
        return Entry(position, "undo", "brush", z, gained, when, target=position - 1)
    old = labels.copy()
    old[z] = before
    return Entry(position, "edit", "brush", z, gained, when, change=change_between(old, labels, [z]))


def _wait(ready: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SECONDS
    while not ready():
        if time.monotonic() > give_up:
            raise RuntimeError("the writer says nothing")
        time.sleep(0.001)
