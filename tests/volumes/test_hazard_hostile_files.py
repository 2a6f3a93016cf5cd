"""Mutated headers and bombs, read in children that may crash or hang without harm (hazards 10, 17)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]
CHUNK = 2500  # Files a child reads before a fresh one takes over.


def read_in_children(what: str, count: int, folder: Path, root: Path) -> list[dict[str, Any]]:
    """What became of each file; a child that dies or hangs is told as the fate of the file it had begun."""
    fates: list[dict[str, Any]] = []
    while len(fates) < count:
        start, wanted = len(fates), min(CHUNK, count - len(fates))
        command = [sys.executable, "-m", "tests.volumes.read_in_child", what, str(start), str(wanted), str(folder)]
        try:
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60 + wanted, check=False)
            out, end = done.stdout, f"crash: exit {done.returncode} {done.stderr[-300:]}"
        except subprocess.TimeoutExpired as error:
            out, end = (error.stdout or b"").decode(), "hang"
        lines = [json.loads(line) for line in out.splitlines() if line.endswith("}")]
        fates += [line for line in lines if "told" in line]
        if len(fates) < start + wanted:
            fates.append({"number": len(fates), "told": end, "seconds": 0.0, "before": 0.0, "peak": 0.0})
            assert len(lines) > 0, end  # It did not even begin.
    return fates


@pytest.mark.hazard("H10")
@pytest.mark.timeout(1800)
def test_a_mutated_header_is_read_or_refused_at_once_and_within_its_size(
    tmp_path: Path, repo_root: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count = hazard_count(300, 20_000)
    fates = read_in_children("mutated", count, tmp_path, repo_root)
    crashes = [fate for fate in fates if fate["told"] not in ("opened", "refused")]
    slow = [fate for fate in fates if fate["seconds"] > 2]
    greedy = [fate for fate in fates if fate["peak"] - fate["before"] > 200]
    opened = sum(fate["told"] == "opened" for fate in fates)
    most = max(fate["peak"] - fate["before"] for fate in fates)
    hazard_figure(
        "H10",
        f"{count} mutated headers ({opened} still opened): {len(crashes)} crashes, {len(slow)} over 2 s, "
        f"{len(greedy)} over 200 MB (most {most:.0f} MB, {max(fate['seconds'] for fate in fates):.2f} s)",
        not crashes and not slow and not greedy,
    )
    assert len(fates) == count
    assert crashes == []
    assert slow == []
    assert greedy == []
    assert 0.05 * count < opened < 0.6 * count  # Mutations that only break or never matter would show nothing.


@pytest.mark.hazard("H17")
@pytest.mark.timeout(1800)
def test_a_bomb_is_refused_or_read_in_little_memory_and_time(
    tmp_path: Path, repo_root: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    count = hazard_count(60, 1000)
    fates = read_in_children("bombs", count, tmp_path, repo_root)
    crashes = [fate for fate in fates if fate["told"] not in ("opened", "refused")]
    slow = [fate for fate in fates if fate["seconds"] > 2]
    greedy = [fate for fate in fates if fate["peak"] > 512]
    hazard_figure(
        "H17",
        f"{count} bombs and lying headers: {len(crashes)} crashes, at most {max(fate['peak'] for fate in fates):.0f} MB"
        f" in the whole process and {max(fate['seconds'] for fate in fates):.2f} s",
        not crashes and not slow and not greedy,
    )
    assert len(fates) == count
    assert crashes == []
    assert slow == []
    assert greedy == []
