"""How long all figures of an evaluation take: ``python benchmarks/evaluation_speed.py [--shape 300,512,512] [--json]``.

Two pairs of masks: lesions a few voxels apart, and the same with a third of them missed and as many invented far off,
which is what makes surface distances slow. Prints the median of three seconds for each, and for both the calibration
error inside a lung of half the scan.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from measures import best, two_masks

from napari_lesionseg.review.calibration import calibration_error
from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.volumes import Geometry, Mask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="300,512,512")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    depth, height, width = (int(side) for side in told.shape.split(","))
    near, truth = two_masks((depth, height, width))
    far = near.copy()
    far[: depth // 2, : height // 2] = 0
    far[: depth // 8, height // 2 : height // 2 + 40, width // 2 : width // 2 + 40] = 1
    grid = Geometry.from_spacing((depth, height, width), (1.0, 0.7, 0.7))
    lungs = Mask.empty(grid)
    lungs.array[:, height // 4 : -height // 4] = 1
    figures = {"shape": [depth, height, width], "lesion_voxels": int(np.count_nonzero(truth))}
    for name, array in (("near", near), ("far", far)):
        mask = Mask(array, grid)
        figures[f"{name}_s"] = best(lambda mask=mask: evaluate(mask, Mask(truth, grid), lungs), 3)
    figures["calibration_s"] = best(lambda: calibration_error(near * np.uint8(200), Mask(truth, grid), lungs), 3)
    print(json.dumps(figures) if told.json else "\n".join(f"{key:16} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
