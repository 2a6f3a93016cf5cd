"""Two readings in figures, and where they differ: on masks whose voxels one can count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.agreement import Agreement, measure_agreement
from napari_lesionseg.review.agreement_map import (
    AGREEMENT_COLOURS,
    AGREEMENT_NAMES,
    BOTH,
    ONLY_A,
    ONLY_B,
    TAKES,
    agreement_map,
    taken,
)
from napari_lesionseg.review.disagreements import find_disagreements, lesion_at
from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.volumes import Geometry, Mask
from tests.review.test_error_map import SIGHT, seen

GRID = Geometry.from_spacing((6, 10, 10), (10.0, 5.0, 4.0))  # A voxel is 0.2 ml, so that each is a lesion.


def mask(*boxes: tuple[slice, slice, slice], grid: Geometry = GRID) -> Mask:
    made = Mask.empty(grid)
    for box in boxes:
        made.array[box] = 1
    return made


LEFT = (slice(1, 3), slice(0, 4), slice(0, 4))  # 32 voxels
HALF = (slice(1, 3), slice(2, 6), slice(0, 4))  # 32 voxels, 16 of them in LEFT
FAR = (slice(5, 6), slice(8, 10), slice(8, 10))  # 4 voxels


def test_agreement_is_dice_lesion_f1_and_both_volumes() -> None:
    # 2 · 16 / (32 + 36); A's one lesion is touched, of B's two one: F1 of 1 and 1/2 is 2/3.
    found = measure_agreement(mask(LEFT), mask(HALF, FAR))
    assert found == Agreement(32 / 68, pytest.approx(2 / 3), *map(pytest.approx, (6.4, 7.2, 0.8)))


def test_swapping_the_readings_swaps_nothing_but_the_volumes() -> None:
    there, back = measure_agreement(mask(LEFT), mask(HALF, FAR)), measure_agreement(mask(HALF, FAR), mask(LEFT))
    assert (there.dice, there.lesion_f1) == (back.dice, back.lesion_f1)
    assert (there.volume_a_ml, there.difference_ml) == (back.volume_b_ml, -back.difference_ml)


def test_the_figures_are_those_of_evaluate() -> None:
    rng = np.random.default_rng(0)
    a, b = (Mask((rng.random((6, 10, 10)) < 0.1).astype(np.uint8), GRID) for _ in range(2))
    found, expected = measure_agreement(a, b), evaluate(a, b)
    assert 0 < found.dice < 1 and 0 < found.lesion_f1 <= 1
    assert (found.dice, found.lesion_f1) == (expected["dice"], expected["lesion_f1"])


def test_two_empty_readings_have_no_dice_and_one_empty_reading_has_none_in_common() -> None:
    assert measure_agreement(mask(), mask()) == Agreement(None, None, 0.0, 0.0, 0.0)
    lonely = measure_agreement(mask(), mask(FAR))
    assert (lonely.dice, lonely.lesion_f1, lonely.difference_ml) == (0.0, 0.0, pytest.approx(0.8))


def test_readings_of_two_scans_are_not_compared() -> None:
    other = Geometry.from_spacing((6, 10, 10), (10.0, 5.0, 4.5))
    with pytest.raises(LesionsegError, match="different grids"):
        measure_agreement(mask(LEFT), mask(LEFT, grid=other))


def test_only_a_only_b_and_both_have_their_labels() -> None:
    a, b = np.array([[0, 1, 0, 255]], np.uint8), np.array([[0, 0, 7, 1]], np.int32)
    assert agreement_map(a, b).tolist() == [[0, ONLY_A, ONLY_B, BOTH]]
    rng = np.random.default_rng(0)
    a, b = (rng.random((2, 5, 9, 7)) < 0.4).astype(np.uint8)
    np.testing.assert_array_equal(agreement_map(a, b), a * ONLY_A + b * ONLY_B)
    with pytest.raises(ValueError, match="differ in shape"):
        agreement_map(a, b[:4])


@pytest.mark.parametrize("sight", SIGHT)
def test_the_three_colours_stay_apart_for_every_kind_of_sight(sight: str) -> None:
    assert set(AGREEMENT_COLOURS) == set(AGREEMENT_NAMES) == {ONLY_A, ONLY_B, BOTH}
    for one, other in itertools.combinations(AGREEMENT_COLOURS.values(), 2):
        assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 40
    greys = [f"#{level:02x}{level:02x}{level:02x}" for level in range(0, 256, 5)]
    for colour, grey in itertools.product(AGREEMENT_COLOURS.values(), greys):
        assert np.linalg.norm(seen(colour, sight) - seen(grey, sight)) > 20


def test_what_is_taken_keeps_the_labels_of_the_reading_it_comes_from() -> None:
    a, b = np.array([0, 2, 0, 2], np.uint8), np.array([0, 0, 3, 3], np.uint8)
    assert {take: taken(take, a, b).tolist() for take in TAKES} == {
        "A": [0, 2, 0, 2],
        "B": [0, 0, 3, 3],
        "both": [0, 2, 3, 2],
        "agreed": [0, 0, 0, 2],
    }
    assert not any(np.shares_memory(taken(take, a, b), one) for take in TAKES for one in (a, b))


def test_disagreements_are_pieces_of_one_reading_largest_first() -> None:
    a, b = mask(LEFT), mask(HALF, FAR)
    found = find_disagreements(agreement_map(a.array, b.array))
    assert [(one.side, one.voxels) for one in found] == [("A", 16), ("B", 16), ("B", 4)]
    # Of LEFT rows 0 and 1 are A's alone, of HALF rows 4 and 5 are B's.
    assert found[0].box == (slice(1, 3), slice(0, 2), slice(0, 4)) and found[0].inside.all()
    assert found[1].box == (slice(1, 3), slice(4, 6), slice(0, 4))
    assert found[2].box == FAR


def test_where_a_piece_of_a_touches_one_of_b_they_are_two_pieces() -> None:
    a, b = mask((slice(2, 3), slice(0, 5), slice(0, 3))), mask((slice(2, 3), slice(0, 5), slice(3, 7)))
    found = find_disagreements(agreement_map(a.array, b.array))
    assert [(one.side, one.voxels) for one in found] == [("B", 20), ("A", 15)]


def test_the_place_of_a_piece_is_a_voxel_of_it_in_its_largest_slice() -> None:
    array = np.zeros((6, 10, 10), np.uint8)
    array[3, 5, 5] = 1
    array[4, 4:9, 4:9] = 1
    array[4, 6, 6] = 0  # The middle itself is not in the piece.
    (piece,) = find_disagreements(agreement_map(array, np.zeros_like(array)))
    z, y, x = piece.place
    assert z == 4 and array[piece.place] == 1 and abs(y - 6) + abs(x - 6) == 1


@pytest.mark.parametrize(("a", "b"), [((), ()), ((LEFT,), (LEFT,))])
def test_readings_that_agree_have_no_disagreements(a: tuple, b: tuple) -> None:
    assert find_disagreements(agreement_map(mask(*a).array, mask(*b).array)) == []


def test_every_voxel_that_differs_is_in_one_piece() -> None:
    rng = np.random.default_rng(0)
    map_ = agreement_map(*(rng.random((2, 6, 10, 10)) < 0.3).astype(np.uint8))
    count = np.zeros(map_.shape, int)
    for piece in find_disagreements(map_):
        count[piece.box] += piece.inside
    np.testing.assert_array_equal(count, (map_ == ONLY_A) | (map_ == ONLY_B))


def test_the_lesion_at_a_voxel_is_that_of_both_readings_together() -> None:
    map_ = agreement_map(mask(LEFT).array, mask(HALF, FAR).array)
    box, inside = lesion_at(map_, (1, 0, 0))
    assert box == (slice(1, 3), slice(0, 6), slice(0, 4)) and inside.all()
    assert lesion_at(map_, (5, 9, 9))[0] == FAR
    assert lesion_at(map_, (0, 0, 0)) is None
    assert lesion_at(map_, (6, 0, 0)) is lesion_at(map_, (-1, 9, 9)) is None
