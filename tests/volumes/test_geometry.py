"""Display order is reached from any stored grid by views, and left again without a trace."""

from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry

SIDES = {"x": 0.5, "y": 0.75, "z": 3.0}  # mm along left–right, posterior–anterior, inferior–superior
ORIENTATIONS = ["".join(codes) for axes in permutations(("LR", "PA", "IS")) for codes in product(*axes)]
SHAPE = (3, 4, 5)


def oriented(codes: str, shape: tuple[int, int, int] = SHAPE, origin: tuple[float, ...] = (7, -11, 13)) -> Geometry:
    """A grid whose stored axes run to ``codes``, with its own voxel size along each axis of the body."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    affine[:3, 3] = origin
    for column, code in enumerate(codes):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, column] = tuple(SIDES.values())[row] * (1 if code in "RAS" else -1)
    return Geometry(shape, affine)


def turned(degrees: float, axis: int) -> np.ndarray:
    """A rotation about one axis, 3×3."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(3)
    a, b = (k for k in range(3) if k != axis)
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


def test_there_are_48_orientations() -> None:
    assert len(set(ORIENTATIONS)) == 48
    assert {oriented(codes).orientation for codes in ORIENTATIONS} == set(ORIENTATIONS)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_to_display_and_back_is_exact_and_copies_nothing(codes: str) -> None:
    grid = oriented(codes)
    stored = np.arange(60).reshape(SHAPE)
    shown = grid.to_display(stored)
    back = grid.to_stored(shown)
    assert shown.shape == grid.display_shape
    assert np.array_equal(back, stored)
    assert np.shares_memory(shown, stored)
    assert np.shares_memory(back, stored)
    assert np.array_equal(grid.to_display(grid.to_stored(shown)), shown)


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_display_axes_run_to_superior_posterior_and_left(codes: str) -> None:
    grid = oriented(codes)
    voxels = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"))
    ras = np.tensordot(grid.affine[:3, :3], voxels, 1) + grid.affine[:3, 3].reshape(3, 1, 1, 1)
    right, front, up = (grid.to_display(where) for where in ras)
    assert np.allclose(np.diff(up, axis=0), SIDES["z"])
    assert np.allclose(np.diff(front, axis=1), -SIDES["y"])
    assert np.allclose(np.diff(right, axis=2), -SIDES["x"])


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_spacing_is_told_in_display_order(codes: str) -> None:
    grid = oriented(codes)
    assert grid.spacing == (SIDES["z"], SIDES["y"], SIDES["x"])
    assert grid.voxel_ml == pytest.approx(0.5 * 0.75 * 3 / 1000)


def test_a_generated_grid_is_stored_to_the_left_to_the_back_and_up() -> None:
    grid = Geometry.from_spacing((4, 5, 6), (2.5, 0.8, 0.7))
    assert (grid.orientation, grid.shape, grid.display_shape) == ("LPS", (6, 5, 4), (4, 5, 6))
    assert grid.spacing == (2.5, 0.8, 0.7)
    assert grid.flips == (False, False, False)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("degrees", [-44, -10, 3, 30, 44])
def test_an_oblique_grid_keeps_its_sides_and_its_nearest_axes(axis: int, degrees: float) -> None:
    straight = oriented("PIR")
    affine = straight.affine.copy()
    affine[:3, :3] = turned(degrees, axis) @ affine[:3, :3]
    oblique = Geometry(SHAPE, affine)
    assert (oblique.orientation, oblique.axes, oblique.flips) == ("PIR", straight.axes, straight.flips)
    assert oblique.spacing == pytest.approx(straight.spacing)
    assert oblique.voxel_ml == pytest.approx(straight.voxel_ml)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9))
def test_any_affine_either_goes_there_and_back_or_is_refused(cells: list[float]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(cells, (3, 3))
    try:
        grid = Geometry(SHAPE, affine)
    except LesionsegError:
        return
    stored = np.arange(60).reshape(SHAPE)
    assert sorted(grid.axes) == [0, 1, 2]
    assert np.array_equal(grid.to_stored(grid.to_display(stored)), stored)


@pytest.mark.hazard("H10")
@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 1, 0, 1]),
        np.diag([1e-9, 1, 1, 1]),
        np.diag([1e200, 1, 1, 1]),
        np.diag([np.nan, 1, 1, 1]),
        np.diag([np.inf, 1, 1, 1]),
        np.array([[1.0, 2, 3, 0], [2, 4, 6, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.array([[1.0, 1, 0, 0], [1, 1 + 1e-9, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.eye(3),
    ],
)
def test_an_affine_without_three_directions_is_refused(affine: np.ndarray) -> None:
    with pytest.raises(LesionsegError, match="affine"):
        Geometry(SHAPE, affine)


def test_a_grid_cannot_be_changed_by_those_who_read_it() -> None:
    source = np.diag([-1.0, -1, 2, 1])
    grid = Geometry(SHAPE, source)
    source[0, 0] = 99
    assert grid.affine[0, 0] == -1
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 99


@pytest.mark.parametrize(("shift", "same"), [(0.0, True), (0.009, True), (0.011, False), (5.0, False)])
def test_grids_are_the_same_up_to_a_hundredth_of_a_millimetre(shift: float, same: bool) -> None:
    assert oriented("LPS").same_grid(oriented("LPS", origin=(7 + shift, -11, 13))) is same


def test_a_small_error_of_the_spacing_counts_at_the_far_corner() -> None:
    long = Geometry.from_spacing((1000, 4, 4), (1.0, 1, 1))
    assert long.same_grid(Geometry.from_spacing((1000, 4, 4), (1.000005, 1, 1)))  # 0.005 mm off at the last slice
    assert not long.same_grid(Geometry.from_spacing((1000, 4, 4), (1.00002, 1, 1)))  # 0.02 mm


def test_another_shape_or_a_mirrored_axis_is_another_grid() -> None:
    assert not oriented("LPS").same_grid(oriented("LPS", shape=(3, 4, 6)))
    assert not oriented("LPS").same_grid(oriented("RPS"))


def test_corners_agree_with_nibabel() -> None:
    grid = oriented("AIL")
    ends = list(product(*[(0, n - 1) for n in SHAPE]))
    assert np.allclose(grid.corners(), nib.affines.apply_affine(grid.affine, ends))
