"""Lesions that are hardly what they are said to be: of air or bone, outside the lungs, on one slice only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.evidence import SMALLEST_ML, Evidence, Place
from napari_lesionseg.review.regions import Indices, Regions, Table

AIR_HU: Final = -950
DENSE_HU: Final = 300
SHARE: Final = 0.05  # Of a lesion: every border has some voxels beyond it.
WEIGHT: Final = 2.0  # What lies outside the lungs is more often wrong than what a model is unsure of.
Weigh = Callable[[int, Indices], npt.NDArray[Any]]


def odd_lesions(evidence: Evidence) -> list[Place]:
    """List the lesions that are odd, each once with all that is odd about it; the voxel is where that is.

    Air is below −950 HU, bone and the like above 300 HU. At least 0.03 ml and 5 % of a lesion have to be odd; a lesion
    on one slice only has to have 0.03 ml. Lesions that are nearer to each other than about 2.5 mm are one.
    """
    regions = Regions(lambda z: evidence.mask[z] != 0, evidence.scan.geometry)
    sizes, voxel_ml = regions.table(), evidence.scan.geometry.voxel_ml
    alone = len(evidence.mask) > 1
    checks = {text: (weigh, regions.table(weigh)) for text, weigh in _checks(evidence).items()}
    found = []
    for region in range(1, regions.count + 1):
        ml = float(sizes[region].sum() * voxel_ml)
        needed = max(SMALLEST_ML, SHARE * ml) - 1e-9
        odd = {text: check for text, check in checks.items() if check[1][region].sum() * voxel_ml >= needed}
        single = alone and ml >= SMALLEST_ML - 1e-9 and np.count_nonzero(sizes[region]) == 1
        if odd or single:
            found.append(_place(region, regions, ml, odd, sizes if single else None, voxel_ml))
    return found


def _checks(evidence: Evidence) -> dict[str, Weigh]:
    """What can be odd about a voxel of a lesion, by how it is said."""
    scan, lungs = evidence.scan, evidence.lungs
    found: dict[str, Weigh] = {}
    if scan.intensity == "HU":
        found["is air (below \u2212950 HU)"] = lambda z, flat: scan.array[z].ravel()[flat] < AIR_HU
        found["is as dense as bone (above 300 HU)"] = lambda z, flat: scan.array[z].ravel()[flat] > DENSE_HU
    if lungs is not None and lungs.array.any():
        found["lies outside the lungs"] = lambda z, flat: lungs.array[z].ravel()[flat] == 0
    return found


def _place(
    region: int,
    regions: Regions,
    ml: float,
    odd: Mapping[str, tuple[Weigh, Table]],
    alone: Table | None,
    voxel_ml: float,
) -> Place:
    """Say all that is odd about a lesion, at the voxel where most of it is."""
    said = [f"{float(table[region].sum() * voxel_ml):.2f} ml of it {text}" for text, (_, table) in odd.items()]
    wrong = float(sum(table[region].sum() for _, table in odd.values()) * voxel_ml)
    weighs = [weigh for weigh, _ in odd.values()]
    where = sum((table[region] for _, table in odd.values()), start=np.zeros(regions.depth))
    if alone is not None:
        said.append("it is on one slice only")
        where = where + alone[region]

    def wanted(z: int, flat: Indices) -> npt.NDArray[Any]:
        return np.sum([weigh(z, flat) for weigh in weighs], axis=0) if weighs else np.ones(len(flat))

    voxel = regions.middle(region, int(where.argmax()), wanted)
    score = WEIGHT * wrong + (ml if alone is not None else 0.0)
    return Place("lesion", voxel, ml, f"Lesion of {ml:.2f} ml: {', '.join(said)}.", score)
