"""Train a run while killing it again and again; called by test_fit.py as a process of its own.

It imports torch once and forks a trainer for each try: a trainer that starts from nothing every time would spend
its life importing. Arguments: study, run folder, configuration, and a JSON list of when to kill: ``["event", n, s]``
is ``s`` seconds after the n-th event of that try, ``["rename", n]`` is before its n-th file gets its name,
``["renamed", n]`` is after it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch._dynamo  # noqa: F401 - torch imports it in the first step: better once than in each fork.
from lesionseg_training.config import RUN_CONFIG, load_config
from lesionseg_training.fit import fit

from napari_lesionseg.study.store import Study

Kill = list[Any]


def main(study: str, run: str, config: str, kills: str) -> None:
    """Kill as told, then let the last try end; print how many tries were killed in time."""
    killed = 0
    for kill in [*json.loads(kills), None]:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _train(study, Path(run), config, kill, writer)
        os.close(writer)
        if kill is not None and kill[0] == "event":
            _wait_for_events(reader, kill[1])
            time.sleep(kill[2])
            os.kill(child, signal.SIGKILL)
        while os.read(reader, 4096):
            pass
        os.close(reader)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    print(killed)


def _train(study: str, run: Path, config: str, kill: Kill | None, writer: int) -> None:
    code = 1
    try:
        if kill is not None and kill[0] in ("rename", "renamed"):
            _die_at_rename(kill[1], after=kill[0] == "renamed")
        resume = (run / RUN_CONFIG).is_file()
        fit(Study.open(study), run, load_config(config), resume=resume, emit=lambda event: _tell(writer))
        code = 0
    finally:
        os._exit(code)


def _tell(writer: int) -> None:
    os.write(writer, b".")


def _wait_for_events(reader: int, count: int) -> None:
    while count > 0 and (told := os.read(reader, 1)):
        count -= len(told)


def _die_at_rename(count: int, *, after: bool) -> None:
    replace, left = os.replace, [count]

    def replace_or_die(source: str, target: str) -> None:
        left[0] -= 1
        if left[0] == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace_or_die  # type: ignore[assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
