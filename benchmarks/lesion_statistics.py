"""Measure how many lesions real masks hold, how large they are and which slices they fill.

The phantom's size and count distributions were fitted with this script. Run it on a folder of lesion masks::

    python benchmarks/lesion_statistics.py FOLDER

Every ``*.nii.gz`` below FOLDER is taken as one patient's lesion mask, any non-zero voxel as lesion. Printed as JSON:
per patient the number of 26-connected lesions of at least 0.1 ml, their volumes and extents, and the share of
slices without a lesion; overall the mean and standard deviation of the logarithms (lognormal mu and sigma).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cc3d
import numpy as np

from napari_lesionseg.volumes.read import read_mask
from napari_lesionseg.volumes.volume import Mask

SMALLEST_ML = 0.1


def measure(mask: Mask) -> dict[str, Any]:
    """Count and size the lesions of one patient; extents in mm along z, y, x, volumes in ml."""
    lesion = mask.array > 0
    labels = cc3d.connected_components(lesion, connectivity=26)
    boxes = cc3d.statistics(labels)
    volumes = boxes["voxel_counts"][1:] * mask.geometry.voxel_ml
    keep = np.flatnonzero(volumes >= SMALLEST_ML)
    extents = [
        [
            (side.stop - side.start) * mm
            for side, mm in zip(boxes["bounding_boxes"][n + 1], mask.geometry.spacing, strict=True)
        ]
        for n in keep
    ]
    return {
        "lesions": len(keep),
        "volumes_ml": [round(float(volumes[n]), 3) for n in keep],
        "extents_mm": extents,
        "total_ml": float(volumes[keep].sum()),
        "empty_share": float(1 - lesion.any(axis=(1, 2)).mean()),
        "runs": int((np.diff(lesion.any(axis=(1, 2)).astype(int), prepend=0) == 1).sum()),
        "spacing_mm": mask.geometry.spacing,
    }


def lognormal(values: list[float]) -> dict[str, float]:
    """Fit a lognormal: mean and standard deviation of the natural logarithm of the positive values."""
    logs = np.log([value for value in values if value > 0])
    quantiles = {f"p{q}": float(np.exp(np.percentile(logs, q))) for q in (5, 25, 50, 75, 95)}
    return {"n": len(logs), "mu": float(logs.mean()), "sigma": float(logs.std(ddof=1)), **quantiles}


def summarise(patients: list[dict[str, Any]]) -> dict[str, Any]:
    """Pool the patients."""
    extents = [extent for patient in patients for extent in patient["extents_mm"]]
    empty = [patient["empty_share"] for patient in patients]
    return {
        "patients": len(patients),
        "lesions_per_patient": lognormal([patient["lesions"] for patient in patients]),
        "lesion_ml": lognormal([ml for patient in patients for ml in patient["volumes_ml"]]),
        "largest_lesion_ml": lognormal([max(patient["volumes_ml"], default=0.0) for patient in patients]),
        "other_lesions_ml": lognormal([ml for patient in patients for ml in sorted(patient["volumes_ml"])[:-1]]),
        "total_ml": lognormal([patient["total_ml"] for patient in patients]),
        "height_mm": lognormal([extent[0] for extent in extents]),
        "height_over_width": lognormal([extent[0] / np.sqrt(extent[1] * extent[2]) for extent in extents]),
        "depth_over_width": lognormal([extent[1] / extent[2] for extent in extents]),
        "empty_share": {f"p{q}": float(np.percentile(empty, q)) for q in (5, 25, 50, 75, 95)},
        "runs_mean": float(np.mean([patient["runs"] for patient in patients])),
        "empty_share_mean": float(np.mean(empty)),
    }


def main() -> None:
    """Print the statistics of the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", action="store_true", help="print every patient too")
    options = parser.parse_args()
    patients = [measure(read_mask(path)) for path in sorted(options.folder.rglob("*.nii.gz"))]
    report = {"all": summarise(patients)}
    if options.patients:
        report["patients"] = patients  # type: ignore[assignment]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
