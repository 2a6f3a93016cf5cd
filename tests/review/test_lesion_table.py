"""One row a lesion: counted by hand, and checked with other tools' arithmetic."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.align import Shift
from napari_lesionseg.review.counted_lesions import Known
from napari_lesionseg.review.growth import growth
from napari_lesionseg.review.lesion_overview import overview
from napari_lesionseg.review.lesion_table import lesion_table
from napari_lesionseg.review.lesions import count_lesions, voxels_by_slice
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase

GRID = Geometry.from_spacing((6, 16, 16), (5.0, 2.0, 2.0))  # A voxel is 0.02 ml.


def _mask(*boxes: tuple[slice | int, slice | int, slice | int], grid: Geometry = GRID, label: int = 1) -> Mask:
    mask = Mask.empty(grid)
    for box in boxes:
        mask.array[box] = label
    return mask


TWO = _mask((slice(4, 6), slice(2, 4), 1), (slice(1, 3), slice(8, 11), slice(8, 10)))  # 4 and 12 voxels


def test_lesions_are_listed_with_the_largest_first() -> None:
    rows = lesion_table(TWO)
    assert [(row.number, row.voxels) for row in rows] == [(1, 12), (2, 4)]
    assert [row.volume_ml for row in rows] == pytest.approx([0.24, 0.08])


def test_a_lesion_below_a_tenth_of_a_millilitre_is_listed_but_not_counted() -> None:
    rows = lesion_table(TWO)
    assert [row.counted for row in rows] == [True, False]
    assert count_lesions(TWO) == 1


def test_slices_are_those_the_window_shows_counted_from_one() -> None:
    mask = _mask((slice(1, 3), 8, 8), (2, slice(8, 10), 8))
    (row,) = lesion_table(mask)
    assert (row.slices, row.largest_slice) == ((2, 3), 3)


def test_voxels_that_share_a_corner_are_one_lesion() -> None:
    assert [row.voxels for row in lesion_table(_mask((1, 1, 1), (2, 2, 2), (4, 4, 4)))] == [2, 1]


def test_voxels_of_two_labels_are_two_lesions_even_where_they_touch() -> None:
    mask = _mask((1, 1, slice(0, 3)), label=7)
    mask.array[1, 1, 3] = 2
    assert [(row.label, row.voxels) for row in lesion_table(mask)] == [(7, 3), (2, 1)]


def test_the_table_the_window_the_growth_and_the_looks_number_lesions_alike() -> None:
    """Equal lesions, some within the same 8 × 8 voxels, one of them touching another label."""
    corners = [(z, y, x) for z in (1, 4) for y in (1, 3, 12) for x in (1, 9)]
    mask = _mask(*((z, y, slice(x, x + 5)) for z, y, x in reversed(corners)))
    mask.array[1, 2, 1:6] = 2
    expected = sorted((z, y, x + 2) for z, y, x in (*corners, (1, 2, 1)))
    seen = overview(mask, Known(Volume(np.zeros(GRID.display_shape, np.int16), GRID))).lesions
    grown = {row.numbers: row.place for row in growth(mask, Mask.empty(GRID), Shift()).rows}
    assert [row.centroid_ras for row in lesion_table(mask)] == [(-2 * x, -2 * y, 5 * z) for z, y, x in expected]
    assert [one.place for one in seen] == expected
    assert [grown[(number,)] for number in range(1, 14)] == expected
    assert [int(one.argmax()) for one in voxels_by_slice(mask.array)] == [z for z, _, _ in expected]


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR", "ASL", "IRP"])
def test_the_centroid_is_where_nibabel_puts_the_voxels(codes: str) -> None:
    rotation = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
    start = np.eye(4)
    start[:3, :3] = rotation @ np.diag([0.7, 0.8, 2.5])
    start[:3, 3] = (-31.0, 12.0, 99.0)
    change = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(tuple(codes))
    )
    image = nib.Nifti1Image(np.zeros((9, 11, 7), np.uint8), start).as_reoriented(change)
    grid = Geometry(image.shape, image.affine)
    mask = Mask.empty(grid)
    mask.array[1:3, 4:7, 2] = 1
    stored = np.argwhere(grid.to_stored(mask.array))
    (row,) = lesion_table(mask)
    assert row.centroid_ras == pytest.approx(nib.affines.apply_affine(image.affine, stored).mean(axis=0), abs=1e-9)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_density_is_as_numpy_computes_it_for_each_lesion(dtype: type) -> None:
    values = np.random.default_rng(3).normal(-500, 200, GRID.display_shape).astype(dtype)
    rows = lesion_table(TWO, Volume(values, GRID))
    for row, box in zip(rows, [np.s_[1:3, 8:11, 8:10], np.s_[4:6, 2:4, 1]], strict=True):
        voxels = values[box].astype(float)
        hu = row.density
        assert hu is not None
        assert (hu.mean, hu.sd) == pytest.approx((voxels.mean(), voxels.std()))
        assert (hu.low, hu.high) == (voxels.min(), voxels.max())
        assert (hu.p10, hu.p90) == pytest.approx(np.percentile(voxels, (10, 90)))


def test_grey_levels_have_no_density() -> None:
    grey = Volume(np.full(GRID.display_shape, 90, np.uint8), GRID, "grey")
    assert [row.density for row in lesion_table(TWO, grey)] == [None, None]


def test_without_lungs_no_side_is_claimed() -> None:
    assert {(row.side, row.zone) for row in lesion_table(TWO)} == {("", "")}


def test_an_empty_mask_has_no_row() -> None:
    assert lesion_table(Mask.empty(GRID)) == []


def test_a_scan_on_another_grid_is_refused() -> None:
    other = Geometry.from_spacing((6, 16, 16), (5.0, 2.0, 2.1))
    with pytest.raises(LesionsegError, match="lie on different grids"):
        lesion_table(TWO, Volume(np.zeros(GRID.display_shape, np.int16), other))


def test_the_phantoms_lesions_add_up_to_its_mask(phantom_case: PhantomCase) -> None:
    rows = lesion_table(phantom_case.truth, phantom_case.scan, phantom_case.lungs)
    assert sum(row.volume_ml for row in rows) == pytest.approx(phantom_case.truth.volume_ml)
    middle = phantom_case.scan.array.shape[2] / 2
    lesions = phantom_case.truth.array
    right = np.count_nonzero(lesions[:, :, : int(middle)]) * phantom_case.truth.geometry.voxel_ml
    assert sum(row.volume_ml for row in rows if row.side == "right") == pytest.approx(right)
