"""Two reviewers at one case: whoever sleeps, crashes or is taken over, every line is kept (hazard 5)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.review.changes import Entry
from napari_lesionseg.study import Study, writing
from napari_lesionseg.study.desk import desk_case
from napari_lesionseg.study.drafts import Draft
from napari_lesionseg.study.held_draft import HeldDraft
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import LockedBy
from napari_lesionseg.study.writer import Mode, Writer
from tests.study.drafting import GRID, Hand, Told, sha

Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]
SOON = 60.0
STEPS = (*["draw"] * 5, "save", "save", *["sleep"] * 3, "wake", "wake", "leave", "crash")


class Laptop(Writer):
    """A writer whose thread stands still while the lid is closed, and ends without a word in a crash."""

    def open_lid(self, awake: bool) -> None:
        self._lid.set() if awake else self._lid.clear()

    def crash(self) -> None:
        self._crashed = True
        self._lid.set()

    def _hold(self) -> HeldDraft | LockedBy:
        held = super()._hold()
        if isinstance(held, HeldDraft):
            for name in ("append", "beat", "close"):
                setattr(held, name, self._lidded(getattr(held, name)))
        return held

    def _lidded(self, method: Callable[..., None]) -> Callable[..., None]:
        def when_open(*arguments: object) -> None:
            self._lid.wait()
            if self._crashed:
                raise SystemExit
            method(*arguments)

        return when_open


@dataclass
class Life:
    """One opening of the case by a reviewer: what was put, and what became of it."""

    told: Told
    writer: Laptop
    hand: Hand
    put: list[Entry] = field(default_factory=list)
    asleep: bool = False
    crashed: bool = False

    @property
    def kept(self) -> list[Entry]:
        """The lines that must be there: all, or after a crash those that were told to be saved."""
        last = max((position for position, _ in self.told.of("saved")), default=0)
        return [line for line in self.put if not self.crashed or line.position <= last]

    @property
    def draft(self) -> Draft:
        """Where its lines went in the end."""
        branched = self.told.of("branched")
        return branched[-1][0] if branched else self.told.of("opened")[0][1]  # type: ignore[no-any-return]


class Interleaving:
    """A random play of two reviewers at one case, with a clock that jumps."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.folder, self.case = folder, desk_case(folder, f"{seed:024x}{0:040x}", GRID)
        self.now = 1_800_000_000.0
        self.lives: list[Life] = []
        self.open: dict[str, Life] = {}
        self.seen: Counter[str] = Counter()

    def play(self, steps: int) -> None:
        for _ in range(steps):
            name, other = self.rng.permutation(["ann", "bob"])
            held = other in self.open and not self.open[other].asleep
            if name in self.open:
                getattr(self, f"_{self.rng.choice(STEPS)}")(name)
            elif not held or self.rng.random() < 0.2:
                self._sit_down(name)
            else:
                self._draw(other)
        for name in list(self.open):
            self._leave(name)

    def _sit_down(self, name: str) -> None:
        told = self._try(name, "edit")
        if told is not None and told.of("locked"):
            self.seen["locked"] += 1
            told = self._try(name, str(self.rng.choice(["branch", "read"])))  # type: ignore[arg-type]
            self.now += 0 if self.open else 91  # After a crash they wait for each other's lock.

    def _try(self, name: str, mode: Mode) -> Told:
        told = Told()
        writer = Laptop(self.folder, self.case, name, told.listener, mode=mode, clock=lambda: self.now)
        writer._lid, writer._crashed = threading.Event(), False
        writer._lid.set()
        writer.start()
        told.wait_for_any("opened", "locked", timeout=SOON)
        if told.of("opened") and mode != "read":
            restored, _ = told.of("opened")[0]
            life = Life(told, writer, Hand(restored.mask.array, len(restored.log), *stacks(restored.log, writer)))
            self.lives.append(life)
            self.open[name] = life
        else:
            writer.close()
        return told

    def _draw(self, name: str) -> None:
        life = self.open[name]
        for _ in range(int(self.rng.integers(1, 5))):
            kind = self.rng.random()
            if kind < 0.15 and life.hand.done:
                line = life.hand.undo()
            elif kind < 0.25 and life.hand.undone:
                line = life.hand.redo()
            else:
                z, y, x = (int(self.rng.integers(n)) for n in GRID.display_shape)
                line = life.hand.dot(z, y, x, value=int(self.rng.integers(1, 200)), size=2)
            life.put.append(line)
            life.writer.put(line)

    def _save(self, name: str) -> None:
        if not self.open[name].asleep:
            assert self.open[name].writer.flush(SOON), self.open[name].told.events

    def _sleep(self, name: str) -> None:
        life = self.open[name]
        life.asleep = True
        life.writer.open_lid(False)
        if self.rng.random() < 0.5:
            self._draw(name)  # Drawn just before the lid closed.
        self.now += float(self.rng.choice([30, 100, 100, 30_000]))
        self.seen["slept"] += 1

    def _wake(self, name: str) -> None:
        self.open[name].asleep = False
        self.open[name].writer.open_lid(True)

    def _leave(self, name: str) -> None:
        self._wake(name)
        life = self.open.pop(name)
        assert life.writer.close(SOON), life.told.events
        self.seen["branched"] += len(life.told.of("branched"))

    def _crash(self, name: str) -> None:
        life = self.open.pop(name)
        life.crashed = True
        life.writer.crash()
        life.writer.give_up()
        self.now += float(self.rng.choice([30, 100]))
        self.seen["crashed"] += 1

    def lost(self) -> int:
        """How many lines are not where they belong, and masks that are not what their reviewer saw."""
        study, missing = Study(self.folder), 0
        for life in self.lives:
            with Journal(study, life.draft) as journal:
                lines = journal.entries()
                there = {line.position: line for line in lines}
                missing += sum(there.get(line.position) != line for line in life.kept)
                if not life.crashed:
                    missing += sha(replayed(lines[: life.hand.length])) != sha(life.hand.labels)
                    missing += sha(journal.restore().mask.array) != sha(replayed(lines))
        return missing


