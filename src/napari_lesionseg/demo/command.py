"""The demos' command line: one scan through the whole loop, or a study through its whole review."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from napari_lesionseg.errors import LesionsegError

ABOUT = """
The workbench on a generated scan. With --headless (or HEADLESS=1) the whole loop is driven through the window's own
controls, and FOLDER gets a screenshot of each step, the corrected mask, the metrics and the new model's card. With
--study, a scripted reviewer works through a study of generated scans; the window is killed on the way and started
again, and at the end nothing may be missing (otherwise: exit 1).
"""
OUT = Path("demo-output")
STUDY_OUT = Path("demo-study")


def main(arguments: list[str] | None = None) -> int:
    """Run a demo; 0 if every step did what it should."""
    wanted = _parse(arguments)
    try:
        if wanted.study:
            return _review(wanted)
        _loop(wanted.headless)
    except LesionsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m napari_lesionseg.demo",
        description=ABOUT,
    )
    parser.add_argument("--headless", metavar="FOLDER", type=Path, help="drive the loop and leave its results here")
    parser.add_argument("--study", action="store_true", help="review a whole study instead")
    parser.add_argument("--out", metavar="FOLDER", type=Path, default=STUDY_OUT, help=f"the study's ({STUDY_OUT})")
    parser.add_argument("--patients", metavar="N", type=int, default=12, help="patients of the study (12)")
    parser.add_argument("--kills", metavar="N", type=int, default=2, help="how often the window is killed (2)")
    parser.add_argument("--screenshots", metavar="FOLDER", type=Path, help="pictures of the queue, history and so on")
    return parser.parse_args(arguments)


def _loop(folder: Path | None) -> None:
    from napari_lesionseg.demo.loop import drive, show

    if folder is None and os.environ.get("HEADLESS") == "1":
        folder = OUT
    if folder is None:
        show()
    else:
        drive(folder.resolve())


def _review(wanted: argparse.Namespace) -> int:
    from napari_lesionseg.demo.supervisor import review

    pictures = None if wanted.screenshots is None else wanted.screenshots.resolve()
    return 0 if review(wanted.out.resolve(), wanted.patients, wanted.kills, pictures) else 1
