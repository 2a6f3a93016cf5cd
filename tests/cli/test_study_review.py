"""``lesionseg study readings`` and ``comments``."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.study import Study
from napari_lesionseg.study.readings import Readings
from napari_lesionseg.study.workflow import Workflow
from napari_lesionseg.volumes import Mask
from tests.cli.test_study import GRID, _json, _run, _scan


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Case c1 is read by two who finished, c2 by one who has, c3 by nobody."""
    made = Study.create(tmp_path / "study")
    for number in (1, 2, 3):
        made.add_case(f"c{number}", None, _scan(tmp_path / f"{number}.nii", number))
    readings = Readings(made)
    for case, name, voxels in (("c1", "ann", 6), ("c1", "bob", 4), ("c2", "ann", 3)):
        mask = Mask.empty(GRID)
        mask.array.flat[:voxels] = 1
        readings.finish(readings.start(case, name), mask)
    readings.start("c2", "bob")
    return made


def test_two_finished_readings_are_compared_and_one_alone_tells_nothing(study: Study) -> None:
    first, second = _json("readings", study.folder)["readings"]
    assert first == {
        "case": "c1",
        "readers": ["ann", "bob"],
        "finished": ["ann", "bob"],
        "settled": False,
        "dice": pytest.approx(0.8),
        "lesion_f1": None,  # Both are smaller than 0.1 ml.
        "volume_a_ml": pytest.approx(6 * 1.4e-3),
        "volume_b_ml": pytest.approx(4 * 1.4e-3),
        "difference_ml": pytest.approx(-2 * 1.4e-3),
    }
    assert (second["case"], second["finished"]) == ("c2", ["ann"])
    assert {second[name] for name in ("dice", "lesion_f1", "volume_a_ml", "volume_b_ml", "difference_ml")} == {None}


def test_the_table_has_a_line_for_each_case_that_is_read(study: Study) -> None:
    head, first, second = _run("readings", study.folder).output.splitlines()
    assert head.split()[:3] == ["case", "reader", "A"]
    assert first.split()[:5] == ["c1", "ann", "bob", "no", "0.800"]
    assert "bob …" in second and "0.0" not in second


def test_one_case_may_be_asked_for(study: Study) -> None:
    (only,) = _json("readings", study.folder, "c3")["readings"]
    assert (only["case"], only["readers"]) == ("c3", [])
    assert isinstance(_run("readings", study.folder, "c9").exception, LesionsegError)


def test_comments_are_listed_with_their_place_and_without_what_a_terminal_would_obey(study: Study) -> None:
    Workflow(study).comment("c2", "look\x1b[2J here\nplease", "ann", (1, 2, 3))
    Workflow(study).move("c3", "skipped", "bob", "not enough time", "tomorrow")
    first, second = _json("comments", study.folder)["comments"]
    assert (first["text"], first["voxel"], first["move"]) == ("look\x1b[2J here\nplease", [1, 2, 3], None)
    assert (second["case"], second["text"], second["voxel"]) == ("c3", "tomorrow", None)
    lines = _run("comments", study.folder).output.splitlines()
    assert len(lines) == 2 and lines[0].endswith("c2 at voxel 1, 2, 3 (z, y, x)  ann: look [2J here please")


def test_a_study_without_any_says_so(tmp_path: Path) -> None:
    empty = Study.create(tmp_path / "empty").folder
    assert _run("readings", empty).output == "No case is read blind.\n"
    assert _run("comments", empty).output == "Nobody has commented on a case.\n"
