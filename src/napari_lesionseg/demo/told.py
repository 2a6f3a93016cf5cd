"""What the window's process told before it ended: which lines of the journal it drew, and which it called saved."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Line = tuple[str, str, int, int, int | None]  # Kind, tool, slice, voxels, target.


@dataclass
class Told:
    """Everything that was heard from the windows of one demo.

    Parameters
    ----------
    drawn
        Each line of a journal that was drawn, by draft and position.
    saved
        The last position of each draft that was acknowledged.
    strokes
        How many strokes of the mouse were begun.
    finished
        Whether a window said that there is nothing left to do.
    """

    drawn: dict[str, dict[int, Line]] = field(default_factory=lambda: defaultdict(dict))
    saved: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    strokes: int = 0
    finished: bool = False

    def hear(self, text: str) -> dict[str, Any]:
        """Take one line of the process's output; give it as what it says, empty if it is not one of ours."""
        try:
            said = json.loads(text)
        except ValueError:
            return {}  # A library may print what it likes.
        if not isinstance(said, dict) or "event" not in said:
            return {}
        match said["event"]:
            case "drawn":
                line = (said["kind"], said["tool"], said["slice"], said["voxels"], said["target"])
                self.drawn[said["draft"]][said["position"]] = line
            case "saved":
                self.saved[said["draft"]] = max(self.saved[said["draft"]], said["position"])
            case "stroke":
                self.strokes += 1
            case "finished":
                self.finished = True
        return said

    @property
    def acknowledged(self) -> dict[str, dict[int, Line]]:
        """The lines that were called saved, by draft and position."""
        return {
            draft: {position: line for position, line in lines.items() if position <= self.saved[draft]}
            for draft, lines in self.drawn.items()
        }
