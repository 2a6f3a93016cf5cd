"""Measure how long one stroke takes from the hand to the disk.

A brush stroke on a scan of 300 × 512 × 512 voxels is one line of the journal and one transaction, synced in full. Run
it on the disk that holds the studies, for it is the disk that is measured::

    python benchmarks/journal_commit.py FOLDER [--strokes 2000]

Printed as JSON, in milliseconds: what painting waits for (``put``), one commit (``commit``), and from the hand to the
message that it is saved (``saved``), each at the median, the 99th percentile and the worst; further what opening the
case again takes (``restore_seconds``), and what a stroke adds to the study (``bytes_per_stroke``).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
import time
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesionseg.review.changes import Entry, change_between
from napari_lesionseg.study.desk import desk_case, open_desk
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, release, take
from napari_lesionseg.study.writer import Listener, Writer
from napari_lesionseg.volumes import Geometry

GRID = Geometry.from_spacing((300, 512, 512), (1.0, 0.7, 0.7))
RADIUS = 12  # Of a stroke's dots, in voxels.


def strokes(count: int, seed: int = 0) -> list[Entry]:
    """Make brush strokes of 20 dots each, one after the other on one mask."""
    rng, labels, entries = np.random.default_rng(seed), np.zeros(GRID.display_shape, np.uint8), []
    rows, columns = np.ogrid[:512, :512]
    for position in range(1, count + 1):
        z, (y, x) = int(rng.integers(300)), rng.integers(60, 450, 2)
        after = labels[z].copy()
        for _ in range(20):
            y, x = np.clip((y, x) + rng.integers(-8, 9, 2), 20, 490)
            after[(rows - y) ** 2 + (columns - x) ** 2 <= RADIUS**2] = position % 8 > 0
        before, labels[z] = labels[z].copy(), after
        change = change_between(before[None], after[None], [0])
        if change is not None:
            box = (z, z + 1, *change.box[2:])
            change = type(change)(box, change.before, change.after)
        gained = int(after.sum()) - int(before.sum())
        entries.append(Entry(position, "edit", "brush", z, gained, "2026-01-01T00:00:00.000+00:00", change))
    return entries


def measure_commits(folder: Path, entries: list[Entry]) -> dict[str, Any]:
    """Append one line at a time, then open the draft again."""
    study = open_desk(folder)
    draft = Drafts(study).open_main(desk_case(folder, "a" * 64, GRID), "bench")
    lock = take(study, draft, "bench")
    assert isinstance(lock, Lock)
    seconds, before = [], _size(folder)
    with Journal(study, draft, lock.token) as journal:
        for entry in entries:
            began = time.perf_counter()
            journal.append([entry], "bench")
            seconds.append(time.perf_counter() - began)
    release(study, lock)
    size, began = _size(folder) - before, time.perf_counter()
    with Journal(study, draft) as journal:
        journal.restore()
    return {
        "commit": summarise(seconds),
        "restore_seconds": round(time.perf_counter() - began, 2),
        "bytes_per_stroke": round(size / len(entries)),
    }


def measure_writer(folder: Path, entries: list[Entry], pause: float = 0.01) -> dict[str, Any]:
    """Put one line every ``pause`` seconds, as a hurried hand does, and wait for each to be told."""
    opened, given, told = threading.Event(), {}, {}
    listener = Listener(
        opened=lambda *_: opened.set(), saved=lambda position, _: told.setdefault(position, time.perf_counter())
    )
    writer = Writer(folder, desk_case(folder, "b" * 64, GRID), "bench", listener)
    writer.start()
    opened.wait()
    waited = []
    for entry in entries:
        given[entry.position] = began = time.perf_counter()
        writer.put(entry)
        waited.append(time.perf_counter() - began)
        time.sleep(pause)
    writer.close(60)
    ends = sorted(told)  # A message covers all lines up to its position.
    saved = [told[ends[bisect_left(ends, position)]] - moment for position, moment in given.items()]
    return {"put": summarise(waited), "saved": summarise(saved)}


def summarise(seconds: list[float]) -> dict[str, float]:
    """The median, the 99th percentile and the worst, in milliseconds."""
    p50, p99 = np.percentile(seconds, [50, 99])
    return {"p50": round(p50 * 1000, 3), "p99": round(p99 * 1000, 3), "worst": round(max(seconds) * 1000, 3)}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("study.db*"))


def main() -> None:
    """Print the figures for the disk of the folder named on the command line; nothing is left there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--strokes", type=int, default=2000)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        entries = strokes(options.strokes)
        commits = measure_commits(place / "desk", entries)
        report = {"strokes": len(entries), **commits, **measure_writer(place / "desk", entries)}
    finally:
        shutil.rmtree(place)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
