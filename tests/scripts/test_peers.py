"""The peers' table: a verdict a line, a missing tool is said, a fault makes the run fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase name="a"><properties><property name="peer" value="dciodvfy"/><property name="judged" value="DICOM SEG"/>
<property name="version" value="1.0"/><property name="result" value="no error"/></properties></testcase>
<testcase name="b"><properties><property name="peer" value="MRIcron"/><property name="judged" value="NIfTI"/>
</properties><skipped message="mricron is not installed"/></testcase>
<testcase name="c"><properties><property name="peer" value="dcmtk"/><property name="judged" value="RTSTRUCT"/>
<property name="result" value="2 complaints | one"/></properties><failure message="AssertionError: x"/></testcase>
<testcase name="d"><properties><property name="peer" value="nnU-Net"/><property name="judged" value="data set"/>
</properties><error message="KeyError: 'x'&#10;more"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def peers(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(repo_root / "scripts"))
    monkeypatch.delitem(sys.modules, "peers", raising=False)
    import peers

    return peers


def test_every_verdict_is_a_line(peers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "report.xml").write_text(REPORT)
    rows = peers.read_report(tmp_path / "report.xml")
    assert [row.cells for row in rows] == [
        ("dciodvfy 1.0", "DICOM SEG", "no error"),
        ("MRIcron", "NIfTI", "not run: mricron is not installed"),
        ("dcmtk", "RTSTRUCT", "FALLS SHORT: 2 complaints | one"),
        ("nnU-Net", "data set", "FALLS SHORT: KeyError: 'x'"),
    ]
    assert peers.as_markdown(rows).splitlines()[4] == "| dcmtk | RTSTRUCT | FALLS SHORT: 2 complaints \\| one |"


@pytest.mark.parametrize(("keep", "status"), [("a", 0), ("ab", 0), ("b", 1), ("ac", 1), ("ad", 1)])
def test_a_fault_or_nothing_judged_makes_the_run_fail(  # type: ignore[no-untyped-def]
    peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, status: int
) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    rows = [row for row, name in zip(peers.read_report(tmp_path / "report.xml"), "abcd", strict=True) if name in keep]
    monkeypatch.setattr(peers, "judge", lambda *_: rows)
    monkeypatch.setattr(sys, "argv", ["peers.py", "--no-set-up", "--markdown", str(tmp_path / "page.md")])
    assert peers.main() == status
    assert (tmp_path / "page.md").read_text().count("\n| ") == 2 + len(rows)


def test_only_the_table_of_a_page_is_replaced(peers, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "page.md"
    page.write_text(f"# Peers\n\n{peers.START}\nold\n{peers.END}\n\nWhy.\n")
    peers.put_into(page, "| new |")
    assert page.read_text() == f"# Peers\n\n{peers.START}\n| new |\n{peers.END}\n\nWhy.\n"
