"""Opens a case, says what it found, and draws until it is killed: ``python recovering_child.py STUDY SEED``.

Printed, a line each: ``opened LINES SHA``, before a line is handed over ``put POSITION SHA``, and when it is on the
disk ``saved POSITION``.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import numpy as np

from napari_lesionseg.review.changes import Entry
from napari_lesionseg.review.session import Session
from napari_lesionseg.study.writer import Listener, Writer
from napari_lesionseg.volumes import Volume
from tests.study.drafting import GRID, sha


def say(*words: object) -> None:
    """Print whole lines, from any thread, before what follows happens."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def main(folder: str, seed: int) -> None:
    """Draw for ever; what ``put`` says holds for the mask after the line."""
    ready, found = threading.Event(), []

    def opened(*told: object) -> None:
        found.extend(told)
        ready.set()

    listener = Listener(
        opened=opened,
        saved=lambda position, _: say("saved", position),
        failed=lambda sentence: say("failed", sentence),
        locked=lambda by: say("locked", by),
    )
    writer = Writer(folder, "c1", "ann", listener)
    writer.start()
    if not ready.wait(60):
        return
    session, restored = Session(), found[0]
    session.open_scan(Volume(np.full(GRID.display_shape, -800, np.int16), GRID))
    session.history.set_source(writer.fetch)
    session.restore(restored.mask, restored.log, restored.corrected)
    assert session.mask is not None
    array = session.mask.array
    say("opened", len(restored.log), sha(array))

    def hand_over(entry: Entry) -> None:
        say("put", entry.position, sha(array))
        writer.put(entry)

    session.edited.connect(hand_over)
    rng = np.random.default_rng(seed)
    while True:
        if rng.random() < 0.2:
            session.undo()
        elif rng.random() < 0.1:
            session.redo()
        else:
            z, y, x = (int(rng.integers(n)) for n in array.shape)
            array[z, y : y + 4, x : x + 4] = rng.integers(0, 3)
            session.mark_edited([z])
        time.sleep(float(rng.choice([0.0, 0.002, 0.01])))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
