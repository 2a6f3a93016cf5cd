"""Branching vessels and airways.

A tree grows from the hilum to points strewn over the lung: each point, nearest first, joins the node that
keeps both the new branch and the whole way back to the root short.
Radii follow Murray's law upwards from the tips, with exponent 2.8: a piece's radius^2.8 is the sum of its
branches'.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from napari_lesionseg.volumes.phantom.canvas import Canvas

_MURRAY = 2.8

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tree:
    """Straight pieces in mm: ``ends`` (n, 2, 3) as (x, y, z), ``radius`` (n,), thin before thick."""

    ends: Points
    radius: npt.NDArray[np.float64]

    def thicker(self, by_mm: float, share: float = 0.0) -> Tree:
        """The same tree with every radius enlarged by ``by_mm`` and a ``share`` of itself."""
        return Tree(self.ends, self.radius * (1 + share) + by_mm)

    def draw(self, canvas: Canvas, z: float, slice_mm: float) -> None:
        """Draw what a slice ``slice_mm`` thick at height ``z`` holds, fainter where it fills the slice in part."""
        low, high = z - slice_mm / 2, z + slice_mm / 2
        tops, bottoms = self.ends[:, :, 2].max(axis=1) + self.radius, self.ends[:, :, 2].min(axis=1) - self.radius
        near = np.flatnonzero((tops > low) & (bottoms < high))
        if len(near) == 0:
            return
        start, end, radius = self.ends[near, 0], self.ends[near, 1], self.radius[near]
        run = end[:, 2] - start[:, 2]
        steep = np.where(np.abs(run) < 1e-3, 1e-3, run)
        first = np.clip((low - radius * 0.5 - start[:, 2]) / steep, 0, 1)
        second = np.clip((high + radius * 0.5 - start[:, 2]) / steep, 0, 1)
        flat = np.abs(run) < 1e-3
        first, second = np.where(flat, 0, first), np.where(flat, 1, second)
        span = (end - start)[:, None, :2]
        ends = start[:, None, :2] + np.stack([first, second], axis=1)[:, :, None] * span
        filled = np.minimum(1.0, (1.6 * radius + np.abs(second - first) * np.abs(run)) / slice_mm)
        canvas.segments(ends, 2 * radius, filled)


def join(trees: list[Tree]) -> Tree:
    """Put trees together, sorted so that thick pieces are drawn last."""
    ends = np.concatenate([tree.ends for tree in trees])
    radius = np.concatenate([tree.radius for tree in trees])
    order = np.argsort(radius, kind="stable")
    return Tree(ends[order], radius[order])


def grow(rng: np.random.Generator, root: Points, tips: Points, tip_radius: float, thickest: float) -> Tree:
    """Grow a tree from ``root`` (3,) through ``tips`` (n, 3); radii in mm."""
    order = np.argsort(np.linalg.norm(tips - root, axis=1), kind="stable")
    nodes = np.concatenate([root[None], tips[order]])
    way = np.zeros(len(nodes))
    parent = np.zeros(len(nodes), np.int64)
    known = 1
    while known < len(nodes):  # in shells that grow with the tree: as good as one by one, and quick
        shell = nodes[known : known + 1 + known // 10]
        gap = cdist(shell, nodes[:known])
        best = np.argmin(gap + 0.35 * way[:known], axis=1)
        rows = slice(known, known + len(shell))
        parent[rows], way[rows] = best, way[best] + gap[np.arange(len(shell)), best]
        known += len(shell)
    powers = np.zeros(len(nodes))
    for n in range(len(nodes) - 1, 0, -1):
        powers[n] = max(powers[n], tip_radius**_MURRAY)
        powers[parent[n]] += powers[n]
    radius = np.minimum(powers[1:] ** (1 / _MURRAY), thickest)
    start, end = nodes[parent[1:]], nodes[1:]
    length = np.linalg.norm(end - start, axis=1, keepdims=True)
    middle = (start + end) / 2 + rng.standard_normal(start.shape) * 0.09 * length
    ends = np.concatenate([np.stack([start, middle], axis=1), np.stack([middle, end], axis=1)])
    return Tree(ends, np.concatenate([radius, radius * 0.93]))


def chain(points: list[tuple[float, float, float]], radius: float) -> Tree:
    """A tube of one radius through ``points`` (x, y, z)."""
    way = np.array(points, np.float64)
    return Tree(np.stack([way[:-1], way[1:]], axis=1), np.full(len(way) - 1, radius))
