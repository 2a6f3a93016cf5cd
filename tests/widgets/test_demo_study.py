"""The demo of a study: reviewed by a script in the real window, which is killed on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from napari_lesionseg import demo

if TYPE_CHECKING:
    from pathlib import Path


def test_more_kills_than_cases_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["--study", "--out", str(tmp_path / "out"), "--patients", "2", "--kills", "2"]) == 2
    assert "give fewer kills" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.timeout(600)
def test_a_study_is_reviewed_to_its_end_though_the_window_is_killed_in_the_middle_of_a_stroke(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--study", "--out", str(tmp_path / "out"), "--patients", "3", "--kills", "1"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["cases"], told["approved"], told["killed"]) == (3, 3, 1)
    assert (told["lost"], told["audit_complete"]) == (0, True)
    assert told["strokes"] > 30  # 12 in each of three cases, if there is so much to correct.
    assert told["acknowledged"] > told["strokes"]  # Four more lines of each case are undone and redone strokes.
    assert told["lines"] - told["acknowledged"] <= 2  # Only the window that was killed left any.
    assert told["journal"] >= told["acknowledged"]
