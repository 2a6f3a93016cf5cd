"""Kill -9 while work goes on: at random moments of it, and before each call that changes the disk."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.study.faults.shim import KILL, KILL_SHORT, Faults
from tests.study.faults.work import Work

FIRST = 5  # Steps that are let run to their end, to know how long one takes.
AIMED = 3  # So many kills, one of them on a stroke: on a fast disk few others would come before it is acknowledged.
AIM_SECONDS = 1.0
RENEW = 25  # Kills in one folder, one after the other.


@dataclass
class Tally:
    """What kills came to.

    Parameters
    ----------
    kills
        How many children were killed.
    middle
        How many of them had begun a step and not ended it.
    phases
        How far into a step each of those was, in parts of a step that is let end: 0 to 1 and, on a busy machine, more.
    acknowledged
        How many things were told as safe.
    lost
        What was then missing or damaged.
    waited
        Seconds for which the oldest stroke had waited to be acknowledged when its painter was killed; 0 if all were.
    left
        How many files under a hidden name the kills left behind: each was cut off while it was written.
    """

    kills: int = 0
    middle: int = 0
    phases: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    left: int = 0

    def add(self, work: Work, folder: Path, told: list[str]) -> None:
        """Look at what a kill left, and clear away what was on its way to a name."""
        self.lost += work.lost(folder, told)
        for path in [path for path in folder.rglob(".*") if path.name[0] == "."]:
            self.left += 1
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def asdict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass
class Child:
    """A forked child that works, and what it has told, each line with the time it was told at."""

    process: int
    pipe: int
    text: bytes = b""

    def lines(self) -> list[tuple[float, str]]:
        """Whole lines: (seconds of the system's clock, what was told)."""
        whole = self.text.decode().splitlines(keepends=True)
        cut = [line.rstrip("\n").split(" ", 1) for line in whole if line.endswith("\n")]
        return [(float(when), what) for when, what in cut]

    def read(self) -> bool:
        """Wait for more; gives whether there was any."""
        more = os.read(self.pipe, 1 << 16)
        self.text += more
        return bool(more)

    def take(self) -> None:
        """Take in what is there, and do not wait for more."""
        while select.select([self.pipe], [], [], 0)[0] and self.read():
            pass

    def end(self) -> int:
        """Read to the end; gives how the child ended, as ``subprocess`` does."""
        while self.read():
            pass
        os.close(self.pipe)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def fork(body: Callable[[Callable[[str], None]], None]) -> Child:
    """Run ``body`` in a child; what it tells comes through a pipe, one write a line, and outlives it."""
    out, into = os.pipe()
    process = os.fork()
    if process:
        os.close(into)
        return Child(process, out)
    code = 1
    try:
        os.close(out)
        body(lambda line: _write(into, line))
        code = 0
    except BaseException as error:
        _write(into, f"error {type(error).__name__}: {error}".replace("\n", " "))
    finally:
        os._exit(code)


def _write(pipe: int, line: str) -> None:
    os.write(pipe, f"{time.monotonic():.6f} {line}\n".encode())


def kill_randomly(work: Work, folder: Path, kills: int, seed: int = 0) -> Tally:
    """Kill a child at ``kills`` moments spread evenly over one to three steps of its work, in random order."""
    rng, tally = random.Random(seed), Tally()
    took = _times(work, folder)
    moments = [(number + rng.random()) / kills for number in range(kills)]
    rng.shuffle(moments)
    told: list[str] = []
    place, first = folder / "0", 1
    for number, moment in enumerate(moments + moments):
        if tally.kills == kills:  # A child that is done before the kill comes is not counted, so another one follows.
            break
        if number % (RENEW if work.again else 1) == 0:
            shutil.rmtree(place, ignore_errors=True)
            place, told, first = folder / str(number), [], 1
            work.build(place)
        steps = rng.randrange(3) if work.again else 0
        child = fork(lambda tell, place=place, first=first: _work(work, place, first, tell))  # type: ignore[misc]
        while not child.lines() and child.read():
            pass
        time.sleep((steps + moment) * statistics.median(took[-25:]))
        if number % AIMED == 0:
            _await_stroke(child)
        killed = time.monotonic()
        os.kill(child.process, signal.SIGKILL)
        ended = child.end()
        first = _count(tally, child, killed, took, told, first)
        tally.kills += ended == -signal.SIGKILL
        tally.lost += [f"kill {number}: it had ended with {ended}"] if ended not in (0, -signal.SIGKILL) else []
        tally.add(work, place, told)
    return tally


def _await_stroke(child: Child) -> None:
    """Until the last thing told is a stroke, which nobody has acknowledged yet; not if the work has no strokes."""
    until = time.monotonic() + AIM_SECONDS
    while time.monotonic() < until:
        child.take()
        told = [what for _, what in child.lines() if what.startswith("told ")]
        if not any(what.startswith("told put ") for what in told) or told[-1].startswith("told put "):
            return


def _times(work: Work, folder: Path) -> list[float]:
    """How long a step takes in a child; also loads here all that the work needs."""
    took = []
    for number in range(FIRST):
        place = folder / f"first-{number}"
        work.build(place)
        if number == 0:
            work.step(place, 1, lambda _: None)
            work.close()
            continue
        child = fork(lambda tell, place=place: _work(work, place, 1, tell, 1))  # type: ignore[misc]
        if child.end():
            raise RuntimeError(child.text.decode())
        when = {line: moment for moment, line in child.lines()}
        took.append(when["end 1"] - when["begin 1"])
        shutil.rmtree(place)
    return took


def _work(work: Work, folder: Path, first: int, tell: Callable[[str], None], steps: int = 1000) -> None:
    work.open(folder, lambda line: tell(f"told {line}"))
    for number in range(first, first + (steps if work.again else 1)):
        tell(f"begin {number}")
        work.step(folder, number, lambda line: tell(f"told {line}"))
        tell(f"end {number}")


def _count(tally: Tally, child: Child, killed: float, took: list[float], told: list[str], first: int) -> int:
    """Note what a killed child had told; gives the number of the next step."""
    begun, waiting = 0.0, dict[int, float]()
    for when, line in child.lines():
        what, rest = line.split(" ", 1)
        if what == "begin":
            begun, first = when, int(rest) + 1
        elif what == "end":
            took.append(when - begun)
            begun = 0.0
        elif what == "told":
            told.append(rest)
            tally.acknowledged += _note_stroke(waiting, when, rest)
        else:
            tally.lost.append(rest)
    if begun:
        tally.middle += 1
        tally.phases.append(round((killed - begun) / statistics.median(took[-25:]), 3))
    if any(rest.startswith("put ") for rest in told):
        tally.waited.append(round(max((killed - when for when in waiting.values()), default=0.0), 4))
    return first


def _note_stroke(waiting: dict[int, float], when: float, told: str) -> int:
    """Keep the list of strokes that wait to be acknowledged; gives how many things ``told`` says are safe."""
    what, _, position = told.partition(" ")
    if what == "put":
        waiting[int(position)] = when
        return 0
    if what != "saved":
        return 1
    done = [one for one in waiting if one <= int(position)]
    for one in done:
        del waiting[one]
    return len(done)


def kill_at_each(work: Work, folder: Path, faults: Faults, at_most: int) -> Tally:
    """Kill a child before each call that changes the disk, and in the middle of each write, in one step of its work.

    ``at_most`` of these moments are taken, spread evenly.
    """
    tally, whole, place = Tally(), folder / "whole", folder / "place"
    work.build(whole)
    for mode, number in _spread(_moments(work, whole, place, faults), at_most):
        shutil.rmtree(place)
        shutil.copytree(whole, place)

        def body(tell: Callable[[str], None], mode: int = mode, number: int = number) -> None:
            faults.arm(mode, number)
            work.step(place, 1, lambda line: tell(f"told {line}"))
            work.close()

        child, told = fork(body), list[str]()
        ended = child.end()
        faults.off()
        _count(tally, child, 0.0, [1.0], told, 0)
        tally.kills += ended == -signal.SIGKILL
        tally.middle += ended == -signal.SIGKILL
        tally.add(work, place, told)
    return tally


def _moments(work: Work, whole: Path, place: Path, faults: Faults) -> list[tuple[int, int]]:
    """How to kill, and at which call; the first step loads what the work needs, the second one is counted."""
    for _ in range(2):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        faults.watch(place)
        work.step(place, 1, lambda _: None)
        work.close()
    calls = faults.calls
    each = [(KILL, number) for number in range(1, len(calls) + 1)]
    return each + [(KILL_SHORT, number) for number, kind in enumerate(calls, start=1) if kind == "w"]


def _spread(moments: list[tuple[int, int]], at_most: int) -> list[tuple[int, int]]:
    if len(moments) <= at_most:
        return moments
    return [moments[round(number * (len(moments) - 1) / (at_most - 1))] for number in range(at_most)]
