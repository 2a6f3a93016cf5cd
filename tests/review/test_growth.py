"""Growth between two studies: lesions of known voxels on grids whose voxel is 0.01 or 0.02 ml."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.grown import GrowthRow
from napari_lesionseg.review.growth import growth
from napari_lesionseg.review.lesion_table import lesion_table
from napari_lesionseg.volumes import Geometry, Mask

SPACING = (2.5, 2.0, 2.0)  # 0.01 ml a voxel.
SHAPE = (20, 60, 60)
Box = tuple[slice, slice, slice]


def box(z: int, y: int, x: int, *size: int) -> Box:
    return slice(z, z + size[0]), slice(y, y + size[1]), slice(x, x + size[2])


def mask_of(*boxes: Box, spacing: tuple[float, float, float] = SPACING) -> Mask:
    mask = Mask.empty(Geometry.from_spacing(SHAPE, spacing))
    for one in boxes:
        mask.array[one] = 1
    return mask


def only(rows: tuple[GrowthRow, ...]) -> GrowthRow:
    assert len(rows) == 1
    return rows[0]


def test_a_lesion_that_doubled_has_grown_by_its_ml() -> None:
    found = growth(mask_of(box(5, 10, 10, 4, 10, 10)), mask_of(box(5, 10, 10, 2, 10, 10)), Shift())
    row = only(found.rows)
    assert (row.verdict, row.numbers, row.prior_numbers) == ("grown", (1,), (1,))
    assert (row.ml, row.prior_ml, row.change_ml) == pytest.approx((4.0, 2.0, 2.0))
    assert (found.ml, found.prior_ml) == pytest.approx((4.0, 2.0))


@pytest.mark.parametrize(
    ("now", "then", "verdict"),
    [(124, 100, "unchanged"), (125, 100, "grown"), (76, 100, "unchanged"), (75, 100, "shrunk")],
)
def test_a_change_of_a_quarter_is_a_change(now: int, then: int, verdict: str) -> None:
    current, prior = mask_of(), mask_of()
    for mask, count in ((current, now), (prior, then)):
        flat = np.zeros(150, np.uint8)
        flat[:count] = 1
        mask.array[5, 10:40, 10:15] = flat.reshape(30, 5)
    assert only(growth(current, prior, Shift()).rows).verdict == verdict


def test_new_and_resolved_lesions_are_told_where_they_are_or_were() -> None:
    now, then = mask_of(box(2, 5, 5, 3, 5, 5)), mask_of(box(15, 40, 40, 3, 5, 5))
    new, gone = growth(now, then, Shift()).rows
    assert (new.verdict, new.place, new.numbers, new.prior_numbers) == ("new", (3, 7, 7), (1,), ())
    assert (gone.verdict, gone.place, gone.numbers, gone.prior_numbers) == ("resolved", (16, 42, 42), (), (1,))
    assert (gone.ml, gone.prior_ml, gone.change_ml) == pytest.approx((0, 0.75, -0.75))


def test_the_shift_decides_what_overlaps() -> None:
    now, then = mask_of(box(8, 20, 30, 3, 5, 5)), mask_of(box(4, 20, 30, 3, 5, 5))
    assert [row.verdict for row in growth(now, then, Shift(), nearest_mm=5.0).rows] == ["new", "resolved"]
    row = only(growth(now, then, Shift(z=4 * 2.5), nearest_mm=0.0).rows)
    assert (row.verdict, row.change_ml) == ("unchanged", 0.0)


def test_lesions_that_do_not_overlap_are_matched_by_the_nearest_centre_within_reach() -> None:
    now = mask_of(box(5, 10, 10, 2, 5, 5), box(5, 40, 40, 2, 5, 5))
    then = mask_of(box(5, 10, 16, 2, 5, 5), box(12, 40, 40, 2, 5, 5))  # 12 mm and 17.5 mm away.
    rows = growth(now, then, Shift()).rows
    assert sorted(row.verdict for row in rows) == ["new", "resolved", "unchanged"]
    near = next(row for row in rows if row.verdict == "unchanged")
    assert near.place == (5, 12, 12)
    assert len(growth(now, then, Shift(), nearest_mm=20).rows) == 2


def test_the_nearest_pair_is_matched_first_and_nobody_twice() -> None:
    now = mask_of(box(5, 20, 20, 2, 3, 3))
    then = mask_of(box(5, 20, 24, 2, 3, 3), box(5, 20, 14, 2, 3, 3))  # 8 mm and 12 mm away.
    same, gone = growth(now, then, Shift()).rows
    assert (same.verdict, gone.verdict) == ("unchanged", "resolved")
    assert gone.place == (5, 21, 15)


def test_two_lesions_that_merged_are_one_row() -> None:
    now = mask_of(box(5, 10, 10, 2, 5, 20))
    then = mask_of(box(5, 10, 10, 2, 5, 8), box(5, 10, 22, 2, 5, 6))
    row = only(growth(now, then, Shift()).rows)
    assert (row.numbers, row.prior_numbers) == ((1,), (1, 2))
    assert (row.ml, row.prior_ml, row.verdict) == (pytest.approx(2.0), pytest.approx(1.4), "grown")


def test_a_touch_of_less_than_a_tenth_does_not_make_neighbours_one_lesion() -> None:
    now = mask_of(box(5, 10, 10, 1, 5, 11), box(5, 10, 30, 1, 5, 10))
    then = mask_of(box(5, 10, 20, 1, 5, 20))
    rows = growth(now, then, Shift(), nearest_mm=1).rows
    assert sorted((row.verdict, row.prior_numbers) for row in rows) == [("new", ()), ("shrunk", (1,))]


def test_a_lesion_that_shrank_below_a_tenth_of_a_ml_is_no_resolved_one_and_specks_are_not_listed() -> None:
    now = mask_of(box(5, 10, 10, 1, 3, 3), box(15, 50, 50, 1, 1, 1))
    then = mask_of(box(5, 10, 10, 3, 5, 5))
    found = growth(now, then, Shift())
    assert only(found.rows).verdict == "shrunk"
    assert found.ml == pytest.approx(0.1)  # With the speck.


def test_a_prior_on_a_grid_with_thicker_slices_counts_its_own_ml() -> None:
    now = mask_of(box(4, 10, 10, 4, 10, 10))
    then = mask_of(box(2, 10, 10, 2, 10, 10), spacing=(5.0, 2.0, 2.0))
    row = only(growth(now, then, Shift()).rows)
    assert (row.ml, row.prior_ml, row.verdict) == (pytest.approx(4.0), pytest.approx(4.0), "unchanged")


def test_the_numbers_are_those_of_the_lesion_table() -> None:
    rng = np.random.default_rng(4)
    corners = [(int(z), int(y), int(x)) for z in (1, 8, 14) for y in (2, 22, 42) for x in (2, 22, 42)]
    now = mask_of(*(box(*corner, *rng.integers(2, 6, 3)) for corner in corners))
    found = {row.numbers[0]: row.ml for row in growth(now, mask_of(), Shift()).rows}
    assert found == pytest.approx({row.number: row.volume_ml for row in lesion_table(now) if row.counted})


def test_a_bent_lesion_is_shown_at_one_of_its_own_voxels() -> None:
    now = mask_of(box(5, 10, 10, 1, 2, 30), box(5, 10, 38, 1, 30, 2))
    z, y, x = only(growth(now, mask_of(), Shift()).rows).place
    assert now.array[z, y, x] == 1


def test_two_empty_masks_have_no_rows() -> None:
    found = growth(mask_of(), mask_of(), Shift())
    assert (found.rows, found.ml, found.prior_ml) == ((), 0.0, 0.0)
