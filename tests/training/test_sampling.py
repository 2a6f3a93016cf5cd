from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np
import pytest
from lesionseg_training.config import Sampler
from lesionseg_training.sampling import (
    MIX_END,
    MIX_START,
    Batch,
    Pools,
    boundary,
    draw_epoch,
    lesion_only,
    three_pool,
    uniform,
)

SLICES = 40


def _case(lesion: range | tuple[int, ...], usable: tuple[int, ...] | None = None) -> Pools:
    flags = np.zeros(SLICES, np.bool_)
    flags[list(lesion)] = True
    kept = None
    if usable is not None:
        kept = np.zeros(SLICES, np.bool_)
        kept[list(usable)] = True
    return Pools.of(flags, kept)


FOUR = [_case(range(first, first + 10)) for first in (0, 10, 15, 30)]
HEALTHY = _case(())


def _kinds(pools: list[Pools], batch: Batch) -> list[int]:
    table = [{int(row): kind for kind, rows in enumerate(pool.kinds) for row in rows} for pool in pools]
    return [table[item.case][item.row] for item in batch]


def _shares(pools: list[Pools], batches: list[Batch]) -> np.ndarray:
    counts = np.bincount(_kinds(pools, [item for batch in batches for item in batch]), minlength=3)
    return counts / counts.sum()


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_slices_are_sorted_into_lesion_near_and_far() -> None:
    pools = _case((5, 6, 39))
    assert pools.lesion.tolist() == [5, 6, 39]
    assert pools.near.tolist() == [3, 4, 7, 8, 37, 38]
    assert pools.far.tolist() == [*range(3), *range(9, 37)]
    assert pools.empty.tolist() == [z for z in range(SLICES) if z not in (5, 6, 39)]
    assert pools.all.tolist() == list(range(SLICES))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_scan_thinner_than_the_neighbourhood_is_sorted_too(depth: int) -> None:
    pools = Pools.of(np.eye(1, depth, dtype=np.bool_)[0])
    assert (pools.lesion.tolist(), pools.near.tolist(), pools.far.tolist()) == (
        [0],
        [z for z in (1, 2) if z < depth],
        [z for z in (3,) if z < depth],
    )


def test_slices_no_human_vouches_for_are_in_no_pool() -> None:
    pools = _case((5, 6, 7), usable=(4, 6, 20))
    assert (pools.lesion.tolist(), pools.near.tolist(), pools.far.tolist()) == ([6], [4], [20])


def test_every_batch_has_a_lesion_slice_and_as_many_slices_as_asked_for() -> None:
    batches = three_pool(FOUR, _rng(), batches=400, batch_size=3, progress=1.0)
    assert len(batches) == 400
    assert {len(batch) for batch in batches} == {3}
    assert all(0 in _kinds(FOUR, batch) for batch in batches)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_a_batch_of_eight_is_two_slices_of_each_of_four_patients(progress: float) -> None:
    for batch in three_pool(FOUR, _rng(), batches=200, batch_size=8, progress=progress):
        assert sorted(Counter(item.case for item in batch).values()) == [2, 2, 2, 2]


def test_patients_are_dealt_a_batch_not_cases() -> None:
    cases = [*FOUR, *[_case(range(10, 20))] * 12]
    patients = ["a", "b", "c", *["d"] * 13]  # d was scanned thirteen times.
    drawn = [i for b in three_pool(cases, _rng(), batches=200, batch_size=8, progress=0, patients=patients) for i in b]
    counts = Counter(patients[item.case] for item in drawn)
    assert counts == {"a": 400, "b": 400, "c": 400, "d": 400}
    assert {item.case for item in drawn} == set(range(16))


@pytest.mark.parametrize(("progress", "mix"), [(0.0, MIX_START), (1.0, MIX_END), (0.5, (0.5017, 0.2667, 0.2317))])
def test_the_mix_slides_from_lesion_heavy_to_equal_thirds(progress: float, mix: tuple[float, float, float]) -> None:
    batches = three_pool(FOUR, _rng(), batches=800, batch_size=8, progress=progress)
    assert _shares(FOUR, batches) == pytest.approx(mix, abs=0.02)


def test_a_patient_without_lesion_keeps_its_place_in_the_batch() -> None:
    pools = [*FOUR[:3], HEALTHY]
    batches = three_pool(pools, _rng(), batches=300, batch_size=8, progress=1.0)
    assert _shares(pools, batches) == pytest.approx(MIX_END, abs=0.02)
    with_healthy = [batch for batch in batches if 3 in {item.case for item in batch}]
    assert len(with_healthy) > 285
    assert all(len({item.case for item in batch}) == 4 for batch in with_healthy)


def test_patients_without_any_lesion_can_be_trained_on() -> None:
    (batch,) = three_pool([HEALTHY, HEALTHY], _rng(), batches=1, batch_size=8, progress=0.0)
    assert Counter(item.case for item in batch) == {0: 4, 1: 4}
    assert _kinds([HEALTHY, HEALTHY], batch) == [2] * 8


