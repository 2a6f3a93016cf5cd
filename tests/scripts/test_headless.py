"""A command gets a screen of its own, its exit status comes back, and the screen goes with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is for Linux")

PRINT_DISPLAY = "import os; print(os.environ['DISPLAY'], os.environ['LIBGL_ALWAYS_SOFTWARE'], end='')"
PRINT_SERVER = (
    "import os, psutil; beside = psutil.Process(os.getppid()).children(); "
    "print(next(one.pid for one in beside if one.name() == 'Xvfb'), end='')"
)


def test_the_command_sees_another_display_than_ours(repo_root: Path) -> None:
    result = _headless(repo_root, "-c", PRINT_DISPLAY, DISPLAY=":4242")
    display, software = result.stdout.split()
    assert display != ":4242"
    assert software == "1"


def test_without_a_display_the_command_is_told_that_nobody_watches(repo_root: Path) -> None:
    code = "import os; print(os.environ['HEADLESS'], end='')"
    assert _headless(repo_root, "-c", code, DISPLAY="", WAYLAND_DISPLAY="", HEADLESS="").stdout == "1"


def test_the_display_is_gone_after_the_command(repo_root: Path) -> None:
    server = int(_headless(repo_root, "-c", PRINT_SERVER).stdout)
    assert not psutil.pid_exists(server)


def test_the_exit_status_of_the_command_comes_back(repo_root: Path) -> None:
    assert _headless(repo_root, "-c", "import sys; sys.exit(7)").returncode == 7


def test_a_killed_command_is_told_as_a_shell_would(repo_root: Path) -> None:
    assert _headless(repo_root, "-c", "import os; os.kill(os.getpid(), 9)").returncode == 128 + 9


def test_with_a_display_and_no_wish_the_command_simply_runs(repo_root: Path) -> None:
    code = "import os; print(os.environ['DISPLAY'], end='')"
    assert _headless(repo_root, "-c", code, DISPLAY=":4242", HEADLESS="0").stdout == ":4242"


def test_without_a_command_it_says_what_it_needs(repo_root: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(repo_root / "scripts" / "headless.py")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr == "error: scripts/headless.py needs a command to run.\n"


def _headless(repo_root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repo_root / "scripts" / "headless.py"), sys.executable, *arguments]
    wish = os.environ | {"HEADLESS": "1"} | environment
    return subprocess.run(command, env=wish, capture_output=True, text=True, check=False, timeout=60)
