"""How long each edit tool takes, and how near its result comes to the truth.

``python benchmarks/edit_tools.py [--scan CT LESION LUNGS]``: times on a generated scan of 300 × 512 × 512 voxels, for
one slice and for a slab of 21; Dice with the truth, slice by slice, on five phantoms (or on the scan that is named).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.metrics import dice
from napari_lesionseg.review.tools import (
    accept,
    copy_onwards,
    copy_slice,
    fill_holes,
    gates,
    grow_region,
    interpolate,
    islands,
    margin,
    reset,
    scissors,
    sets,
    smooth,
    threshold_box,
    trace_level,
)
from napari_lesionseg.review.tools.given import Given
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import make_case
from napari_lesionseg.volumes.read import read_mask, read_scan

SHAPE, Z, REACH = (300, 512, 512), 150, 10
LEFT, RIGHT = (256, 150), (300, 362)  # Middles of two lesions, of 120 × 60 and 60 × 60 voxels from there.
LEAST_VOXELS = 60
Scan = tuple[Volume, Mask, Mask]
Array = npt.NDArray[Any]


def times() -> dict[str, list[int]]:
    """Processor milliseconds of each tool, the best of three: in a slice, in a slab."""
    given = _large_scan()
    empty = np.zeros(SHAPE, np.uint8)
    gap, one = given.mask.copy(), empty.copy()
    gap[Z - 9 : Z + 10] = 0
    one[Z] = given.mask[Z]
    turn = np.linspace(0, 2 * np.pi, 200)
    outline = list(zip(LEFT[0] + 120 * np.cos(turn), LEFT[1] + 60 * np.sin(turn), strict=True))
    middle, edge = (Z, *LEFT), (Z, LEFT[0], LEFT[1] + 59)
    runs: dict[str, tuple[Array, Callable[[Given], object]]] = {
        "fill holes": (given.mask, fill_holes.fill_holes),
        "copy from above": (given.mask, lambda g: copy_slice.copy_from_neighbour(g, 1)),
        "reset slices": (given.mask, reset.reset_slices),
        "reset lesion (121 slices)": (given.mask, lambda g: reset.reset_lesion(g, middle)),
        "keep the largest island": (given.mask, islands.keep_largest),
        "smooth, 1 mm": (given.mask, lambda g: smooth.smooth(g, 1)),
        "grow, 3 mm": (given.mask, lambda g: margin.grow(g, 3)),
        "shrink, 3 mm": (given.mask, lambda g: margin.shrink(g, 3)),
        "union with the truth": (given.mask, lambda g: sets.combine(g, "truth", "union")),
        "lasso": (empty, lambda g: scissors.scissors(g, outline, add=True, gate=gates.hu_gate(g, -800, -100))),
        "grow from a seed": (empty, lambda g: grow_region.grow_from_seeds(g, [middle], -700, -100)),
        "threshold in a box": (empty, lambda g: threshold_box.threshold_in_box(g, (100, 60), (400, 240), -800, 100)),
        "level trace": (empty, lambda g: trace_level.trace_level(g, edge)),
        "interpolate over 19 slices": (gap, interpolate.interpolate),
        "copy to the next slice": (one, lambda g: copy_onwards.copy_onwards(g, 1, 1)),
        "copy to the next 10 slices": (one, lambda g: copy_onwards.copy_onwards(g, 1, 10)),
        "accept": (empty, lambda g: accept.accept_at(g, middle)),
    }
    return {name: [_best(given, mask, reach, run) for reach in (0, REACH)] for name, (mask, run) in runs.items()}


def _best(given: Given, mask: Array, reach: int, run: Callable[[Given], object]) -> int:
    slab = range(Z - reach, Z + reach + 1)
    seen = Given(given.scan, mask, Z, slab, given.lungs, given.truth, given.probability)
    taken = []
    for _ in range(3):
        start = time.thread_time()
        run(seen)
        taken.append(time.thread_time() - start)
    return round(1000 * min(taken))


def _large_scan() -> Given:
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    lungs = np.zeros(SHAPE, np.uint8)
    lungs[:] = (_round(y - 256, x - 150, 180, 90) | _round(y - 256, x - 362, 180, 90))[0]
    truth = np.zeros(SHAPE, np.uint8)
    hu = np.where(lungs, np.int16(-850), np.int16(40))
    hu += np.random.default_rng(0).normal(0, 25, SHAPE[1:]).astype(np.int16)
    for at in range(SHAPE[0]):
        depth = 1 - ((at - Z) / 60.5) ** 2
        if depth > 0:
            left = _round(y - LEFT[0], x - LEFT[1], 120 * depth**0.5, 60 * depth**0.5)
            truth[at] = (left | _round(y - RIGHT[0], x - RIGHT[1], 60 * depth**0.5, 60 * depth**0.5))[0]
    hu[truth > 0] += 400
    mask = np.roll(truth, 3, axis=1)
    mask[:, LEFT[0], LEFT[1]] = 0  # A hole.
    mask[Z - 5 : Z + 6, 100:104, 362:366] = 1  # An island.
    grid = Geometry.from_spacing(SHAPE, (1.0, 0.7, 0.7))
    probability = np.roll(truth, -3, axis=1) * np.uint8(200)
    return Given(Volume(hu, grid), mask, Z, range(Z, Z + 1), Mask(lungs, grid), Mask(truth, grid), probability)


def _round(y: Array, x: Array, half_y: float, half_x: float) -> Array:
    return np.asarray((y / half_y) ** 2 + (x / half_x) ** 2 <= 1)


def against_truth(scans: Iterator[Scan], every: int = 6) -> dict[str, dict[str, float]]:
    """Mean and median Dice of each tool, over lesions of single slices; a refusal counts as 0."""
    scores: dict[str, list[float]] = defaultdict(list)
    rng = np.random.default_rng(0)
    for scan, truth, lungs in scans:
        for z in range(2, len(truth.array) - 6, every):
            pieces, count = ndimage.label(truth.array[z], np.ones((3, 3)))
            for number in range(1, count + 1):
                lesion = pieces == number
                if np.count_nonzero(lesion) >= LEAST_VOXELS:
                    given = Given(scan, np.zeros(truth.array.shape, np.uint8), z, range(z, z + 1), lungs)
                    _score_regions(given, lesion, rng, scores)
                    _score_between(given, lesion, truth.array, scores)
    return {
        name: {"mean": round(float(np.mean(all_)), 3), "median": round(float(np.median(all_)), 3), "n": len(all_)}
        for name, all_ in scores.items()
    }


def _score_regions(given: Given, lesion: Array, rng: np.random.Generator, scores: dict[str, list[float]]) -> None:
    rows, columns = np.nonzero(lesion)
    corners = (rows.min() - 5, columns.min() - 5), (rows.max() + 5, columns.max() + 5)
    inside = np.argwhere(lesion)
    centre = (given.z, *inside[np.argmin(((inside - inside.mean(axis=0)) ** 2).sum(axis=1))])
    low, high = gates.hu_range_at(given, centre)
    edges = np.argwhere(lesion & ~ndimage.binary_erosion(lesion))
    edge = (given.z, *edges[rng.integers(len(edges))])
    runs: dict[str, Callable[[], Any]] = {
        "threshold in a box": lambda: threshold_box.threshold_in_box(given, *corners, -800, 100),
        "grow from the middle, −650 to 100 HU": lambda: grow_region.grow_from_seeds(given, [centre], -650, 100),
        "grow from the middle, HU of the dropper": lambda: grow_region.grow_from_seeds(given, [centre], low, high),
        "level trace from a point of the edge": lambda: trace_level.trace_level(given, edge),
    }
    for name, run in runs.items():
        try:
            scores[name].append(dice(run()[given.z], lesion) or 0.0)
        except LesionsegError:
            scores[name].append(0.0)


def _score_between(given: Given, lesion: Array, truth: Array, scores: dict[str, list[float]]) -> None:
    """Copy to the next five slices; interpolate between the first and the sixth: both against a plain copy."""
    wanted = [lesion]
    for z in range(given.z + 1, given.z + 6):
        pieces, _ = ndimage.label(truth[z], np.ones((3, 3)))
        wanted.append(np.isin(pieces, np.setdiff1d(pieces[wanted[-1]], 0)))
    if not wanted[-1].any():
        return
    mask = given.mask.copy()
    mask[given.z] = lesion
    seen = Given(given.scan, mask, given.z, given.slab, given.lungs)
    try:
        copied = copy_onwards.copy_onwards(seen, 1, 5).edited
    except LesionsegError:
        copied = {}
    mask = mask.copy()
    mask[given.z + 5] = wanted[-1]
    try:
        drawn = interpolate.interpolate(Given(given.scan, mask, given.z, given.slab, given.lungs))
    except LesionsegError:
        drawn = {}
    for by, name in ((1, "1 slice on"), (5, "5 slices on")):
        scores[f"copied {name}"].append(_dice_at(copied, given.z + by, wanted[by]))
        scores[f"copied {name}, as it is"].append(dice(lesion, wanted[by]) or 0.0)
    scores["interpolated, 2 of 5"].append(_dice_at(drawn, given.z + 2, wanted[2]))
    scores["interpolated, 2 of 5, the nearest as it is"].append(dice(lesion, wanted[2]) or 0.0)


def _dice_at(edited: dict[int, Array], z: int, lesion: Array) -> float:
    return (dice(edited[z], lesion) or 0.0) if z in edited else 0.0


def _phantoms() -> Iterator[Scan]:
    for seed in range(1, 6):
        case = make_case(seed, (96, 256, 256))
        yield case.scan, case.truth, case.lungs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scan", nargs=3, metavar=("CT", "LESION", "LUNGS"))
    parser.add_argument("--no-times", action="store_true")
    chosen = parser.parse_args()
    scans = _phantoms()
    if chosen.scan:
        scan = read_scan(chosen.scan[0])
        lesion, lungs = (read_mask(path, scan.geometry) for path in chosen.scan[1:])
        scans = iter([(scan, lesion, Mask(((lungs.array > 0) | (lesion.array > 0)).astype(np.uint8), scan.geometry))])
    figures = {"dice": against_truth(scans, 1 if chosen.scan else 6), **({} if chosen.no_times else {"ms": times()})}
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
