"""Run a harness in a process of its own: it forks, and faults in it stay in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.study.faults import shim

ROOT = Path(__file__).resolve().parents[3]


def run(
    harness: str, work: str, folder: Path, count: int, *, faults: bool = False, seconds: float = 900
) -> dict[str, Any]:
    """Give what the harness found; skips the test where it cannot run."""
    environment = dict(os.environ)
    if faults:
        if reason := shim.why_not():
            pytest.skip(reason)
        control = folder / "faults"
        shim.Faults(control)
        environment = shim.environment(control)
    memory = Path("/dev/shm")  # Where a disk in a file need not wait for the one below it.
    place = Path(tempfile.mkdtemp(dir=memory if harness == "power" and memory.is_dir() else folder))
    alone = ["unshare", "--mount", "--propagation", "private"] if harness == "power" else []
    command = [*alone, sys.executable, "-m", "tests.study.faults", harness, work, str(place), str(count)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    finally:
        shutil.rmtree(place, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
