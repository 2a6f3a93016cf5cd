"""The page of what was measured: docs/reference/performance.md."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from provenance import commit, machine

PAGE = """# Performance

Made by `make bench` (`python benchmarks/run.py --write`) on {day}, at commit {commit}, on {machine}.

One run, on a generated scan of 512 × 512 × 300 voxels, ours and the peer by turns wherever there is one. Times are wall
clock medians; those of the window are the time of its thread, without the time other programs had the processor, with
OpenGL drawn in software.

| what | ours | peer | figure | target | |
|---|---|---|---|---|---|
{rows}
{why}"""


def write_page(path: Path, rows: list[str]) -> None:
    """Write the table; what stands below it from ``## `` on is kept."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    why = "\n## " + old.split("\n## ", 1)[1] if "\n## " in old else ""
    text = PAGE.format(day=date.today().isoformat(), commit=commit(), machine=machine(), rows="\n".join(rows), why=why)
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
