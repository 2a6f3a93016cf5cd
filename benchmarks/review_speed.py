"""How quick reviewing is: ratios to bare napari, pauses of the window, and the strokes a case costs.

``python benchmarks/review_speed.py`` prints what it measures; ``--json`` prints one line of figures, ``--quick`` does a
small part of it, ``--write`` writes docs/reference/review-speed.md. It needs a display (``scripts/headless.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]  # The heartbeat belongs to the tests.

from review_cases import FULL, SMALL, Case, phantoms, real_case  # noqa: E402
from reviewers import Reviewer, Tally  # noqa: E402
from side_by_side import Side, bare_side, by_turns, clock  # noqa: E402
from tool_reviewer import ToolReviewer  # noqa: E402

from napari_lesionseg.review.metrics import dice  # noqa: E402
from napari_lesionseg.volumes import Geometry, Mask, Volume  # noqa: E402
from napari_lesionseg.volumes.phantom import make_case  # noqa: E402
from napari_lesionseg.widgets.hands import Hands, pause  # noqa: E402
from napari_lesionseg.widgets.launch import make_window  # noqa: E402
from tests.widgets.conftest import Heartbeat  # noqa: E402

LARGE = (300, 512, 512)
SMALL_WINDOW = (900, 640)  # Of a reviewer: fewer pixels to draw.
Figures = dict[str, Any]


def large_case(shape: tuple[int, int, int]) -> tuple[Volume, Mask, np.ndarray]:
    """A generated scan, each voxel repeated until it has this shape, its truth, and a prediction that is a bit off."""
    small = make_case(9000, (shape[0] // 4, shape[1] // 2, shape[2] // 2))

    def enlarge(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array.repeat(4, 0).repeat(2, 1).repeat(2, 2))

    grid = Geometry.from_spacing(shape, (1.0, 0.7, 0.7))
    truth = Mask(enlarge(small.truth.array), grid)
    return Volume(enlarge(small.scan.array), grid), truth, np.roll(truth.array, 4, 2) * np.uint8(200)


def open_window(case: tuple[Volume, Mask, np.ndarray]) -> tuple[Any, Any]:
    """Open a window with the workbench on a case."""
    viewer, workbench = make_window()
    workbench.session.open_scan(case[0], case[1])
    workbench.session.set_prediction(case[2], "shifted", 0.5)
    pause(1000)
    viewer.reset_view()
    return viewer, workbench


def speed(shape: tuple[int, int, int], rounds: int) -> Figures:
    """Ratios by turns, the metrics after a stroke, and the longest pause of the window."""
    scan, truth, probability = large_case(shape)
    viewer, workbench = open_window((scan, truth, probability))
    bare = bare_side(scan, workbench.session.mask, truth, viewer)
    ours = Side(viewer, workbench.context.layers.mask, scan.geometry.spacing)
    z = int(truth.array.sum(axis=(1, 2)).argmax())
    middle = tuple(int(place) for place in np.argwhere(truth.array[z]).mean(axis=0))
    turns = by_turns(ours, bare, rounds, middle, range(max(0, z - 10), min(shape[0], z + 10)))
    bare.viewer.close()
    metrics = metrics_after_strokes(ours, workbench, z, middle, rounds)
    paused = longest_pause(ours, workbench, z, middle)
    workbench.context.close()
    viewer.close()
    return {"turns": turns, "metrics_ms": metrics, "longest_pause_ms": paused}


def metrics_after_strokes(side: Side, workbench: Any, z: int, middle: tuple[int, int], count: int) -> float:
    """Median milliseconds from a written stroke to its figures in the panel."""
    session, written, took = workbench.session, [0.0], []

    def note(_: object) -> None:
        written[0] = clock()

    def look(_: object) -> None:  # The last to be told: all panels know by now.
        told = clock()
        if (
            workbench.compare.numbers["slice_dice"].text()
            == f"{dice(session.mask.array[z], session.truth.array[z]):.3f}"
        ):
            took.append(told - written[0])

    side.go_to(z)
    session.edited.connect(note)
    session.mask_changed.connect(look)
    for number in range(count):
        side.stroke((middle[0] + number % 9, middle[1]), 15 + number % 5)
        told = len(took)
        side.undo()  # So that the next stroke changes something.
        del took[told:]
    session.edited.disconnect(note)
    session.mask_changed.disconnect(look)
    if len(took) < count:
        raise SystemExit(f"error: after {count - len(took)} of {count} strokes the figures were not up to date.")
    return round(1000 * float(np.median(took)), 1)


def longest_pause(side: Side, workbench: Any, z: int, middle: tuple[int, int]) -> float:
    """Milliseconds the window stood still at most while scrolling, painting, undoing, and asking for the worst."""
    heart = Heartbeat()
    acts: list[Callable[[], object]] = []
    acts += [lambda step=step: workbench.session.set_slice(z - 20 + step) for step in range(40)]
    acts += [lambda: workbench.session.set_slice(z)]
    acts += [lambda at=at: draw(side, (middle[0] + at, middle[1])) for at in range(8)]
    acts += [workbench.correct.undo.click] * 8 + [workbench.correct.redo.click] * 8
    acts += [workbench.compare.worst.click] * 5
    acts += [lambda share=share: workbench.segment.threshold.setValue(share / 100) for share in range(40, 60, 4)]
    for act in acts:
        QTimer.singleShot(0, act)
        pause(60)
    pause(1500)  # What was put off is done.
    return round(1000 * heart.stop(), 1)


def draw(side: Side, middle: tuple[int, int]) -> None:
    """One stroke, drawn as the window finds the time."""
    side.stroke(middle, 20)


def review(case: Case, kind: type[Reviewer]) -> Tally:
    """Let a reviewer correct a case in a window of its own."""
    os.environ["LESIONSEG_DESK"] = tempfile.mkdtemp(prefix="lesionseg-desk-")  # Nothing is known of the scan.
    viewer, workbench = make_window()
    viewer.window.resize(*SMALL_WINDOW)
    workbench.session.open_scan(case.scan, case.truth)
    workbench.segment.model.setCurrentText(case.model)
    workbench.session.set_prediction(case.probability, case.model, case.threshold)
    pause(500)
    viewer.window._qt_viewer.canvas.native.setUpdatesEnabled(
        False
    )  # Strokes are counted; the picture is not looked at.
    try:
        return kind(Hands(viewer, workbench, None), case.truth.array).review()
    finally:
        workbench.context.close()
        viewer.close()


def reviews(cases: list[Case], tell: Callable[[str], object]) -> dict[str, dict[str, Figures]]:
    """Both reviewers at every case."""
    done: dict[str, dict[str, Figures]] = {}
    for case in cases:
        tallies = {"ours": review(case, ToolReviewer), "plain": review(case, Reviewer)}
        done[case.name] = {who: {**asdict(tally), "actions": tally.actions} for who, tally in tallies.items()}
        ours, plain = tallies["ours"], tallies["plain"]
        tell(f"{case.name}: {ours.actions} against {plain.actions} strokes and clicks")
    return done


def summary(fast: Figures, done: dict[str, dict[str, Figures]]) -> Figures:
    """The line that ``--json`` prints."""
    ratios = {f"{name}_ratio": turn["ratio"] for name, turn in fast["turns"].items()}
    counts = {f"strokes_{who}": sum(case[who]["actions"] for case in done.values()) for who in ("ours", "plain")}
    return {**ratios, "metrics_ms": fast["metrics_ms"], "longest_pause_ms": fast["longest_pause_ms"], **counts}


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option, text in (("json", "print one line"), ("quick", "a small part"), ("write", "write the docs' page")):
        parser.add_argument(f"--{option}", action="store_true", help=text)
    parser.add_argument("--generated", action="store_true", help="leave the real scan out")
    parser.add_argument("--full-size", action="store_true", help="generated cases of 512 × 512 × 128 voxels")
    parser.add_argument("--phantoms", type=int, default=10, help="how many generated cases are corrected")
    chosen = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lesionseg-speed-"))
    os.environ["LESIONSEG_HOME"], os.environ["LESIONSEG_DESK"] = str(scratch / "home"), str(scratch / "desk")

    def tell(line: str) -> None:
        print(line, file=sys.stderr if chosen.json else sys.stdout, flush=True)

    cases = phantoms(1 if chosen.quick else chosen.phantoms, FULL if chosen.full_size else SMALL)
    left_out = chosen.quick or chosen.generated
    real, why = (None, "not asked for in this run") if left_out else real_case(ROOT.parent / "shared" / "data")
    done = reviews([*cases, *([real] if real is not None else [])], tell)
    fast = speed((64, 256, 256) if chosen.quick else LARGE, 8 if chosen.quick else 40)
    for name, turn in fast["turns"].items():
        tell(f"{name}: {turn}")
    if real is None:
        tell(f"coronacases_010: skipped, {why}")
    if chosen.write:
        from review_page import write_page

        write_page(ROOT / "docs" / "reference" / "review-speed.md", fast, done, why)
    print(json.dumps(summary(fast, done)))


if __name__ == "__main__":
    main()
