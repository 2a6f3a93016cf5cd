"""A study reviewed in a window that is killed on the way and started again, and the proof that nothing is missing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from napari_lesionseg.demo.folder import make_folder
from napari_lesionseg.demo.phantoms import write_study
from napari_lesionseg.demo.proof import prove
from napari_lesionseg.demo.told import Told
from napari_lesionseg.errors import LesionsegError

WINDOW: Final = "napari_lesionseg.demo.at_work"
LIMIT_SECONDS: Final = 900
STROKES_BEFORE: Final = 3  # Of the case in which the window is killed.
LONGEST_PAUSE: Final = 0.15  # Seconds from the beginning of a stroke to the kill.


def review(out: Path, patients: int = 12, kills: int = 2, pictures: Path | None = None) -> bool:
    """Make a study in ``out``, let it be reviewed, and say whether nothing is missing.

    Parameters
    ----------
    kills
        How often the window is killed in the middle of a stroke; each time in another case.
    pictures
        The folder pictures go to.

    Raises
    ------
    LesionsegError
        If ``out`` holds other files, the numbers make no sense, or the window does not get on.
    """
    if not 0 <= kills < patients:
        raise LesionsegError(f"{patients} patients cannot be reviewed with {kills} kills; give fewer kills.")
    make_folder(out)
    began = time.monotonic()
    write_study(out / "study", out / "truth", patients)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    told, killed, chance = Told(), 0, random.Random(patients)
    while not told.finished:
        after = (killed + 1) * patients // (kills + 1) if killed < kills else None
        if _work(out, pictures, told, after, chance):
            killed += 1
        elif not told.finished:
            raise LesionsegError("The demo failed: the window ended before its work was done.")
    verdict = prove(out / "study", told)
    verdict.figures |= {"killed": killed, "seconds": round(time.monotonic() - began)}
    print(json.dumps(verdict.figures))
    for fault in verdict.faults:
        print(f"missing: {fault}", file=sys.stderr)
    return not verdict.faults and killed == kills


def _work(out: Path, pictures: Path | None, told: Told, after: int | None, chance: random.Random) -> bool:
    """Run one window until it has finished, or kill it in the case that follows ``after`` finished ones.

    Returns
    -------
    bool
        Whether it was killed.
    """
    strokes, done, killed = 0, 0, False
    with _start(out, pictures) as window:
        watch = threading.Timer(LIMIT_SECONDS, window.kill)
        watch.start()
        try:
            for text in window.stdout or ():
                said = told.hear(text)
                event = said.get("event")
                if event == "opened":
                    strokes, done = 0, said["finished"]
                strokes += event == "stroke"
                due = after is not None and done >= after and strokes > STROKES_BEFORE
                if due and event == "stroke" and not killed:
                    time.sleep(chance.uniform(0, LONGEST_PAUSE))
                    window.kill()  # SIGKILL: nothing of it runs any more. What it has said is still to be read.
                    killed = True
        finally:
            watch.cancel()
            window.kill()
    return killed


def _start(out: Path, pictures: Path | None) -> subprocess.Popen[str]:
    # The user's own settings, models and desk are left alone.
    own = {"LESIONSEG_HOME": str(out / "home"), "LESIONSEG_DESK": str(out / "home" / "desk")}
    command = [sys.executable, "-m", WINDOW, str(out / "study"), str(out / "truth")]
    if pictures is not None:
        command.append(str(pictures))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | own)
