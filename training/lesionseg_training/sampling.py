"""Which slices a batch is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lesionseg_training.config import Sampler

LESION = 0  # The kind of slice that no batch is without.
NEAR = 2  # Slices from a lesion that still count as its neighbourhood.
MIX_START = (0.67, 0.20, 0.13)  # Shares of lesion, near and far slices when training begins …
MIX_END = (1 / 3, 1 / 3, 1 / 3)  # … and when it ends.

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Batch = list["Item"]


class Item(NamedTuple):
    """One slice of one case."""

    case: int
    row: int


@dataclass(frozen=True)
class Pools:
    """Rows of one case, sorted: with lesion, empty within ±2 of one (or mined), other empty."""

    lesion: Rows
    near: Rows
    far: Rows

    @classmethod
    def of(cls, lesion: Flags, usable: Flags | None = None) -> Pools:
        """Sort rows by whether they hold a lesion; rows that are not ``usable`` are left out of every pool."""
        kept = np.ones_like(lesion) if usable is None else usable
        close = np.convolve(lesion, np.ones(2 * NEAR + 1), mode="full")[NEAR : NEAR + len(lesion)] > 0
        return cls(np.flatnonzero(lesion & kept), np.flatnonzero(close & ~lesion & kept), np.flatnonzero(~close & kept))

    def mined(self, rows: Iterable[int]) -> Pools:
        """The same with some far ``rows`` among the near ones: what the network takes for lesion is seen more often."""
        wrong = np.intersect1d(self.far, np.fromiter(rows, np.intp))
        return Pools(self.lesion, np.union1d(self.near, wrong), np.setdiff1d(self.far, wrong))

    @property
    def kinds(self) -> tuple[Rows, Rows, Rows]:
        """Rows by kind: 0 with lesion, 1 near one, 2 far from any."""
        return self.lesion, self.near, self.far

    @property
    def empty(self) -> Rows:
        """All rows without lesion."""
        return np.sort(np.concatenate((self.near, self.far)))

    @property
    def all(self) -> Rows:
        """All rows."""
        return np.sort(np.concatenate((self.lesion, self.near, self.far)))


NO_POOLS = Pools(*(np.zeros(0, np.intp),) * 3)


def three_pool(
    pools: Sequence[Pools],
    rng: np.random.Generator,
    *,
    batches: int,
    batch_size: int,
    progress: float,
    patients: Sequence[str] | None = None,
) -> list[Batch]:
    """Batches mixed from lesion, near and far slices of several patients, at least one with lesion in each.

    Parameters
    ----------
    pools
        One a case.
    progress
        From 0 to 1: how far the mix has slid from 0.67/0.20/0.13 to equal thirds.
    patients
        Whose each case is: the slices of a batch are dealt to patients, not to cases. Each case its own by default.
    """
    mix = np.array(MIX_START) * (1 - progress) + np.array(MIX_END) * progress
    drawn = []
    for _ in range(batches):
        kinds = rng.choice(3, size=batch_size, p=mix)
        if kinds.min() > LESION:  # Dice needs a lesion to pool with.
            kinds[0] = LESION
        drawn.append(_match(pools, rng, kinds, _deal(rng, patients or range(len(pools)), batch_size)))
    return drawn


def boundary(pools: Sequence[Pools], rng: np.random.Generator, *, batch_size: int) -> list[Batch]:
    """The sampling the dissertation ended with, for each patient.

    Every slice with lesion; its empty neighbours (±1); and, where the sample's share of empty slices is less than half
    the patient's own, more empty slices drawn until it is half. A patient without lesion has no slice in the sample.
    """
    items: list[Item] = []
    for case, pool in enumerate(pools):
        touching = np.intersect1d(pool.empty, np.concatenate((pool.lesion - 1, pool.lesion + 1)))
        share = len(pool.empty) / max(1, len(pool.all)) / 2
        wanted = int(np.ceil(share * len(pool.lesion) / (1 - share)))
        rest = np.setdiff1d(pool.empty, touching)
        more = rng.permutation(rest)[: max(0, wanted - len(touching))]
        items += [Item(case, int(row)) for row in np.concatenate((pool.lesion, touching, more))]
    return _cut(items, rng, batch_size)


def lesion_only(pools: Sequence[Pools], rng: np.random.Generator, *, batch_size: int) -> list[Batch]:
    """Every slice with lesion once, and no other: the control that never shows the network an empty slice."""
    return _cut([Item(case, int(row)) for case, pool in enumerate(pools) for row in pool.lesion], rng, batch_size)


def uniform(pools: Sequence[Pools], rng: np.random.Generator, *, batch_size: int) -> list[Batch]:
    """Every slice once."""
    return _cut([Item(case, int(row)) for case, pool in enumerate(pools) for row in pool.all], rng, batch_size)


def draw_epoch(
    sampler: Sampler,
    pools: Sequence[Pools],
    rng: np.random.Generator,
    *,
    batch_size: int,
    batches: int | None,
    progress: float,
    patients: Sequence[str] | None = None,
) -> list[Batch]:
    """Batches of one epoch; ``batches`` of them, or as many as the sampler's slices fill."""
    if sampler == "three_pool":
        count = batches or max(1, sum(len(pool.all) for pool in pools) // batch_size)
        return three_pool(pools, rng, batches=count, batch_size=batch_size, progress=progress, patients=patients)
    draw = {"boundary": boundary, "lesion_only": lesion_only, "uniform": uniform}[sampler]
    return draw(pools, rng, batch_size=batch_size)[:batches]


def _deal(rng: np.random.Generator, patients: Sequence[object], count: int) -> list[int]:
    """Cases for ``count`` slices: patients in random order, each as often as any other (±1)."""
    owned: dict[object, list[int]] = {}
    for case, patient in enumerate(patients):
        owned.setdefault(patient, []).append(case)
    cases = list(owned.values())
    order = np.concatenate([rng.permutation(len(cases)) for _ in range(-(-count // len(cases)))])[:count]
    return [int(rng.choice(cases[patient])) for patient in order]


def _match(pools: Sequence[Pools], rng: np.random.Generator, kinds: Rows, dealt: list[int]) -> Batch:
    """Give each kind to a dealt case that has it, so that a case without lesion keeps its place in the batch."""
    items = []
    for kind in np.sort(kinds):
        case = next((case for case in dealt if len(pools[case].kinds[kind])), dealt[0])
        dealt.remove(case)
        items.append(_draw(pools, rng, int(kind), case))
    return items


def _draw(pools: Sequence[Pools], rng: np.random.Generator, kind: int, case: int) -> Item:
    """A row of this kind from this case; from another case if it has none, of another kind if none has."""
    for other in (*range(case, len(pools)), *range(case)):
        rows = pools[other].kinds[kind]
        if len(rows):
            return Item(other, int(rng.choice(rows)))
    return Item(case, int(rng.choice(pools[case].all)))


def _cut(items: list[Item], rng: np.random.Generator, batch_size: int) -> list[Batch]:
    order = [items[index] for index in rng.permutation(len(items))]
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
