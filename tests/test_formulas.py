"""No table that the program writes runs in a spreadsheet, whatever people, models and files are called (hazard 22)."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.review.evaluate import write_slices_csv
from napari_lesionseg.review.lesion_csv import write_lesion_csv
from napari_lesionseg.review.lesion_table import lesion_table
from napari_lesionseg.study import Study
from napari_lesionseg.study.audit import write_audit_csv
from napari_lesionseg.volumes import Geometry, Mask
from napari_lesionseg.volumes.pseudonyms import Pseudonyms
from napari_lesionseg.volumes.tables import read_csv
from tests.study.drafting import a_mask, add_case
from tests.volumes.test_tables import _live_cells, _payloads

NOTED = "2026-01-01T00:00:00.000+00:00"


def audit_table(folder: Path, payloads: list[str]) -> Path:
    """The audit trail of a case on which each payload is a reviewer, a comment, a reason and a model."""
    study = Study.create(folder / "study")
    add_case(study)
    study.add_revision("c1", "prediction", a_mask(1), model=payloads[0], reviewer=payloads[1])
    (number,) = _rows(study, "SELECT number FROM cases")[0]
    reasons = [(number, "in review", "skipped", text, NOTED, text) for text in payloads]
    comments = [(number, text, NOTED, text) for text in payloads]
    connection = sqlite3.connect(study.folder / "study.db")
    connection.executemany("INSERT INTO comments (case_number, reviewer, time, text) VALUES (?, ?, ?, ?)", comments)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'moves'"):
        connection.execute(f"DROP TRIGGER {name}")  # Five hundred moves at once are none that the states allow.
    connection.executemany(
        "INSERT INTO moves (case_number, before, after, reviewer, time, reason) VALUES (?, ?, ?, ?, ?, ?)", reasons
    )
    connection.commit()
    connection.close()
    write_audit_csv(folder / "audit.csv", study, "c1")
    return folder / "audit.csv"


def lesion_table_of(folder: Path, payloads: list[str]) -> Path:
    """The lesions of a mask, whose case and labels are called like payloads: all rows of all of them."""
    labels = np.zeros((3, 4, 4), np.uint8)
    labels[0, 0, 0], labels[2, 2, 2] = 1, 2
    mask = Mask(labels, Geometry.from_spacing((3, 4, 4), (10.0, 5.0, 5.0)))
    rows = lesion_table(mask)
    text = ""
    for payload in payloads:
        write_lesion_csv(folder / "one.csv", rows, pseudonym=payload, names={1: payload, 2: payload[::-1]})
        text += (folder / "one.csv").read_bytes().decode()
    (folder / "lesions.csv").write_bytes(text.encode())
    return folder / "lesions.csv"


def pseudonym_table(folder: Path, payloads: list[str]) -> Path:
    """A map whose source ids are payloads."""
    names = Pseudonyms.open(folder / "map.csv")
    for payload in payloads:
        names.name(payload)
    names.save()
    return folder / "map.csv"


def _rows(study: Study, statement: str) -> list[tuple[int]]:
    connection = sqlite3.connect(study.folder / "study.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


@pytest.mark.hazard("H22")
def test_no_table_that_is_written_runs_in_a_spreadsheet(
    tmp_path: Path, hazard_count: Callable[[int, int], int], hazard_figure: Callable[[str, str, bool], None]
) -> None:
    payloads = _payloads(hazard_count(500, 1400))
    tables = [make(tmp_path, payloads) for make in (audit_table, lesion_table_of, pseudonym_table)]
    live = {table.name: _live_cells(table.read_bytes().decode()) for table in tables}
    found = sum(map(len, live.values()))
    hazard_figure("H22", f"{len(payloads):,} formulas in each of {len(tables)} tables: {found} live", not found)
    assert {name: cells[:3] for name, cells in live.items() if cells} == {}
    cells = {table.name: {cell for row in read_csv(table) for cell in row} for table in tables}
    assert all(set(payloads) <= kept for kept in cells.values())  # They were there, and come back as they were given.
    assert {f"in review to skipped: {payload}" for payload in payloads} <= cells["audit.csv"]


def test_the_figures_of_slices_are_numbers_alone(tmp_path: Path) -> None:
    write_slices_csv(tmp_path / "s.csv", a_mask(1), a_mask(2))
    with open(tmp_path / "s.csv", newline="") as file:
        _, *rows = csv.reader(file)
    assert len(rows) == 6
    assert all(re.fullmatch(r"[\d.e-]*", cell) for row in rows for cell in row)


def test_every_table_goes_through_the_one_that_escapes(repo_root: Path) -> None:
    sources = [path for room in ("src", "training") for path in (repo_root / room).rglob("*.py")]
    own = {path.name for path in sources if re.search(r"csv\.(Dict)?[wW]riter\(|\.to_csv\(", path.read_text())}
    assert own == {"tables.py", "evaluate.py"}  # The latter writes numbers alone, as the test above shows.
