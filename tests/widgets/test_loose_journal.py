"""A scan without a study is journaled to the desk, however often it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lesionseg.volumes import Volume
from napari_lesionseg.widgets import loose_journal

if TYPE_CHECKING:
    import pytest
    from pytestqt.qtbot import QtBot

Tiny = tuple[Any, Any, np.ndarray]


def test_a_scan_opened_again_and_again_is_never_said_to_be_somebody_elses(
    workbench: Any, qtbot: QtBot, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(loose_journal, "ask_locked", lambda *who: asked.append(who) or "")
    recorder, session = workbench.context.recorder, workbench.session
    scan = tiny[0]
    for again in (scan, scan, Volume(scan.array, scan.geometry), scan):
        session.open_scan(again)
        qtbot.wait(20)  # Long enough to begin, too short to be open: what a double click does.
    qtbot.waitUntil(lambda: recorder.draft is not None, timeout=20000)
    session.mask.array[1, 2, 3] = 1
    session.mark_edited([1])
    session.open_scan(scan)
    qtbot.waitUntil(lambda: recorder.draft is not None and session.mask.array[1, 2, 3] == 1, timeout=20000)
    assert asked == []
    assert session.editable
