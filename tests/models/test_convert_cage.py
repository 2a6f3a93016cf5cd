"""A locked process can compute and answer: it reads, writes, starts and reaches nothing else, whatever it runs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_lesionseg.models import convert_cage
from napari_lesionseg.models.convert_cage import NoCage, can_lock, lock

BREAK_OUT = Path(__file__).with_name("break_out.py")
LOCKS = pytest.mark.skipif(not can_lock(), reason="this system cannot lock a process, so nothing is converted on it")


@LOCKS
@pytest.mark.hazard("H18")
def test_even_code_that_runs_can_do_nothing(
    hostile_files: Callable[..., list[Any]], tmp_path: Path, hazard_figure: Callable[[str, str, bool], None]
) -> None:
    """The second wall, without the first before it: everything a stranger may try, and pickles opened without care."""
    folder, pickles = tmp_path / "folder", tmp_path / "pickles"
    folder.mkdir()
    pickles.mkdir()
    (folder / "victim").write_text("precious")
    files = [
        file
        for file in hostile_files(tmp_path / "files", live=True)
        if file.path.name.endswith(("-pickle0.pth", "-pickle5.pt"))
    ]
    for file in files:
        file.path.rename(pickles / file.path.name)
    with open(tmp_path / "told", "w+b") as told:
        done = subprocess.run(
            [sys.executable, BREAK_OUT, folder, pickles], stdout=told, stderr=subprocess.PIPE, check=False, timeout=120
        )
    assert done.returncode == 0, done.stderr
    came_of_it = json.loads((tmp_path / "told").read_bytes())
    time.sleep(1)
    left = [file.path.name for file in files if os.path.lexists(file.canary)]
    kept = (folder / "victim").read_text() == "precious" and os.listdir(folder) == ["victim"]
    tried = [what for what in came_of_it if not what.endswith((".pth", ".pt"))]
    done_ = [what for what in tried if came_of_it[what] == "done"]
    holds = not left and not done_ and kept and len(files) >= 40
    hazard_figure(
        "H18", f"locked up, {len(tried)} attempts and {len(files)} live pickles: {len(left + done_)} got out", holds
    )
    assert (left, done_, kept) == ([], [], True)
    assert len(files) >= 40
    assert len(came_of_it) == len(tried) + len(files)


@LOCKS
@pytest.mark.parametrize(
    "broken",
    [
        "cage._ALLOWED['openat'] = (257, 56)",
        "cage._ALLOWED['socket'] = (41, 198)",
        "cage._ALLOWED |= {'clone': (56, 220), 'fork': (57, 0)}",
        "cage._filter = lambda: None",
        "cage._MACHINES[cage.platform.machine()] = (*cage._MACHINES[cage.platform.machine()][:2], 1)",
    ],
)
def test_a_lock_that_does_not_hold_is_noticed(broken: str) -> None:
    code = f"""
import os, resource
import napari_lesionseg.models.convert_cage as cage
{broken}
cage._limit = lambda *_: None
try:
    cage.lock(1 << 28, 1 << 20)
except cage.NoCage as error:
    print(error, flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip(), done.stderr


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("win32", "AMD64"), ("linux", "riscv64")])
def test_where_there_is_no_lock_it_says_so(monkeypatch: pytest.MonkeyPatch, system: str, machine: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(convert_cage.platform, "machine", lambda: machine)
    assert not can_lock()
    with pytest.raises(NoCage):
        lock(1, 1)


@LOCKS
def test_a_system_that_refuses_the_filter_leaves_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, "barred")

    monkeypatch.setattr(convert_cage, "_limit", lambda *_: None)
    monkeypatch.setattr(convert_cage, "_filter", refuse)
    with pytest.raises(NoCage, match="barred"):
        lock(1, 1)
