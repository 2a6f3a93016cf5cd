from __future__ import annotations

import numpy as np
import pytest
from lesionseg_training.batches import draw_batches
from lesionseg_training.data import TrainingCase
from lesionseg_training.sampling import Pools

from napari_lesionseg.errors import LesionsegError


def _case(name: str, lesion: tuple[int, ...] = (4, 5, 6), *, corrected: bool = False, depth: int = 20) -> TrainingCase:
    flags = np.zeros(depth, np.bool_)
    flags[list(lesion)] = True
    nothing = np.zeros((depth, 8, 8), np.uint8)
    return TrainingCase(name, name, nothing, nothing, Pools.of(flags), corrected)


CASES = [_case("known"), _case("corrected", corrected=True), _case("other"), _case("second", corrected=True)]
NEW = {1, 3}


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("sampler", ["three_pool", "uniform", "boundary"])
def test_with_replay_half_of_every_batch_is_corrected_and_half_is_known(tiny, sampler: str) -> None:
    config = tiny(replay=0.5, batch_size=6, sampler=sampler, steps_per_epoch=None)
    batches = draw_batches(CASES, config, _rng(), 0)
    full = batches[:-1] if sampler != "three_pool" else batches  # The last one may be smaller.
    assert len(full) >= 3
    for batch in full:
        assert [item.case in NEW for item in batch] == [True] * 3 + [False] * 3


def test_without_replay_batches_are_drawn_from_all_cases_alike(tiny) -> None:
    batches = draw_batches(CASES, tiny(batch_size=8, steps_per_epoch=50), _rng(), 0)
    drawn = [item.case for batch in batches for item in batch]
    assert [drawn.count(case) for case in range(4)] == [100] * 4


def test_replay_leaves_a_place_for_a_corrected_slice(tiny) -> None:
    for batch in draw_batches(CASES, tiny(replay=0.99, batch_size=4), _rng(), 0):
        assert [item.case in NEW for item in batch] == [True, False, False, False]


def test_replay_needs_both_kinds(tiny) -> None:
    for cases in (CASES[::2], CASES[1::2]):
        batches = draw_batches(cases, tiny(replay=0.5), _rng(), 0)
        assert {item.case for batch in batches for item in batch} == {0, 1}
        assert {len(batch) for batch in batches} == {4}


def test_few_known_slices_come_round_until_every_corrected_one_was_seen(tiny) -> None:
    cases = [_case("known", (0,), depth=2), _case("corrected", corrected=True)]
    config = tiny(replay=0.5, sampler="uniform", steps_per_epoch=None)
    batches = draw_batches(cases, config, _rng(), 0)
    assert sorted(item.row for batch in batches for item in batch if item.case == 1) == list(range(20))
    assert [sum(item.case == 0 for item in batch) for batch in batches] == [2] * 10


def test_the_mix_slides_over_the_epochs(tiny) -> None:
    config = tiny(epochs=3, steps_per_epoch=300)

    def lesion_share(epoch: int) -> float:
        rows = [item.row for batch in draw_batches(CASES, config, _rng(), epoch) for item in batch]
        return float(np.mean(np.isin(rows, (4, 5, 6))))

    assert lesion_share(0) == pytest.approx(0.67, abs=0.03)
    assert lesion_share(2) == pytest.approx(1 / 3 + (2 / 3) ** 4 / 4, abs=0.03)  # One more where none was drawn.


def test_a_sampler_that_finds_no_slice_is_told(tiny) -> None:
    healthy = [_case("healthy", ())]
    for sampler in ("boundary", "lesion_only"):
        with pytest.raises(
            LesionsegError, match=f"The sampler {sampler} found no slice .*; add a case with lesions, or"
        ):
            draw_batches(healthy, tiny(sampler=sampler), _rng(), 0)
    assert len(draw_batches(healthy, tiny(), _rng(), 0)) == 3


def test_without_known_cases_half_of_every_batch_is_what_nobody_changed(tiny) -> None:
    flags = np.zeros(20, np.bool_)
    flags[4:7] = True
    changed = np.isin(np.arange(20), (3, 4, 5))
    nothing = np.zeros((20, 8, 8), np.uint8)
    case = TrainingCase("a", "a", nothing, nothing, Pools.of(flags, changed), True, Pools.of(flags, ~changed))
    for batch in draw_batches([case], tiny(replay=0.5, batch_size=6, steps_per_epoch=20), _rng(), 0):
        assert [item.row in (3, 4, 5) for item in batch] == [True] * 3 + [False] * 3


def test_a_slice_on_which_lesion_was_invented_is_drawn_more_often(tiny) -> None:
    case = _case("one", depth=60)
    config = tiny(batch_size=8, steps_per_epoch=200)
    plain, mined = (
        sum(item.row == 50 for batch in draw_batches([case], config, _rng(), 0, wrong) for item in batch)
        for wrong in ([], [("one", 50), ("another", 3)])
    )
    assert mined > 5 * plain
