"""Tables that a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.tables import csv_text, escape, read_csv, unescape, write_csv

STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
BEFORE = ("", " ", "  ", "\t", "\n", "\r\n", '"', "'", '""', " '", "\u00a0", "a;", "a,", "a\n", "a|", "a\t", '";', '",')
FORMULAS = (
    "1+1",
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://x","y")',
    "SUM(1,1)",
    "A1;B1",
    'IMPORTXML("x";"y")',
    "-1",
    "x",
)


def _live_cells(text: str) -> list[str]:
    """Cells a spreadsheet would run, however it splits the text; numbers are not run."""
    live = []
    for separator in ",;\t|":
        quoted = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
        plain = [cell for line in re.split(r"[\r\n]+", text) for cell in line.split(separator)]
        for cell in quoted + plain:
            shown = cell.strip().strip('"').strip()
            if cell[:1] in ("\t", "\r") or (
                shown[:1] in STARTS and not re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", shown)
            ):
                live.append(cell)
    return live


def _payloads(count: int) -> list[str]:
    every = [before + start + formula for before in BEFORE for start in STARTS for formula in FORMULAS]
    return random.Random(22).sample(every, count)


@pytest.mark.hazard("H22")
def test_no_text_cell_is_run_by_a_spreadsheet(
    hazard_count: Callable[[int, int], int], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    payloads = _payloads(hazard_count(500, 1400))
    live = [payload for payload in payloads if _live_cells(csv_text(["name", "ml"], [[payload, -1.5], ["x", 2]]))]
    hazard_figure("H22", f"{len(payloads):,} formulas in text cells: {len(live)} live", not live)
    assert live == []


def test_the_judge_of_live_cells_sees_them() -> None:
    assert _live_cells("name\n=1+1\n") != []
    assert _live_cells('name\n"a;=1+1"\n') != []
    assert _live_cells("name,ml\nx,-1.5\n") == []


@given(st.text(alphabet="=+-@'\"; ,|\t\r\nax＝", max_size=12))
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape(escape(text)) == text


def test_ordinary_text_and_numbers_stay_as_they_are() -> None:
    text = csv_text(["case", "x_mm", "n", "none"], [["case-0001, left", -12.25, 3, None], ["O'Neill", 1e-7, -4, None]])
    assert text == 'case,x_mm,n,none\n"case-0001, left",-12.25,3,\nO\'Neill,1e-07,-4,\n'


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = [["=1+1", 'say "a"\nb'], ["ä", " @x"]]
    write_csv(tmp_path / "t.csv", ["a", "-b"], rows)
    assert read_csv(tmp_path / "t.csv") == [["a", "-b"], *rows]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_no_end_of_line_in_a_cell_begins_another_row(tmp_path: Path) -> None:
    rows = [["\rx", "a\rb"], ["a\r\nb", "\n"], ["\r", "x\r"]]
    write_csv(tmp_path / "t.csv", ["a", "b\r"], rows)
    assert read_csv(tmp_path / "t.csv") == [["a", "b\r"], *rows]


def test_a_table_that_changes_on_its_way_to_the_disk_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("old\n")
    monkeypatch.setattr("napari_lesionseg.volumes.tables.read_csv", lambda path: [["other"]])
    with pytest.raises(LesionsegError, match=r"t\.csv did not read back as it was written"):
        write_csv(tmp_path / "t.csv", ["new"], [])
    assert (tmp_path / "t.csv").read_text() == "old\n"


def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LesionsegError, match="is not a table in CSV"):
        read_csv(tmp_path / "t.csv")
