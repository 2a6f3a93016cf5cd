"""Right, left and height, as far as a lung mask can tell them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.lesion_table import lesion_table
from napari_lesionseg.review.lung_sides import find_sides
from napari_lesionseg.volumes import Geometry, Mask
from napari_lesionseg.volumes.phantom import PhantomCase

GRID = Geometry.from_spacing((12, 20, 40), (3.0, 3.0, 3.0))


def _lungs(*, trachea: bool = False, left: bool = True) -> Mask:
    """Right lung at x 4 to 16, left one at x 24 to 36, z 1 to 10; the trachea joins them and goes on to the top."""
    mask = Mask.empty(GRID)
    mask.array[1:10, 4:16, 4:16] = 1
    if left:
        mask.array[1:10, 4:16, 24:36] = 1
    if trachea:
        mask.array[6:, 10:12, 19:21] = 1
        mask.array[6, 10:12, 16:24] = 1
    return mask


def _lesion(box: tuple[slice, slice, slice]) -> Mask:
    mask = Mask.empty(GRID)
    mask.array[box] = 1
    return mask


def _side(box: tuple[slice, slice, slice], lungs: Mask) -> tuple[str, str]:
    (row,) = lesion_table(_lesion(box), None, lungs)
    return row.side, row.zone


@pytest.mark.parametrize("trachea", [False, True])
def test_the_patients_right_is_where_x_is_small(trachea: bool) -> None:
    lungs = _lungs(trachea=trachea)
    assert _side(np.s_[2:4, 6:9, 6:9], lungs) == ("right", "lower")
    assert _side(np.s_[5:6, 6:9, 30:33], lungs) == ("left", "middle")
    assert _side(np.s_[8:10, 6:9, 30:33], lungs) == ("left", "upper")


@pytest.mark.parametrize("trachea", [False, True])
def test_a_lesion_outside_the_lungs_belongs_to_the_side_it_lies_on(trachea: bool) -> None:
    lungs = _lungs(trachea=trachea)
    assert _side(np.s_[2:4, 17:19, 6:9], lungs)[0] == "right"
    assert _side(np.s_[2:4, 6:9, 22:24], lungs)[0] == "left"


def test_a_lesion_in_both_lungs_is_on_neither_side_alone() -> None:
    assert _side(np.s_[2:4, 6:9, 10:30], _lungs()) == ("both", "")


def test_a_lung_that_reaches_across_the_midline_keeps_its_lesions() -> None:
    lungs = Mask.empty(GRID)
    lungs.array[1:10, 4:16, 4:16] = lungs.array[1:10, 4:8, 4:26] = 1  # The right lung, in front of the heart.
    lungs.array[1:10, 10:16, 24:36] = lungs.array[1:10, 4:16, 29:36] = 1
    assert _side(np.s_[2:4, 5:7, 23:25], lungs)[0] == "right"
    assert _side(np.s_[2:4, 12:14, 25:27], lungs)[0] == "left"


def test_a_trachea_does_not_make_a_lung_higher() -> None:
    sides = find_sides(_lungs(trachea=True))
    assert sides is not None
    assert sides.heights == ((1, 9), (1, 9))


def test_of_a_single_lung_no_side_is_claimed() -> None:
    assert _side(np.s_[2:4, 6:9, 6:9], _lungs(left=False)) == ("", "")


def test_two_pieces_of_one_lung_are_not_two_lungs() -> None:
    lungs = _lungs(left=False)
    lungs.array[5] = 0
    assert find_sides(lungs) is None


def test_no_lung_is_no_side() -> None:
    assert find_sides(Mask.empty(GRID)) is None


def test_the_phantoms_lungs_are_parted_where_the_generator_put_them(phantom_case: PhantomCase) -> None:
    sides = find_sides(phantom_case.lungs)
    assert sides is not None
    z, y, x = np.nonzero(phantom_case.lungs.array)
    right = sides.in_right(z, y, x)
    assert 0.3 < right.mean() < 0.7
    assert x[right].mean() < phantom_case.scan.array.shape[2] / 2 < x[~right].mean()
