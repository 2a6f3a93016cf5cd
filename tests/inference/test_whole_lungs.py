from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.inference.whole_lungs import whole_lungs
from napari_lesionseg.volumes import Geometry, Volume, nifti
from napari_lesionseg.volumes.phantom import PhantomCase

AIR, LUNG, BODY = -1000, -850, 40
GRID = Geometry.from_spacing((40, 120, 140), (5.0, 2.5, 2.5))  # 20 cm × 30 cm × 35 cm
LUNGS = {"right": np.s_[6:36, 30:90, 25:60], "left": np.s_[6:36, 30:90, 80:115]}  # 150 × 150 × 87.5 mm: 1969 ml each.
GIVEN_FOR_ONE_LUNG = (29, 30, 37, 43, 44)  # Slices in which the given lungs of LUNG1-002 leave out the left one.


def chest() -> np.ndarray:
    """A box of body in air with two boxes of lung."""
    hu = np.full(GRID.display_shape, AIR, np.int16)
    hu[:, 15:105, 10:130] = BODY
    for lung in LUNGS.values():
        hu[lung] = LUNG
    return hu


def truth() -> np.ndarray:
    mask = np.zeros(GRID.display_shape, bool)
    for lung in LUNGS.values():
        mask[lung] = True
    return mask


def found_in(hu: np.ndarray) -> np.ndarray:
    return whole_lungs(Volume(hu, GRID)).array > 0


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other)))


def test_two_boxes_of_lung_are_found_to_the_voxel() -> None:
    mask = whole_lungs(Volume(chest(), GRID))
    assert mask.geometry is GRID
    assert mask.array.dtype == np.uint8
    assert np.array_equal(mask.array > 0, truth())


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    "across", [slice(10, 25), slice(0, 20), slice(0, 35)], ids=["inside", "against the ribs", "from the ribs inward"]
)
def test_a_consolidation_as_dense_as_muscle_belongs_to_its_lung(side: str, across: slice) -> None:
    hu = chest()
    lung = hu[LUNGS[side]] if side == "right" else hu[LUNGS[side]][:, :, ::-1]  # From the ribs to the middle.
    lung[10:20, 15:35, across] = BODY  # 50 mm high, 50 mm from front to back.
    dense, found = truth() & (hu == BODY), found_in(hu)
    assert np.count_nonzero(found & dense) / np.count_nonzero(dense) > 0.9
    assert not np.any(found & ~truth())


def test_what_bulges_into_a_lung_from_the_middle_is_no_lung() -> None:
    hu = chest()
    hu[10:30, 45:75, 45:80] = BODY  # A heart, far into the right lung, and against both.
    assert not np.any(found_in(hu)[10:30, 45:75, 45:80])


def test_the_dome_of_the_liver_is_no_lung() -> None:
    hu = chest()
    for lung in LUNGS.values():
        hu[lung][:8, 12:48, 6:29] = BODY  # As high on both sides, with lung around it: 40 mm of liver and of spleen.
    assert not np.any(found_in(hu) & (hu == BODY))


def test_trachea_and_stomach_are_no_lung_but_emphysema_is() -> None:
    hu = chest()
    hu[20:40, 55:63, 66:74] = AIR  # A trachea of 2 × 2 cm in the middle.
    hu[0:4, 40:70, 85:110] = AIR  # 469 ml of gas in the stomach, below the left lung.
    hu[20:28, 50:70, 35:50] = AIR  # Bullae in the right one.
    found = found_in(hu)
    assert not found[:, 40:70, 64:76].any()
    assert not found[:5].any()
    assert found[20:28, 50:70, 35:50].all()


def test_a_single_lung_is_found_and_nothing_is_made_up_beside_it() -> None:
    hu = chest()
    hu[LUNGS["left"]] = BODY
    expected = truth()
    expected[LUNGS["left"]] = False
    assert np.array_equal(found_in(hu), expected)


@pytest.mark.parametrize("shape", [(30, 301, 341), (30, 299, 337)])
def test_sides_that_the_coarse_grid_does_not_divide_are_covered(shape: tuple[int, int, int]) -> None:
    fine = Geometry.from_spacing(shape, (5.0, 0.7, 0.7))  # Steps of three voxels.
    hu = np.full(shape, BODY, np.int16)
    hu[:, [0, -1]] = hu[:, :, [0, -1]] = AIR
    hu[5:25, 60:240, 40:140] = hu[5:25, 60:240, 200:300] = LUNG
    found = whole_lungs(Volume(hu, fine)).array
    assert found.shape == shape
    assert dice(found > 0, hu == LUNG) > 0.98


def test_a_scan_of_grey_levels_has_no_density_to_go_by() -> None:
    with pytest.raises(LesionsegError, match="not in Hounsfield units"):
        whole_lungs(Volume(np.zeros(GRID.display_shape, np.uint8), GRID, "grey"))


def test_a_scan_without_lungs_is_refused() -> None:
    with pytest.raises(LesionsegError, match="No lung was found"):
        whole_lungs(Volume(np.full(GRID.display_shape, BODY, np.int16), GRID))


def test_the_phantoms_own_lungs_are_found_with_their_lesions(phantom_case: PhantomCase) -> None:
    found = whole_lungs(phantom_case.scan).array > 0
    own = (phantom_case.lungs.array > 0) | (phantom_case.truth.array > 0)
    assert dice(found, own) > 0.9


@pytest.mark.realdata
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_lungs_of_real_scans_are_found_to_a_dice_of_096(shared_data: Path, number: int) -> None:
    scan = nifti.read_scan(shared_data / f"lung_imlab4/id00{number}_ct.nii.gz")
    given = nifti.read_mask(shared_data / f"lung_imlab4/id00{number}_lung.nii.gz", like=scan.geometry)
    assert dice(whole_lungs(scan).array > 0, given.array > 0) >= 0.96


@pytest.mark.realdata
def test_a_real_lung_with_a_tumour_falls_short_of_096_by_what_is_given_and_by_the_tumours_lowest_part(
    shared_data: Path,
) -> None:
    folder = shared_data / "nsclc_ct/LUNG1-002"
    scan = nifti.read_scan(folder / "ct.nii.gz")
    own, tumour = (
        nifti.read_mask(folder / f"{name}.nii.gz", like=scan.geometry).array > 0 for name in ("lung", "lesion")
    )
    given, found = own | tumour, whole_lungs(scan).array > 0
    whole = np.ones(len(given), bool)
    whole[list(GIVEN_FOR_ONE_LUNG)] = False
    assert not own[list(GIVEN_FOR_ONE_LUNG), :, 290:].any()
    assert dice(found, given) >= 0.94  # Nobody who finds the left lung in those five slices reaches more than 0.98.
    assert dice(found[whole], given[whole]) >= 0.955
    assert np.count_nonzero(found & tumour) / np.count_nonzero(tumour) > 0.85