def test_one_patient_is_enough() -> None:
    for batch in three_pool(FOUR[:1], _rng(), batches=50, batch_size=8, progress=0.5):
        assert {item.case for item in batch} == {0}
        assert 0 in _kinds(FOUR, batch)


def test_a_single_corrected_slice_is_enough() -> None:
    pools = [_case((5,), usable=(5,))]
    (batch,) = three_pool(pools, _rng(), batches=1, batch_size=4, progress=1.0)
    assert batch == [(0, 5)] * 4


def test_only_corrected_slices_are_drawn_from_a_correction() -> None:
    pools = [_case((5, 6, 7), usable=(4, 6, 20)), *FOUR]
    for sampler in get_args(Sampler):
        batches = draw_epoch(sampler, pools, _rng(), batch_size=4, batches=200, progress=0.5)
        rows = {item.row for batch in batches for item in batch if item.case == 0}
        assert rows - {4, 6, 20} == set()
        assert 6 in rows


def test_the_same_random_numbers_draw_the_same_batches() -> None:
    once, again = (three_pool(FOUR, _rng(), batches=5, batch_size=8, progress=0.3) for _ in range(2))
    assert once == again
    assert once != three_pool(FOUR, np.random.default_rng(1), batches=5, batch_size=8, progress=0.3)


def test_boundary_takes_every_lesion_slice_its_neighbours_and_empty_slices_up_to_half_the_patients_share() -> None:
    # 10 of 40 slices have lesion: 75 % are empty, half of that is 37.5 %: 6 empty slices beside 10 with lesion.
    rows = [item.row for batch in boundary([_case(range(10, 20))], _rng(), batch_size=1) for item in batch]
    assert sorted(set(rows)) == sorted(rows)
    assert set(range(9, 21)) <= set(rows)
    assert len(rows) == 16


def test_boundary_adds_nothing_where_the_neighbours_are_enough() -> None:
    # Five lesions of one slice each: 10 neighbours are 67 % empty, more than half of the patient's 87.5 %.
    rows = [i.row for batch in boundary([_case((2, 8, 14, 20, 26))], _rng(), batch_size=4) for i in batch]
    assert sorted(rows) == sorted(z + step for z in (2, 8, 14, 20, 26) for step in (-1, 0, 1))


def test_boundary_takes_no_slice_of_a_patient_without_lesion() -> None:
    batches = boundary([HEALTHY, FOUR[1]], _rng(), batch_size=4)
    assert {item.case for batch in batches for item in batch} == {1}
    assert boundary([HEALTHY], _rng(), batch_size=4) == []


def test_lesion_only_takes_every_slice_with_lesion_once_and_no_other() -> None:
    batches = lesion_only([HEALTHY, FOUR[0], _case((5, 6, 7), usable=(4, 6))], _rng(), batch_size=4)
    assert [len(batch) for batch in batches] == [4, 4, 3]
    assert sorted(item for batch in batches for item in batch) == [(1, z) for z in range(10)] + [(2, 6)]
    assert lesion_only([HEALTHY], _rng(), batch_size=4) == []


def test_uniform_takes_every_slice_once_and_the_last_batch_is_the_rest() -> None:
    batches = uniform([FOUR[0], _case((5,), usable=(4, 5, 6))], _rng(), batch_size=5)
    assert [len(batch) for batch in batches] == [5] * 8 + [3]
    assert sorted(item for batch in batches for item in batch) == [(0, z) for z in range(40)] + [(1, 4), (1, 5), (1, 6)]


def test_an_epoch_has_the_batches_asked_for_or_as_many_as_there_are_slices() -> None:
    def count(sampler: str, batches: int | None) -> int:
        return len(draw_epoch(sampler, FOUR, _rng(), batch_size=8, batches=batches, progress=0.0))  # type: ignore[arg-type]

    assert [count("three_pool", wanted) for wanted in (None, 3, 50)] == [20, 3, 50]
    assert [count("uniform", wanted) for wanted in (None, 3, 50)] == [20, 3, 20]
    assert [count("boundary", wanted) for wanted in (None, 3)] == [8, 3]
    assert [count("lesion_only", wanted) for wanted in (None, 3)] == [5, 3]


def test_a_mined_row_is_drawn_as_if_it_were_near_a_lesion_and_no_row_is_lost() -> None:
    pools = _case((4, 5))
    mined = pools.mined([15, 4, 6])
    assert 15 in mined.near and 15 not in mined.far
    assert mined.lesion.tolist() == [4, 5]  # A lesion slice stays one, whatever was drawn beside its lesion.
    assert mined.all.tolist() == pools.all.tolist()
    assert pools.mined([]).far.tolist() == pools.far.tolist()
