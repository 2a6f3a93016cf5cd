"""Let tools that nobody here wrote judge our exports, and print their verdicts: scripts/peers.py [--markdown FILE].

A tool that cannot be had is a line that says `not run`; any line that falls short makes the exit status 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- peers: start -->", "<!-- peers: end -->"
HEADINGS = ("peer", "judged", "result")


@dataclass(frozen=True)
class Row:
    """One judge's word."""

    peer: str
    judged: str
    result: str
    state: str

    @property
    def cells(self) -> tuple[str, str, str]:
        """The row as it is printed."""
        prefix = {"holds": "", "not run": "not run: ", "falls short": "FALLS SHORT: "}[self.state]
        return self.peer, self.judged, prefix + self.result


def main() -> int:
    """Set up, judge, print; 1 if any peer found a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table into this page, too")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", default=ROOT / "peers-output", help="of the viewers")
    parser.add_argument("--no-set-up", action="store_true", help="judge with the tools that are there")
    options, pytest_arguments = parser.parse_known_args()
    if not options.no_set_up:
        from peer_tools import set_up

        set_up()
    rows = judge(options.pictures, pytest_arguments)
    print(as_text(rows))
    if options.markdown:
        put_into(options.markdown, as_markdown(rows))
    count = {state: sum(row.state == state for row in rows) for state in ("holds", "not run", "falls short")}
    print(f"\n{count['holds']} hold, {count['falls short']} fall short, {count['not run']} not run")
    return 1 if count["falls short"] or not count["holds"] else 0


def judge(pictures: Path, pytest_arguments: list[str]) -> list[Row]:
    """Run the suite and read its verdicts."""
    pictures.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"LESIONSEG_PEERS_PICTURES": str(pictures.resolve())}
    with tempfile.TemporaryDirectory(prefix="lesionseg-peers-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "tests/peers", "-m", "peers", "-q", "--tb=short"]
        subprocess.run(
            [*command, f"--junitxml={report}", "-o", "junit_family=xunit1", *pytest_arguments],
            cwd=ROOT,
            env=environment,
            check=False,
        )
        if not report.exists():
            sys.exit("error: the peers' suite did not run to its end; its words are above.")
        return read_report(report)


def read_report(report: Path) -> list[Row]:
    """The rows of a JUnit report whose tests recorded ``peer``, ``version``, ``judged`` and ``result``."""
    rows = []
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        facts = {item.get("name", ""): item.get("value", "") for item in test.iter("property")}
        peer = " ".join(filter(None, (facts.get("peer", test.get("name", "")), facts.get("version"))))
        state, words = _outcome(test)
        result = words if state == "not run" else facts.get("result") or words
        rows.append(Row(peer, facts.get("judged", ""), result, state))
    return rows


def _outcome(test: ElementTree.Element) -> tuple[str, str]:
    for kind in ("failure", "error"):
        if (fault := test.find(kind)) is not None:
            return "falls short", _first_line(fault.get("message", kind))
    if (skip := test.find("skipped")) is not None:
        return "not run", _first_line(skip.get("message", ""))
    return "holds", ""


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def as_text(rows: list[Row]) -> str:
    """The table for a terminal."""
    cells = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(2)]
    return "\n".join(f"{peer:{widths[0]}}  {judged:{widths[1]}}  {result}" for peer, judged, result in cells)


def as_markdown(rows: list[Row]) -> str:
    """The table for a page."""
    lines = [HEADINGS, ("---",) * 3, *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def put_into(page: Path, table: str) -> None:
    """Replace what stands between the page's two marks; a page without them becomes the table."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    before, start, rest = old.partition(START)
    _, end, after = rest.partition(END)
    marked = f"{START}\n{table}\n{END}"
    page.write_text(before + marked + after if start and end else marked + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
