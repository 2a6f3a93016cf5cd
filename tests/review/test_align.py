"""Laying an earlier scan over the open one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_lesionseg.review.align import Shift, align, inside, lung_centre, to_current, to_prior
from napari_lesionseg.volumes import Geometry, Volume

if TYPE_CHECKING:
    from napari_lesionseg.volumes.phantom import PhantomCase


def moved(scan: Volume, steps: tuple[int, int, int]) -> Volume:
    return Volume(np.roll(scan.array, steps, axis=(0, 1, 2)), scan.geometry)


def test_a_phantom_moved_by_whole_voxels_is_found_there_again(phantom_case: PhantomCase) -> None:
    scan = phantom_case.scan
    found = align(moved(scan, (0, 2, -3)), scan)
    _, height, width = scan.geometry.spacing
    assert found.by_lungs
    assert found.shift.z == pytest.approx(0, abs=1)
    assert found.shift.y == pytest.approx(2 * height, abs=1)
    assert found.shift.x == pytest.approx(-3 * width, abs=1)


def test_slices_that_are_missing_at_the_feet_become_a_shift_along_z(phantom_case: PhantomCase) -> None:
    scan = phantom_case.scan
    empty = np.full((6, *scan.array.shape[1:]), -1000, np.int16)
    longer = np.concatenate([empty, scan.array])
    spacing = scan.geometry.spacing
    found = align(Volume(longer, Geometry.from_spacing(longer.shape, spacing)), scan)
    assert found.shift.z == pytest.approx(6 * spacing[0], abs=spacing[0])


def test_without_lungs_the_middles_of_both_scans_are_laid_over_each_other() -> None:
    flat = [Volume(np.zeros((n, 20, 20), np.int16), Geometry.from_spacing((n, 20, 20), (2.0, 1, 1))) for n in (5, 9)]
    assert lung_centre(flat[0]) is None
    assert align(*flat) == (Shift(-4.0, 0.0, 0.0), False)


def test_a_place_goes_to_the_prior_and_back_between_grids_of_different_spacing() -> None:
    current = Geometry.from_spacing((30, 40, 40), (1.0, 0.5, 0.5))
    prior = Geometry.from_spacing((10, 20, 20), (3.0, 1.0, 1.0))
    shift = Shift(6.0, -2.0, 1.0)
    assert to_prior((12, 10, 20), current, prior, shift) == (2, 7, 9)
    assert to_current((2, 7, 9), current, prior, shift) == (12, 10, 20)
    assert inside((9, 19, 19), prior)
    assert not inside((-1, 0, 0), prior)
    assert not inside(to_prior((0, 10, 20), current, prior, shift), prior)
