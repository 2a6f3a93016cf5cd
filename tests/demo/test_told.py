"""What is heard from the window's process: its own lines, and which of them it called saved."""

from __future__ import annotations

import json

from napari_lesionseg.demo.told import Told


def drawn(position: int, draft: str = "d1") -> str:
    line = {"kind": "edit", "tool": "brush", "slice": 3, "voxels": position, "target": None}
    return json.dumps({"event": "drawn", "draft": draft, "position": position, **line})


def saved(position: int, draft: str = "d1") -> str:
    return json.dumps({"event": "saved", "draft": draft, "position": position})


def test_only_lines_that_were_called_saved_count_as_acknowledged() -> None:
    told = Told()
    for text in (drawn(1), drawn(2), saved(2), drawn(3), drawn(1, "d2")):
        told.hear(text)
    assert told.acknowledged == {
        "d1": {1: ("edit", "brush", 3, 1, None), 2: ("edit", "brush", 3, 2, None)},
        "d2": {},
    }


def test_a_window_that_was_started_again_may_say_again_what_is_saved() -> None:
    told = Told()
    for text in (drawn(1), drawn(2), saved(2), saved(1)):
        told.hear(text)
    assert set(told.acknowledged["d1"]) == {1, 2}


def test_what_a_library_prints_is_passed_over() -> None:
    told = Told()
    assert [told.hear(text) for text in ("", "hello\n", "[1, 2]\n", "3\n", '{"a": 1}\n', '{"event": "sav')] == [{}] * 6
    assert not told.finished
    told.hear('{"event": "finished"}\n')
    assert told.finished


def test_strokes_are_counted() -> None:
    told = Told()
    assert told.hear('{"event": "stroke"}\n') == {"event": "stroke"}
    assert told.strokes == 1
