"""The lungs of a chest one can measure with a ruler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.lungs import lung_box, segment_lungs
from napari_lesionseg.volumes import Geometry, Mask, Volume, nifti
from napari_lesionseg.volumes.phantom import PhantomCase

AIR, LUNG, BODY = -1000, -850, 40
GRID = Geometry.from_spacing((20, 120, 140), (5.0, 2.5, 2.5))  # 10 cm × 30 cm × 35 cm
LEFT, RIGHT = np.s_[2:18, 35:85, 30:60], np.s_[2:18, 35:85, 80:110]  # Each 80 × 125 × 75 mm: 750 ml.


def chest() -> np.ndarray:
    """A box of body in air with two boxes of lung."""
    hu = np.full(GRID.display_shape, AIR, np.int16)
    hu[:, 20:100, 15:125] = BODY
    hu[LEFT] = hu[RIGHT] = LUNG
    return hu


def lungs_of(hu: np.ndarray) -> np.ndarray:
    return segment_lungs(Volume(hu, GRID)).array


def truth() -> np.ndarray:
    mask = np.zeros(GRID.display_shape, np.uint8)
    mask[LEFT] = mask[RIGHT] = 1
    return mask


def test_two_boxes_of_lung_are_found_to_the_voxel() -> None:
    found = segment_lungs(Volume(chest(), GRID))
    assert found.geometry is GRID
    assert found.array.dtype == np.uint8
    assert np.array_equal(found.array, truth())
    assert found.volume_ml == pytest.approx(1500)


def test_air_around_the_body_and_under_it_is_no_lung() -> None:
    hu = chest()
    hu[:, 105:108, :] = BODY  # The table.
    assert np.array_equal(lungs_of(hu), truth())


def test_vessels_and_a_small_consolidation_inside_belong_to_the_lung() -> None:
    hu = chest()
    hu[2:18, 50:54, 40:44] = BODY
    hu[8:10, 60:66, 90:96] = 30
    assert np.array_equal(lungs_of(hu), truth())


def test_gas_in_the_bowel_is_no_lung() -> None:
    hu = chest()
    hu[0:4, 88:96, 60:80] = AIR  # 20 × 20 × 50 mm: 20 ml.
    assert np.array_equal(lungs_of(hu), truth())


@pytest.mark.parametrize("shape", [(20, 121, 143), (20, 119, 137)])
def test_sides_that_the_coarse_grid_does_not_divide_are_covered(shape: tuple[int, int, int]) -> None:
    fine = Geometry.from_spacing(shape, (5.0, 0.8, 0.8))  # Steps of three voxels.
    hu = np.full(shape, BODY, np.int16)
    hu[:, [0, -1]] = hu[:, :, [0, -1]] = AIR
    hu[:, 20:100, 20:110] = LUNG
    found = segment_lungs(Volume(hu, fine)).array
    assert found.shape == shape
    for axes, (first, last) in {(0, 2): (20, 100), (0, 1): (20, 110)}.items():
        rows = np.flatnonzero(found.any(axis=axes))
        assert abs(rows[0] - first) < 3
        assert abs(rows[-1] + 1 - last) < 3
    assert found[:, 25:95, 25:105].all()


def test_a_scan_of_grey_levels_has_no_density_to_go_by() -> None:
    grey = Volume(np.zeros(GRID.display_shape, np.uint8), GRID, "grey")
    with pytest.raises(LesionsegError, match="not in Hounsfield units"):
        segment_lungs(grey)


@pytest.mark.parametrize("what", ["body only", "air only", "a lung of 98 ml"])
def test_a_scan_without_lungs_is_refused(what: str) -> None:
    hu = np.full(GRID.display_shape, AIR if what == "air only" else BODY, np.int16)
    if what == "a lung of 98 ml":
        hu[2:18, 40:60, 40:59] = LUNG  # 16 × 20 × 19 voxels of 5 × 2.5 × 2.5 mm: 190 ml.
        hu[2:18, 40:60, 40:49] = BODY  # 100 ml are left, and one more slice goes.
        hu[2] = BODY
    with pytest.raises(LesionsegError, match="No lung was found"):
        segment_lungs(Volume(hu, GRID))


def test_the_phantoms_own_lungs_are_found(phantom_case: PhantomCase) -> None:
    found, own = segment_lungs(phantom_case.scan).array, phantom_case.lungs.array
    assert 2 * np.count_nonzero(found & own) / (np.count_nonzero(found) + np.count_nonzero(own)) > 0.85


@pytest.mark.parametrize(
    ("margin_mm", "box"),
    [
        (0.0, np.s_[5:8, 10:20, 30:33]),
        (5.0, np.s_[4:9, 8:22, 28:35]),
        (5.1, np.s_[3:10, 7:23, 27:36]),
        (1000.0, np.s_[0:20, 0:120, 0:140]),
    ],
)
def test_the_box_around_the_lungs_grows_by_whole_voxels_up_to_the_scans_edge(
    margin_mm: float, box: tuple[slice, ...]
) -> None:
    mask = Mask.empty(GRID)
    mask.array[5:7, 10:20, 30] = 1
    mask.array[7, 12, 32] = 1
    assert lung_box(mask, margin_mm) == box


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("scan", "lungs", "dice"),
    [
        ("nsclc_ct/LUNG1-002/ct.nii.gz", "nsclc_ct/LUNG1-002/lung.nii.gz", 0.9),  # The tumour is no air.
        ("lung_imlab4/id001_ct.nii.gz", "lung_imlab4/id001_lung.nii.gz", 0.97),
        ("lung_imlab4/id002_ct.nii.gz", "lung_imlab4/id002_lung.nii.gz", 0.92),
    ],
)
def test_the_lungs_of_a_real_scan_are_found(shared_data: Path, scan: str, lungs: str, dice: float) -> None:
    volume = nifti.read_scan(shared_data / scan)
    found, own = segment_lungs(volume).array, nifti.read_mask(shared_data / lungs, like=volume.geometry).array > 0
    assert 2 * np.count_nonzero(found & own) / (np.count_nonzero(found) + np.count_nonzero(own)) > dice
