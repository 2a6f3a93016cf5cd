"""Killed at any moment: what was acknowledged is there, and every file is whole (hazard 1)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.study.faults.runner import run

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX systems"),
    pytest.mark.timeout(1800),
]
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


def _says(what: str, found: dict[str, Any]) -> str:
    return (
        f"{found['kills']} kills while {what}, {found['middle']} in the middle of it: "
        f"{found['acknowledged']} acknowledged, {len(found['lost'])} lost or corrupt"
    )


def _assert_spread(found: dict[str, Any], kills: int) -> None:
    """The kills came while the work went on, and early, half-way and late in it."""
    assert found["kills"] == kills
    assert found["middle"] >= 0.8 * kills
    phases = found["phases"]
    assert max(phases) - min(phases) > 0.3, phases
    if len(phases) >= 40:  # So many cannot all miss a third by chance.
        early, late = sum(phase < 1 / 3 for phase in phases), sum(phase > 2 / 3 for phase in phases)
        assert min(early, late, len(phases) - early - late) >= 0.1 * len(phases), phases


@pytest.mark.hazard("H1")
def test_killed_while_painting_no_acknowledged_stroke_is_lost(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    kills = hazard_count(12, 200)
    found = run("kills", "painting", tmp_path, kills)
    slowest = max(found["waited"])
    holds = found["lost"] == [] and slowest <= 1.0
    hazard_figure("H1", f"{_says('painting', found)}, at most {slowest:.3f} s unacknowledged", holds)
    assert found["lost"] == []
    assert slowest <= 1.0
    assert found["acknowledged"] >= kills
    assert any(found["waited"])  # Some kills came between a stroke and its acknowledgement.
    _assert_spread(found, kills)


@pytest.mark.hazard("H1")
@pytest.mark.parametrize(
    ("work", "what", "few"),
    [
        ("keeping", "keeping a revision", 10),
        ("exporting", "exporting", 5),
        ("migrating", "migrating", 10),
    ],
)
def test_killed_at_a_random_moment_everything_is_whole(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure, work: str, what: str, few: int
) -> None:
    kills = hazard_count(few, 200)
    found = run("kills", work, tmp_path, kills)
    hazard_figure("H1", _says(what, found), found["lost"] == [])
    assert found["lost"] == []
    _assert_spread(found, kills)


@pytest.mark.hazard("H1")
@pytest.mark.parametrize(
    ("work", "what"),
    [
        ("painting", "painting"),
        ("keeping", "keeping a revision"),
        ("exporting mask.nii.gz", "exporting a mask"),
        ("exporting nnunet", "exporting a data set"),
        ("migrating", "migrating"),
    ],
)
def test_killed_at_each_call_that_changes_the_disk_everything_is_whole(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure, work: str, what: str
) -> None:
    most = hazard_count(6, 400)
    found = run("kill at each", work, tmp_path, most, faults=True)
    said = (
        f"{found['kills']} kills, one at each write, sync and rename while {what}: {len(found['lost'])} lost or corrupt"
    )
    hazard_figure("H1", said, found["lost"] == [])
    assert found["lost"] == []
    fewest = most // 2 if work == "painting" else 6  # Strokes that wait are kept together, so there may be fewer calls.
    assert found["kills"] >= fewest
