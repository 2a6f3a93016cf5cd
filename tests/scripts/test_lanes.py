"""Commands run side by side, what they say stays apart, and a failure of one is the failure of all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SAY = "import sys, time; print('{0} begins', flush=True); time.sleep(0.5); print('{0} ends'); sys.exit({1})"


def _lanes(repo_root: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, str(repo_root / "scripts" / "lanes.py"), *commands]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def _python(code: str) -> str:
    return f'"{sys.executable}" -c "{code}"'


def test_what_two_commands_say_at_once_does_not_mix(repo_root: Path) -> None:
    result = _lanes(repo_root, _python(SAY.format("a", 0)), _python(SAY.format("b", 0)))
    said = [line for line in result.stdout.splitlines() if not line.startswith("---")]
    assert result.returncode == 0
    assert sorted([said[:2], said[2:]]) == [["a begins", "a ends"], ["b begins", "b ends"]]


def test_they_run_at_the_same_time(repo_root: Path) -> None:
    code = "import time; print(time.time()); time.sleep(1); print(time.time())"
    said = _lanes(repo_root, _python(code), _python(code)).stdout.splitlines()
    first, second, third, fourth = (float(line) for line in said if not line.startswith("---"))
    assert max(first, third) < min(second, fourth)


def test_one_that_fails_fails_all_but_stops_none(repo_root: Path) -> None:
    result = _lanes(repo_root, _python("raise SystemExit(3)"), _python(SAY.format("b", 0)))
    assert result.returncode == 3
    assert "b ends" in result.stdout


def test_a_killed_one_is_a_failure(repo_root: Path) -> None:
    assert _lanes(repo_root, _python("import os; os.kill(os.getpid(), 9)")).returncode == 9


def test_told_to_stop_it_prints_what_hung_and_stops_it(repo_root: Path, tmp_path: Path) -> None:
    hangs = (
        "import os, pathlib, time; print('the last words', flush=True);"
        f" pathlib.Path('{tmp_path}/new').write_text(str(os.getpid())); os.rename('{tmp_path}/new', '{tmp_path}/pid');"
        " time.sleep(300)"
    )
    program = [sys.executable, str(repo_root / "scripts" / "lanes.py"), _python(hangs), _python("print('well')")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as lanes:
        said = ""
        while "well" not in said:  # One lane has ended; the other one hangs.
            said = lanes.stdout.readline()
        _wait_until((tmp_path / "pid").exists)
        hung = int((tmp_path / "pid").read_text())
        lanes.send_signal(signal.SIGTERM)
        said, _ = lanes.communicate(timeout=60)
    assert "the last words\n" in said
    assert "not at its end after 0:" in said
    assert lanes.returncode == 128 + signal.SIGTERM
    _wait_until(lambda: not _runs(hung))


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_without_a_command_it_says_what_it_needs(repo_root: Path) -> None:
    result = _lanes(repo_root)
    assert result.returncode == 1
    assert result.stderr == "error: scripts/lanes.py needs a command to run.\n"
