"""Where the vessels and airways of one patient run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_lesionseg.volumes.phantom.anatomy import Chest
from napari_lesionseg.volumes.phantom.fields import Plane
from napari_lesionseg.volumes.phantom.trees import Points, Tree, chain, grow, join

_STEP_MM = 6.0


@dataclass(frozen=True, eq=False)
class LungTrees:
    """Vessels (arteries and veins together) and airways, in mm."""

    vessels: Tree
    airways: Tree


def grow_lung_trees(rng: np.random.Generator, chest: Chest, field_mm: float) -> LungTrees:
    """Grow both lungs' trees through the whole chest, scanned or not."""
    spots = _lung_points(chest, field_mm)
    build = chest.build
    scale = build.width / 130
    vessels, airways = [], [_trachea(chest)]
    for side in (-1.0, 1.0):
        own = spots[spots[:, 0] * side > 0]
        hilum = np.array([side * 34 * scale, 0.02 * build.depth, 0.52 * build.height])
        vein = np.array([side * 30 * scale, 0.10 * build.depth, 0.44 * build.height])
        vessels.append(grow(rng, hilum, _pick(rng, own, 1700), rng.uniform(0.28, 0.38), 7.0))
        vessels.append(grow(rng, vein, _pick(rng, own, 1100), rng.uniform(0.28, 0.38), 6.0))
        bronchus = np.array([side * 30 * scale, 0.10 * build.depth, 0.53 * build.height])
        near = own[np.linalg.norm((own - bronchus) / build.height, axis=1) < 0.38]
        airways.append(grow(rng, bronchus, _pick(rng, near, 34), rng.uniform(0.75, 1.0), 5.0))
    return LungTrees(join(vessels), join(airways))


def _lung_points(chest: Chest, field_mm: float) -> Points:
    """Centres (n, 3) of a coarse grid's boxes that lie in the lungs."""
    cells = int(np.ceil(field_mm / _STEP_MM))
    plane = Plane((cells, cells), _STEP_MM)
    found = []
    for z in np.arange(0, chest.build.height, _STEP_MM):
        rows, columns = np.nonzero(chest.section(float(z), plane).lung < -1.5)
        x, y = plane.x[0, columns], plane.y[rows, 0]
        found.append(np.stack([x, y, np.full(len(x), z)], axis=1))
    return np.concatenate(found).astype(np.float64)


def _pick(rng: np.random.Generator, spots: Points, count: int) -> Points:
    chosen = spots[rng.choice(len(spots), min(count, len(spots)), replace=False)]
    return chosen + rng.uniform(-_STEP_MM / 2, _STEP_MM / 2, chosen.shape)


def _trachea(chest: Chest) -> Tree:
    build = chest.build
    scale, y = build.width / 130, 0.08 * build.depth
    fork = (2.0, y, 0.62 * build.height)
    top = (0.0, y + 4, build.height * 1.6)
    parts = [chain([top, (0.0, y + 2, 0.9 * build.height), fork], 8.5)]
    for side in (-1.0, 1.0):
        end = (side * 30 * scale, 0.10 * build.depth, 0.53 * build.height)
        parts.append(chain([fork, end], 6.0))
    return join(parts)
