"""A full, failing or read-only disk: what was there stays as it was, the user is told, strokes wait (hazard 3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.study.faults.runner import run

pytestmark = pytest.mark.timeout(1800)
Count = Callable[[int, int], int]
Figure = Callable[[str, str, bool], None]


@pytest.mark.hazard("H3")
@pytest.mark.parametrize(
    ("work", "what", "few"),
    [
        ("keeping", "keeping a revision", 24),
        ("migrating", "migrating", 24),
        ("exporting mask.nii.gz", "exporting NIfTI", 12),
        ("exporting mask.seg.nrrd", "exporting NRRD", 12),
        ("exporting mask.mha", "exporting MetaImage", 12),
        ("exporting lesions.csv", "exporting a table", 12),
        ("exporting nnunet", "exporting a data set", 15),
    ],
)
def test_a_fault_at_any_call_of_a_save_leaves_what_was_there(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure, work: str, what: str, few: int
) -> None:
    found = run("fail at each", work, tmp_path, hazard_count(few, 2000), faults=True)
    holds = found["wrong"] == [] and found["slowest"] <= 2.0
    said = f"{found['faults']} faults at {found['calls']} writes, syncs and renames of {what}: {found['told']} told"
    hazard_figure("H3", f"{said} within {found['slowest']} s, {len(found['wrong'])} changed what was there", holds)
    assert found["wrong"] == []
    assert found["slowest"] <= 2.0
    assert found["faults"] >= few / 2
    assert found["told"] >= found["faults"] / 2


@pytest.mark.hazard("H3")
def test_strokes_wait_for_a_disk_that_fails_and_are_kept_when_it_is_back(
    tmp_path: Path, hazard_count: Count, hazard_figure: Figure
) -> None:
    found = run("paint at each", "painting", tmp_path, hazard_count(12, 900), faults=True, seconds=1700)
    holds = found["wrong"] == [] and found["slowest"] <= 2.0
    said = f"{found['faults']} faults while painting: told within {found['slowest']} s, {found['strokes']:,} strokes"
    hazard_figure("H3", f"{said}, {len(found['wrong'])} lost; a hand waited {found['longest_put']} s at most", holds)
    assert found["wrong"] == []
    assert found["slowest"] <= 2.0
    assert found["longest_put"] <= 0.5  # The disk is not waited for: it failed for longer than that.
    assert found["faults"] >= 6
    assert found["told"] >= found["faults"] / 2
