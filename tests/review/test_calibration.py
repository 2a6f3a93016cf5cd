"""The calibration error of probabilities whose bins one can count."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.calibration import calibration_error
from napari_lesionseg.volumes import Geometry, Mask

GRID = Geometry.from_spacing((2, 10, 10), (1.0, 1.0, 1.0))
LUNGS = Mask(np.ones((2, 10, 10), np.uint8), GRID)


def truth(share: float) -> Mask:
    array = np.zeros((2, 10, 10), np.uint8)
    array.reshape(-1)[: round(share * array.size)] = 1
    return Mask(array, GRID)


def all_at(probability: float) -> np.ndarray:
    return np.full((2, 10, 10), round(255 * probability), np.uint8)


def test_what_is_called_60_percent_and_is_so_is_calibrated() -> None:
    assert calibration_error(all_at(0.6), truth(0.6), LUNGS) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("said", "found"), [(1.0, 0.75), (0.0, 0.5), (0.2, 0.9)])
def test_a_single_level_is_wrong_by_its_distance(said: float, found: float) -> None:
    assert calibration_error(all_at(said), truth(found), LUNGS) == pytest.approx(abs(said - found))


def test_bins_do_not_make_up_for_each_other() -> None:
    said = all_at(0.0)
    said[1] = 255
    mask = Mask.empty(GRID)
    mask.array[0] = 1
    assert calibration_error(said, mask, LUNGS) == 1  # On the mean of all voxels, 0.5 is said and 0.5 found.


def test_only_the_lungs_are_asked() -> None:
    lungs = Mask.empty(GRID)
    lungs.array[0, 0] = 1
    mask = Mask.empty(GRID)
    mask.array[0, 0, :2] = 1
    assert calibration_error(all_at(0.6), mask, lungs) == pytest.approx(0.4)
    assert calibration_error(all_at(0.6), mask, Mask.empty(GRID)) is None


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_a_loop_over_voxels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    said = rng.integers(0, 256, (2, 10, 10)).astype(np.uint8)
    lesion, lung = (Mask((rng.random((2, 10, 10)) < 0.6).astype(np.uint8), GRID) for _ in range(2))
    bins: list[list[tuple[float, int]]] = [[] for _ in range(10)]
    for p, one, inside in zip(said.flat, lesion.array.flat, lung.array.flat, strict=True):
        if inside:
            bins[min(int(int(p) / 255 * 10), 9)].append((int(p) / 255, int(one)))
    count = sum(map(len, bins))
    apart = [abs(np.mean([p for p, _ in one]) - np.mean([hit for _, hit in one])) * len(one) for one in bins if one]
    assert calibration_error(said, lesion, lung) == pytest.approx(sum(apart) / count)


def test_lungs_of_another_scan_are_refused() -> None:
    other = Mask(LUNGS.array, Geometry.from_spacing((2, 10, 10), (1.0, 1.0, 2.0)))
    with pytest.raises(LesionsegError, match="different grids"):
        calibration_error(all_at(0.5), truth(0.5), other)