def stacks(log: Sequence[Entry], writer: Writer) -> tuple[list[Entry], list[Entry]]:
    """The edits that are done and those that are undone after a journal's lines, with their voxels."""
    done: list[int] = []
    undone: list[int] = []
    for line in log:
        if line.kind == "edit":
            done.append(line.position)
            undone.clear()
        elif line.kind == "undo":
            undone.append(done.pop())
        else:
            done.append(undone.pop())
    return [writer.fetch(position) for position in done], [writer.fetch(position) for position in undone]


def replayed(lines: Sequence[Entry]) -> np.ndarray:
    """The mask after these lines on an empty one, line by line."""
    labels, by_position = np.zeros(GRID.display_shape, np.uint8), {line.position: line for line in lines}
    for line in lines:
        change = line.change if line.kind == "edit" else by_position[line.target or 0].change
        if change is not None:
            (change.revert if line.kind == "undo" else change.apply)(labels)
    return labels


@pytest.mark.hazard("H5")
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # So a crash ends a thread.
def test_two_reviewers_at_one_case_lose_nothing_whoever_sleeps_crashes_or_takes_over(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, lost, lines, seen = hazard_count(10, 500), 0, 0, Counter[str]()
    for seed in range(count):
        monkeypatch.setattr(writing, "BEAT_SECONDS", 0.02 if seed % 2 else 15.0)
        play = Interleaving(tmp_path / "desk", seed)
        play.play(24)
        lost += play.lost()
        lines += sum(len(life.kept) for life in play.lives)
        seen += play.seen
    hazard_figure(
        "H5",
        f"{count} interleavings of two writers ({lines} lines, {seen['locked']} openings of a held case, "
        f"{seen['slept']} sleeps, {seen['crashed']} crashes, {seen['branched']} takeovers that branched): {lost} lost",
        lost == 0,
    )
    assert lost == 0
    assert min(seen["locked"], seen["slept"], seen["crashed"], seen["branched"]) >= max(1, count // 20)
