"""Places worth a second look, found without a truth: the most suspicious first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from napari_lesionseg.inference.uncertainty import unsureness
from napari_lesionseg.review.evidence import SMALLEST_ML, Evidence, LastModel, Place, Probability
from napari_lesionseg.review.odd_lesions import odd_lesions
from napari_lesionseg.review.regions import Indices, Regions
from napari_lesionseg.volumes.geometry import Geometry

MOST: Final = 50  # Who has to look at more looks at the whole scan.
UNSURE_FROM: Final = 64  # Of 255: 25 %.
UNSURE: Final = unsureness()


def suspicious_places(evidence: Evidence, unsure: list[Place] | None = None) -> list[Place]:
    """List the most suspicious places, at most 50, the highest score first.

    Parameters
    ----------
    unsure
        What ``unsure_places`` found in the same probability before; edits do not change that.
    """
    geometry = evidence.scan.geometry
    if unsure is None:
        unsure = [] if evidence.probability is None else unsure_places(evidence.probability, geometry)
    return ranked([*unsure, *odd_lesions(evidence), *changed_places(evidence)])


def ranked(places: Iterable[Place]) -> list[Place]:
    """The highest score first, of equals the lowest slice; at most 50."""
    return sorted(places, key=lambda place: (-place.score, place.voxel))[:MOST]


def unsure_places(probability: Probability, geometry: Geometry) -> list[Place]:
    """Regions in which the probability is from 25 % to 75 %; the score is their ml times how unsure the model is."""

    def marks(z: int) -> npt.NDArray[np.bool_]:
        # What is below 64 wraps around.
        return np.asarray(probability[z] - np.uint8(UNSURE_FROM) < 255 - 2 * UNSURE_FROM + 1)

    def weigh(z: int, flat: Indices) -> npt.NDArray[np.float64]:
        return np.asarray(UNSURE[probability[z].ravel()[flat]])

    regions = Regions(marks, geometry, share=0.5)
    weights, voxels = regions.table(weigh), regions.table().sum(axis=1)
    found = []
    for region in _largest(voxels, geometry.voxel_ml):
        ml, score = float(voxels[region] * geometry.voxel_ml), float(weights[region].sum() * geometry.voxel_ml)
        voxel = regions.middle(region, int(weights[region].argmax()), weigh)
        found.append(Place("unsure", voxel, ml, f"The model is unsure of {ml:.2f} ml here.", score))
    return found


def changed_places(evidence: Evidence) -> list[Place]:
    """Regions in which the mask is not what the last model marked, in slices nobody corrected."""
    last = evidence.last
    if last is None or last.probability.shape != evidence.mask.shape:
        return []
    return [*_changed(evidence, last, "more"), *_changed(evidence, last, "less")]


def _changed(evidence: Evidence, last: LastModel, kind: Literal["more", "less"]) -> list[Place]:
    geometry, level = evidence.scan.geometry, round(last.threshold * 255)
    nothing = np.zeros(evidence.mask.shape[1:], np.bool_)

    def marks(z: int) -> npt.NDArray[np.bool_]:
        if z in evidence.corrected:
            return nothing
        now, before = evidence.mask[z] != 0, last.probability[z] >= max(1, level)
        return np.asarray(now & ~before if kind == "more" else before & ~now)

    regions = Regions(marks, geometry, share=0.5)
    table = regions.table()
    voxels = table.sum(axis=1)
    found = []
    for region in _largest(voxels, geometry.voxel_ml):
        ml = float(voxels[region] * geometry.voxel_ml)
        more = f"The mask has {ml:.2f} ml here that the last model ({last.name}) did not mark."
        less = f"The last model ({last.name}) marked {ml:.2f} ml here that the mask has not."
        voxel = regions.middle(region, int(table[region].argmax()), lambda _, flat: np.ones(len(flat)))
        found.append(Place(kind, voxel, ml, more if kind == "more" else less, ml))
    return found


def _largest(voxels: npt.NDArray[np.float64], voxel_ml: float) -> list[int]:
    """The regions that are large enough to be looked at, the largest first, no more than can be listed."""
    order = np.argsort(-voxels, kind="stable")[:MOST]
    return [int(region) for region in order if voxels[region] * voxel_ml >= SMALLEST_ML - 1e-9]
