"""How near to the truth a whole scan can come by one kind of step, if its settings were chosen by knowing the truth.

``python benchmarks/one_step_bounds.py [--phantoms 3]`` prints a row a case: the Dice of the model's prediction, and the
best Dice of: another threshold for the scan, a threshold of its own for every lesion, a range of HU where the model
sees at least so much, HU above a bound of its own for every lesion within 4 mm of its true outline, the mask closed by
one voxel, and the true outlines of every second or third slice with the others interpolated by shape. It says what no
reviewer can save by such steps.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from review_cases import Case, phantoms  # noqa: E402

THRESHOLDS = np.arange(0.10, 0.95, 0.05)
LOW_HU, HIGH_HU, SEEN = range(-900, -500, 25), (-100, 0, 100, 300), (0.05, 0.1, 0.2, 0.3)
NEAR_MM = 4.0
FAR = 8.0  # Voxels that a lesion is away from a slice without it.
Flags = npt.NDArray[np.bool_]


def dice(mask: Flags, truth: Flags) -> float:
    return float(2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum()))


def bounds(case: Case) -> dict[str, float]:
    """The best Dice of each kind of step."""
    seen, truth, hu = case.probability / 255.0, case.truth.array != 0, case.scan.array
    mask = seen >= case.threshold
    in_range = (
        dice((seen >= least) & (hu > low) & (hu < high), truth) for low, high, least in product(LOW_HU, HIGH_HU, SEEN)
    )
    return {
        "predicted": dice(mask, truth),
        "threshold": max(dice(seen >= threshold, truth) for threshold in THRESHOLDS),
        "threshold of each lesion": dice(by_lesion(seen, truth), truth),
        "range of HU": max(in_range),
        "HU of each lesion": dice(by_hu(hu, truth, case.scan.geometry.spacing), truth),
        "closed": dice(ndimage.binary_closing(mask), truth),
        "every second slice": dice(between(truth, 2), truth),
        "every third slice": dice(between(truth, 3), truth),
    }


def by_lesion(seen: npt.NDArray[np.float64], truth: Flags) -> Flags:
    """Threshold every connected region of suspicion or truth where that fits its own truth best."""
    regions = cc3d.connected_components(((seen >= THRESHOLDS[0]) | truth).astype(np.uint8), connectivity=26)
    made = np.zeros_like(truth)
    for number in range(1, int(regions.max()) + 1):
        inside = regions == number
        if not (inside & truth).any():
            continue  # A click drops it.
        best = max(THRESHOLDS, key=lambda one: dice(inside & (seen >= one), inside & truth))  # noqa: B023
        made |= inside & (seen >= best)
    return made


def by_hu(hu: npt.NDArray[np.int16], truth: Flags, spacing: tuple[float, float, float]) -> Flags:
    """Threshold the HU near every lesion where that fits it best, keep the largest piece, and fill its holes."""
    lesions = cc3d.connected_components(truth.astype(np.uint8), connectivity=26)
    made = np.zeros_like(truth)
    for number, box in enumerate(ndimage.find_objects(lesions), start=1):
        place = tuple(slice(max(0, s.start - 3), s.stop + 3) for s in box)
        lesion = lesions[place] == number
        near = ndimage.distance_transform_edt(~lesion, sampling=spacing) <= NEAR_MM
        candidates = [_largest(near & (hu[place] > low)) for low in range(-900, -300, 25)]
        made[place] |= max(candidates, key=lambda one: dice(one, lesion))  # noqa: B023
    return made


def _largest(flags: Flags) -> Flags:
    pieces, count = ndimage.label(flags)
    if count == 0:
        return flags
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    filled: Flags = ndimage.binary_fill_holes(pieces == sizes.argmax())
    return filled


def between(truth: Flags, every: int) -> Flags:
    """Keep the truth of every so many slices and put the mean of both outlines' distances between them."""
    made = truth.copy()
    for low in range(0, len(truth) - 1, every):
        high = min(low + every, len(truth) - 1)
        ends = [_depth(truth[z]) for z in (low, high)]
        for z in range(low + 1, high):
            share = (z - low) / (high - low)
            made[z] = (1 - share) * ends[0] + share * ends[1] > 0
    return made


def _depth(shape: Flags) -> npt.NDArray[np.float64]:
    if not shape.any():
        return np.full(shape.shape, -FAR)
    depth: npt.NDArray[np.float64] = ndimage.distance_transform_edt(shape) - ndimage.distance_transform_edt(~shape)
    return depth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantoms", type=int, default=3)
    for case in phantoms(parser.parse_args().phantoms):
        print(case.name, ", ".join(f"{name} {value:.3f}" for name, value in bounds(case).items()), flush=True)


if __name__ == "__main__":
    main()
