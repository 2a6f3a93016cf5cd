"""How lesions grew from an earlier study to this one: which is which, and by how many ml."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.grown import Growth, GrowthRow, Verdict
from napari_lesionseg.review.lesions import is_lesion, label_by_label, table_order
from napari_lesionseg.review.surfaces import bounding_box
from napari_lesionseg.volumes.volume import Mask

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NEAREST_MM = 15.0
OVERLAP = 0.1  # Of the smaller one of two lesions: what overlaps less is only a neighbour.
REAL_CHANGE = 0.25  # Less is within the error of volumetry (British Thoracic Society, nodule guideline 2015).


def growth(mask: Mask, prior: Mask, shift: Shift, nearest_mm: float = NEAREST_MM) -> Growth:
    """Match the lesions of two studies: by overlap after the shift, else the nearest centres first.

    A lesion below 0.1 ml is listed only where one of at least 0.1 ml became it or was it; the sums hold all voxels.

    Parameters
    ----------
    shift
        Takes a place of the prior scan to the current one, mm.
    nearest_mm
        Lesions that overlap none are matched if their centres are no further apart.
    """
    now, then = _Lesions(mask), _Lesions(prior)
    groups = _groups(_overlapping(now, then, shift), len(now.ml), len(then.ml))
    pairs = _nearest(groups, now, then, shift, nearest_mm)
    rows = [
        _row(ours, theirs, now, then, shift)
        for ours, theirs in (*_without(groups, pairs), *pairs)
        if now.counted[ours].any() or then.counted[theirs].any()
    ]
    rows.sort(key=lambda row: (-row.ml, -row.prior_ml))
    return Growth(tuple(rows), mask.volume_ml, prior.volume_ml)


class _Lesions:
    """The lesions of a mask, numbered from 0, in the order of the lesion table."""

    def __init__(self, mask: Mask) -> None:
        self.geometry = mask.geometry
        self.box = bounding_box(mask.array)
        self.corner = np.array([side.start for side in self.box])
        found = mask.array[self.box]
        self.components: npt.NDArray[Any] = np.zeros(found.shape, np.int64)
        voxels: Indices = np.zeros(0, np.int64)
        if found.size:
            self.components, voxels = label_by_label(found)
        self.at = np.argwhere(self.components)
        number = self.components[tuple(self.at.T)].astype(np.int64) - 1
        self.at += self.corner
        centres = np.stack([np.bincount(number, axis, len(voxels)) / np.maximum(voxels, 1) for axis in self.at.T], 1)
        order = table_order(voxels, centres)
        rank = np.argsort(order)
        self.number = rank[number]
        self._rank = np.concatenate(([-1], rank))
        self.ml = voxels[order] * mask.geometry.voxel_ml
        self.centres = centres[order]
        self.counted = is_lesion(voxels[order], mask.geometry.voxel_ml)

    @property
    def centres_mm(self) -> Floats:
        """Mean place of each lesion, mm (z, y, x) from the first voxel."""
        return np.asarray(self.centres * self.geometry.spacing)

    def under(self, places: Indices) -> Indices:
        """The number of the lesion at each voxel (n, 3), -1 for none."""
        local = places - self.corner
        known = ((local >= 0) & (local < self.components.shape)).all(axis=1)
        found = np.full(len(places), -1, np.int64)
        found[known] = self._rank[self.components[tuple(local[known].T)]]
        return found


def _overlapping(now: _Lesions, then: _Lesions, shift: Shift) -> list[tuple[int, int]]:
    """Pairs of a current and a prior lesion that share at least a tenth of the smaller one."""
    if not (len(now.ml) and len(then.ml)):
        return []
    mm = now.at * now.geometry.spacing - np.array(shift)
    below = then.under(np.rint(mm / then.geometry.spacing).astype(np.int64))
    pairs = now.number[below >= 0] * len(then.ml) + below[below >= 0]
    shared = np.bincount(pairs, minlength=len(now.ml) * len(then.ml)) * now.geometry.voxel_ml
    smaller = np.minimum.outer(now.ml, then.ml).ravel()
    return [divmod(int(pair), len(then.ml)) for pair in np.flatnonzero(shared >= OVERLAP * smaller) if shared[pair]]


Group = tuple[list[int], list[int]]


def _groups(pairs: list[tuple[int, int]], count: int, prior_count: int) -> list[Group]:
    """Lesions that hang together through pairs; each without a pair is a group of its own."""
    parent = list(range(count + prior_count))

    def root(one: int) -> int:
        while parent[one] != one:
            one = parent[one]
        return one

    for ours, theirs in pairs:
        parent[root(count + theirs)] = root(ours)
    groups: dict[int, Group] = {}
    for one in range(count + prior_count):
        group = groups.setdefault(root(one), ([], []))
        group[0 if one < count else 1].append(one if one < count else one - count)
    return list(groups.values())


def _nearest(groups: list[Group], now: _Lesions, then: _Lesions, shift: Shift, nearest_mm: float) -> list[Group]:
    """Pairs of lesions without a partner, the nearest centres first."""
    lone = [group[0][0] for group in groups if not group[1] and now.counted[group[0]].any()]
    left = [group[1][0] for group in groups if not group[0] and then.counted[group[1]].any()]
    apart = now.centres_mm[lone][:, None] - (then.centres_mm[left] + np.array(shift))[None]
    distance = np.linalg.norm(apart, axis=2)
    pairs: list[Group] = []
    for flat in np.argsort(distance, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(left))
        if distance[i, j] > nearest_mm:
            break
        if not any(lone[i] in ours or left[j] in theirs for ours, theirs in pairs):
            pairs.append(([lone[i]], [left[j]]))
    return pairs


def _without(groups: list[Group], pairs: list[Group]) -> list[Group]:
    """The groups that no pair was made of."""
    ours, theirs = [one for one, _ in pairs], [one for _, one in pairs]
    return [group for group in groups if group[0] not in ours and group[1] not in theirs]


def _row(ours: list[int], theirs: list[int], now: _Lesions, then: _Lesions, shift: Shift) -> GrowthRow:
    ml, prior_ml = float(now.ml[ours].sum()), float(then.ml[theirs].sum())
    if ours:
        place = now.at[_middle_voxel(now, ours[0])]
    else:
        mm = then.at[_middle_voxel(then, theirs[0])] * then.geometry.spacing + np.array(shift)
        place = np.rint(mm / now.geometry.spacing)
    z, y, x = (int(max(0, min(at, end - 1))) for at, end in zip(place, now.geometry.display_shape, strict=True))
    numbers, prior_numbers = tuple(one + 1 for one in ours), tuple(one + 1 for one in theirs)
    return GrowthRow(_verdict(ml, prior_ml), numbers, prior_numbers, ml, prior_ml, (z, y, x))


def _middle_voxel(lesions: _Lesions, number: int) -> int:
    """The voxel of a lesion that is nearest to its centre: a bent one's centre may lie outside of it."""
    own = np.flatnonzero(lesions.number == number)
    away = (lesions.at[own] - lesions.centres[number]) * lesions.geometry.spacing
    return int(own[np.argmin((away**2).sum(axis=1))])


def _verdict(ml: float, prior_ml: float) -> Verdict:
    if not prior_ml:
        return "new"
    if not ml:
        return "resolved"
    change = (ml - prior_ml) / prior_ml
    if abs(change) < REAL_CHANGE - 1e-9:  # So that 1.25 ml of 1 ml is a quarter more.
        return "unchanged"
    return "grown" if change > 0 else "shrunk"
