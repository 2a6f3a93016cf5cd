"""``lesionseg study audit``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.drafts import Drafts
from napari_lesionseg.study.journal import Journal
from napari_lesionseg.study.locks import Lock, take
from napari_lesionseg.study.looks import add_looks
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask
from napari_lesionseg.volumes.tables import read_csv
from tests.cli.test_study import GRID, _json, _run, _scan
from tests.study.drafting import Hand


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Case c1 with three lines of ann's, 3 s on slice 2 and 0.5 s on slice 0, and a comment of bob's; c2 untouched."""
    made = Study.create(tmp_path / "study")
    for number in (1, 2):
        made.add_case(f"c{number}", None, _scan(tmp_path / f"{number}.nii", number))
    draft = Drafts(made).open_main("c1", "ann")
    lock = take(made, draft, "ann")
    assert isinstance(lock, Lock)
    hand = Hand(np.zeros(GRID.display_shape, np.uint8))
    with Journal(made, draft, lock.token) as journal:
        journal.append([hand.dot(2, 1, 1, size=2), hand.undo(), hand.redo()], "ann")
        with journal.transaction(write=True) as connection:
            add_looks(connection, lock, {0: 0.5, 2: 3.0})
    made.add_revision("c1", "correction", Mask(hand.labels, GRID), reviewer="ann", draft=draft.id, position=3)
    Workflow(made).comment("c1", "why\x1b[2J?", "bob", (1, 2, 3))
    return made


def test_the_trail_is_printed_with_the_time_on_slices_and_lesions(study: Study) -> None:
    lines = _run("audit", study.folder, "c1").output.splitlines()
    assert [line.split()[1:] for line in lines[1:4]] == [
        ["ann", "edit", "1", "brush", "2", "4"],
        ["ann", "undo", "2", "1", "brush", "2", "-4"],
        ["ann", "redo", "3", "1", "brush", "2", "4"],
    ]
    assert "ann" in lines[4] and "correction" in lines[4]
    assert lines[5].endswith("why [2J? (voxel 1, 2, 3)")
    assert lines[6:] == ["Seconds on each slice: 0: 0.5, 2: 3.0", "Seconds on each lesion: 1: 3.0"]


def test_json_has_every_line_and_all_seconds(study: Study) -> None:
    told = _json("audit", study.folder, "C1")
    assert told["case"] == "c1"
    assert [row["what"] for row in told["trail"]] == ["edit", "undo", "redo", "mask", "comment"]
    assert told["seconds"] == {"slices": {"0": 0.5, "2": 3.0}, "lesions": {"1": 3.0}}
    assert _json("audit", study.folder, "c2") == {"case": "c2", "trail": [], "seconds": {"slices": {}, "lesions": {}}}


def test_it_is_written_as_a_table(study: Study, tmp_path: Path) -> None:
    done = _run("audit", study.folder, "c1", "-o", tmp_path / "audit.csv")
    assert done.output == f"Wrote 5 lines to {tmp_path / 'audit.csv'}.\n"
    header, *rows = read_csv(tmp_path / "audit.csv")
    assert header[:3] == ["time", "reviewer", "what"] and len(rows) == 5
    assert isinstance(_run("audit", study.folder, "c9").exception, LesionsegError)


def test_time_on_a_blind_reading_is_not_told(study: Study) -> None:
    reading = Drafts(study).start_reading("c2", "ann")
    lock = take(study, reading, "ann")
    assert isinstance(lock, Lock)
    with Journal(study, reading, lock.token) as journal, journal.transaction(write=True) as connection:
        add_looks(connection, lock, {1: 9.0})
    assert _json("audit", study.folder, "c2")["seconds"]["slices"] == {}
