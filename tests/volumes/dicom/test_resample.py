"""Only when asked: slices that are no regular grid, interpolated to one, and how is written down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.dicom.read import read_series, read_series_and_grid
from tests.volumes.dicom.make_series import Series, make_series

SIZE = (6, 40, 30)


def ramp(place: np.ndarray) -> np.ndarray:
    """HU that change evenly in space, so that linear interpolation is exact; ``place`` LPS mm (3, …)."""
    return np.rint(2 * place[0] + 3 * place[1] + 5 * place[2]).astype(np.int16)


def in_space(positions: np.ndarray) -> np.ndarray:
    """The ramp on axial slices of 1 mm pixels at ``positions`` (LPS)."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[2]]
    return np.stack([ramp(np.stack([x + columns, y + rows, z + 0 * rows])) for x, y, z in positions])


def series_at(folder: Path, positions: np.ndarray) -> Series:
    def edit(header: Dataset, k: int) -> None:
        header.ImagePositionPatient = positions[k].tolist()
        header.PixelSpacing = [1, 1]

    return make_series(folder, in_space(positions), edit=edit)


def check(folder: Path, count: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Read by resampling; how far voxels are off the ramp, and which of them lie inside the slices."""
    scan, grid = read_series_and_grid(folder, geometry="resample")
    assert grid is not None
    assert scan.geometry.spacing == pytest.approx((spacing, 1, 1))
    assert scan.array.shape[0] == count
    assert scan.dicom is None
    assert scan.warnings[0].startswith(f"Resampled from 6 slices to a regular grid of {count} slices")
    indices = np.indices(scan.geometry.shape).reshape(3, -1)
    ras = scan.geometry.affine[:3, :3] @ indices + scan.geometry.affine[:3, 3:]
    expected = ramp(ras * np.array([[-1], [-1], [1]])).reshape(scan.geometry.shape)
    stored = scan.geometry.to_stored(scan.array)
    return np.abs(stored.astype(int) - expected), stored != -1024


def test_a_gap_is_filled_by_interpolation(tmp_path: Path) -> None:
    positions = np.array([[0, 0, z] for z in (0, 2, 4, 10, 12, 14)], float)
    off, inside = check(series_at(tmp_path / "s", positions).folder, count=8, spacing=2)
    assert inside.all()
    assert off.max() <= 1


def test_uneven_slices_are_put_on_even_ones(tmp_path: Path) -> None:
    positions = np.array([[0, 0, z] for z in (0, 2, 4.3, 6, 7.9, 10)], float)
    off, inside = check(series_at(tmp_path / "s", positions).folder, count=6, spacing=2)
    assert inside.all()
    assert off.max() <= 1


def test_a_tilt_is_undone_and_nothing_is_cut_off(tmp_path: Path) -> None:
    positions = np.array([[0, 0.75 * k, 3 * k] for k in range(6)], float)
    series = series_at(tmp_path / "s", positions)
    off, inside = check(series.folder, count=6, spacing=3)
    scan = read_series(series.folder, geometry="resample")
    assert scan.geometry.shape == (30, 44, 6)  # 3.75 mm more along the rows.
    assert scan.geometry.orientation == "LPS"
    for k in range(6):
        rows = np.arange(44)
        sure = (rows >= positions[k][1]) & (rows <= positions[k][1] + 39)
        assert inside[:, sure, k].all()
        assert off[:, sure, k].max() <= 1
        assert not inside[:, ~sure, k].any()


def test_the_transform_can_be_used_to_find_each_slice_again(tmp_path: Path) -> None:
    positions = np.array([[0, 0.5 * k, 3 * k + (k > 3)] for k in range(6)], float)
    series = series_at(tmp_path / "s", positions)
    _, grid = read_series_and_grid(series.folder, geometry="resample")
    assert grid is not None
    written = grid.as_dict()
    affine = np.array(written["affine"])
    for k in range(6):
        row, column = written["slice_shifts_in_pixels"][k]
        ras = affine @ [column, row, written["slice_positions_on_grid"][k], 1]
        assert ras[:3] * [-1, -1, 1] == pytest.approx(positions[k])


def test_faults_that_no_resampling_mends_stay_refused(tmp_path: Path) -> None:
    positions = np.array([[0, 0, z] for z in (0, 2, 2, 4, 6, 8)], float)
    with pytest.raises(LesionsegError, match="lie in one place"):
        read_series(series_at(tmp_path / "s", positions).folder, geometry="resample")


@pytest.mark.parametrize("far", [[0, 0, 1e5], [0, 900, 10]])
def test_a_grid_far_larger_than_the_slices_is_refused(tmp_path: Path, far: list[float]) -> None:
    positions = np.array([[0, 0, z] for z in (0, 2, 4, 6, 8)] + [far], float)
    with pytest.raises(LesionsegError, match="too far apart for one grid"):
        read_series(series_at(tmp_path / "s", positions).folder, geometry="resample")
