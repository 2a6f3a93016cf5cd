"""The window of the study's demo, in a process of its own that may be killed at any moment and started again."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_lesionseg.errors import LesionsegError


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
            case = reviewer.open_next()
            reviewer.correct(case)
            reviewer.think_twice()
            reviewer.accept(case)
        tell("finished")
    finally:
        workbench.context.close()
        viewer.close()


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
