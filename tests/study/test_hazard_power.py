"""The power goes at any moment: what was acknowledged is on the disk (hazard 2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.study.faults import power
from tests.study.faults.runner import run

pytestmark = pytest.mark.timeout(1800)
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


@pytest.fixture(autouse=True)
def _needs_a_disk_of_its_own() -> None:
    if reason := power.why_not():
        pytest.skip(reason)


@pytest.mark.hazard("H2")
@pytest.mark.parametrize(
    ("work", "what"), [("painting", "strokes"), ("keeping", "revisions"), ("exporting mask.nii.gz", "exported masks")]
)
def test_what_was_acknowledged_survives_a_power_cut(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure, work: str, what: str
) -> None:
    cuts = hazard_count(6, 200)
    found = run("power", work, tmp_path, cuts, seconds=1700)
    said = f"{found['cuts']} power cuts, {found['middle']} in the middle of work: {found['acknowledged']:,} {what}"
    hazard_figure("H2", f"{said} acknowledged before them, {len(found['lost'])} lost", found["lost"] == [])
    assert found["lost"] == []
    assert found["cuts"] == cuts
    assert found["middle"] >= cuts // 2
    assert found["acknowledged"] >= cuts


@pytest.mark.hazard("H2")
def test_without_syncs_the_same_cuts_are_seen_to_lose_strokes(tmp_path: Path) -> None:
    """The disk is a real one: if this loses nothing, the test above shows nothing."""
    assert run("power", "painting unsynced", tmp_path, 4)["lost"]
