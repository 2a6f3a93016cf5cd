"""Figures of masks the slow, obvious way: voxel by voxel, and every surface voxel against every other."""

from __future__ import annotations

import itertools

import numpy as np

Spacing = tuple[float, float, float]


def slow_surface(mask: np.ndarray) -> list[tuple[int, ...]]:
    """Voxels with a 6-neighbour that is background or outside, one voxel at a time."""
    found = []
    for voxel in itertools.product(*map(range, mask.shape)):
        neighbours = [np.add(voxel, step) for unit in np.eye(3, dtype=int) for step in (unit, -unit)]
        walls = [bool((n < 0).any() or (n >= mask.shape).any()) or not mask[tuple(n)] for n in neighbours]
        if mask[voxel] and any(walls):
            found.append(voxel)
    return found


def slow_distances(mask: np.ndarray, truth: np.ndarray, spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """From each surface voxel to the nearest of the other mask, both ways; both masks hold a voxel."""
    ours, theirs = np.array(slow_surface(mask)) * spacing, np.array(slow_surface(truth)) * spacing
    table = np.sqrt(((ours[:, None] - theirs[None]) ** 2).sum(axis=2))
    return table.min(axis=1), table.min(axis=0)


def slow_hd95(mask: np.ndarray, truth: np.ndarray, spacing: Spacing) -> float | None:
    if not (mask.any() and truth.any()):
        return None
    forth, back = slow_distances(mask, truth, spacing)
    return max(slow_percentile(forth, 0.95), slow_percentile(back, 0.95))


def slow_percentile(values: np.ndarray, share: float) -> float:
    """Between the two values around the rank, in proportion."""
    ordered = sorted(map(float, values))
    rank = share * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def slow_nsd(mask: np.ndarray, truth: np.ndarray, spacing: Spacing, tolerance: float) -> float | None:
    if not (mask.any() or truth.any()):
        return None
    if not (mask.any() and truth.any()):
        return 0.0
    every = [float(one) for way in slow_distances(mask, truth, spacing) for one in way]
    return sum(one <= tolerance + 1e-6 for one in every) / len(every)


def slow_overlap(mask: np.ndarray, truth: np.ndarray) -> tuple[float | None, float | None]:
    """Dice and IoU by sets of voxels."""
    ours, theirs = (set(map(tuple, np.argwhere(one).tolist())) for one in (mask, truth))
    if not ours | theirs:
        return None, None
    return 2 * len(ours & theirs) / (len(ours) + len(theirs)), len(ours & theirs) / len(ours | theirs)
