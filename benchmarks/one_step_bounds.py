"""How near to the truth a whole scan can come by one kind of step, if its settings were chosen by knowing the truth.

``python benchmarks/one_step_bounds.py [--phantoms 3]`` prints a row a case: the Dice of the model's prediction, and the
best Dice of: another threshold for the scan, a threshold of its own for every lesion, a range of HU where the model
sees at least so much, and the mask closed by one voxel. It says what no reviewer can save by such steps.
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
        "closed": dice(ndimage.binary_closing(mask), truth),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phantoms", type=int, default=3)
    for case in phantoms(parser.parse_args().phantoms):
        print(case.name, ", ".join(f"{name} {value:.3f}" for name, value in bounds(case).items()), flush=True)


if __name__ == "__main__":
    main()
