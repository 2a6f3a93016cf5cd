"""The window of the study's demo, in a process of its own that may be killed at any moment and started again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesionseg.errors import LesionsegError

if TYPE_CHECKING:
    from napari_lesionseg.widgets.scripted_reviewer import ScriptedReviewer

WHOLE = 6  # Cases.


def work(study: Path, truths: Path, pictures: Path | None) -> None:
    """Review what is unfinished in a study; say each stroke, each line and what is saved, a line of JSON each."""
    from napari_lesionseg.widgets.hands import Hands
    from napari_lesionseg.widgets.launch import make_window
    from napari_lesionseg.widgets.scripted_reviewer import ScriptedReviewer, tell

    viewer, workbench = make_window()
    hands = Hands(viewer, workbench, pictures)
    try:
        reviewer = ScriptedReviewer(hands, truths)
        reviewer.open_study(study)
        while reviewer.unfinished:
            _review(reviewer)
        reviewer.show("Cases", "study-end")
        tell("finished")
    finally:
        workbench.context.close()
        viewer.close()


def _review(reviewer: ScriptedReviewer) -> None:
    """Review one case; in a study that is not too small one is rejected first, and one is read blind by two."""
    done, total = reviewer.finished, reviewer.finished + reviewer.unfinished
    case = reviewer.open_next()
    reviewer.correct(case)
    if total >= WHOLE and done == total // 2:
        reviewer.show("Cases", "study-queue")
        reviewer.show("History", "study-history")
        reviewer.read_blind(case, "reader A", strokes=2, brush=9)
        reviewer.read_blind(case, "reader B", strokes=4, brush=5)
        reviewer.settle(case, "study-adjudication")
        reviewer.correct(case)
    if total >= WHOLE and done == total * 3 // 4:
        reviewer.reject_and_reopen(case)
        reviewer.correct(case)
    reviewer.think_twice()
    reviewer.accept(case)


def main(arguments: list[str]) -> int:
    """Run; 0 if all was done."""
    study, truths, *pictures = (Path(argument) for argument in arguments)
    try:
        work(study, truths, pictures[0] if pictures else None)
    except LesionsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
