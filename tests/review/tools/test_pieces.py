from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.review.tools.pieces import pieces_at, pieces_of

SHAPE = (40, 300, 200)
ALL = tuple(slice(0, side) for side in SHAPE)


def test_a_piece_far_longer_than_the_first_look_is_found_whole_and_others_are_left() -> None:
    lesion = np.zeros(SHAPE, bool)
    lesion[2:38, 150, 100] = lesion[37, 5:280, 100] = lesion[37, 5, 100:199] = lesion[2, 100:140, 50] = True
    box, piece = pieces_at(lambda box: lesion[box], np.array([[20, 150, 100]]), ALL)
    whole = np.zeros(SHAPE, bool)
    whole[box] = piece
    assert whole.sum() == 36 + 275 + 99 - 2
    assert not whole[2, 100:140, 50].any()


def test_a_small_piece_costs_a_small_look() -> None:
    lesion = np.zeros(SHAPE, bool)
    lesion[20, 150:153, 100] = lesion[:, :, 0] = True
    looked_at = []

    def inside(box: tuple[slice, slice, slice]) -> np.ndarray:
        looked_at.append(lesion[box].size)
        return lesion[box]

    _, piece = pieces_at(inside, np.array([[20, 150, 100]]), ALL)
    assert (piece.sum(), looked_at) == (3, [9 * 65 * 65])


def test_two_seeds_in_two_pieces_give_both_and_a_seed_outside_gives_none() -> None:
    lesion = np.zeros((1, 9, 9), bool)
    lesion[0, 1, 1] = lesion[0, 7, 7] = lesion[0, 2, 2] = True
    limits = (slice(0, 1), slice(0, 9), slice(0, 9))
    assert pieces_at(lambda box: lesion[box], np.array([[0, 1, 1], [0, 7, 7], [0, 4, 4]]), limits)[1].sum() == 3
    assert pieces_at(lambda box: lesion[box], np.array([[0, 1, 1]]), limits, connectivity=6)[1].sum() == 1
    assert pieces_at(lambda box: lesion[box], np.array([[0, 4, 4]]), limits)[1].sum() == 0


def test_pieces_are_counted_background_first() -> None:
    lesion = np.zeros((2, 3, 3), bool)
    lesion[0, 0, 0] = lesion[1, 1, 0] = lesion[0, 0, 2] = True
    assert sorted(pieces_of(lesion)[1].tolist()) == [1, 2, 15]
    assert pieces_of(0 * lesion)[1].tolist() == [18]


@pytest.mark.parametrize("connectivity", [6, 26])
def test_winding_pieces_are_those_of_the_whole_scan(connectivity: int) -> None:
    rng = np.random.default_rng(connectivity)
    structure = ndimage.generate_binary_structure(3, 1 if connectivity == 6 else 3)
    for _ in range(4):
        lesion = ndimage.uniform_filter(rng.random(SHAPE), (1, 5, 5)) > 0.505
        seeds = rng.permutation(np.argwhere(lesion))[:2]
        labels, _ = ndimage.label(lesion, structure)
        box, piece = pieces_at(lambda box, inside=lesion: inside[box], seeds, ALL, connectivity)
        whole = np.zeros(SHAPE, bool)
        whole[box] = piece
        assert np.array_equal(whole, np.isin(labels, labels[tuple(seeds.T)]))
