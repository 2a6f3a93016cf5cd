from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.counted_lesions import Known
from napari_lesionseg.review.lesion_overview import Overview, overview
from napari_lesionseg.volumes import Geometry, Mask, Volume

GRID = Geometry.from_spacing((6, 20, 20), (5.0, 2.0, 2.0))  # Voxels of 0.02 ml.
BOX, DOT = np.s_[1:4, 4:8, 2:7], np.s_[4, 15, 16]  # 60 voxels on the patient's right, one on the left.


def mask_of(*boxes: object, label: int = 1) -> Mask:
    mask = Mask.empty(GRID)
    for box in boxes:
        mask.array[box] = label
    return mask


def scan(hu: int = -500) -> Volume:
    return Volume(np.full(GRID.display_shape, hu, np.int16), GRID)


def lungs() -> Mask:
    return mask_of(np.s_[0:6, 2:18, 1:9], np.s_[0:6, 2:18, 11:19])  # 768 voxels each.


def test_lesions_are_listed_the_largest_first_with_their_size_and_slices() -> None:
    seen = overview(mask_of(BOX, DOT), Known(scan()))
    assert [(one.number, one.voxels, one.slices, one.counted) for one in seen.lesions] == [
        (1, 60, (1, 3), True),
        (2, 1, (4, 4), False),
    ]
    assert [one.volume_ml for one in seen.lesions] == pytest.approx([1.2, 0.02])
    assert seen.total_ml == pytest.approx(1.22)


def test_the_place_of_a_lesion_is_a_voxel_of_it_in_its_largest_slice() -> None:
    mask = mask_of(BOX)
    mask.array[2, 8:12, 2:7] = 1
    mask.array[2, 7:9, 4] = 0  # Its middle is not of it.
    (one,) = overview(mask, Known(scan())).lesions
    assert one.place[0] == 2
    assert mask.array[one.place] == 1
    assert np.hypot(one.place[1] - 7.5, one.place[2] - 4) < 2


def test_shares_are_counted_by_the_density_of_voxels() -> None:
    volume = scan(-900)
    volume.array[1, 4:8, 2:7] = [[-751], [-750], [-300], [-299]]
    volume.array[2, 4:8, 2:7] = 50
    volume.array[3, 4:8, 2:7] = 51
    (one,) = overview(mask_of(BOX), Known(volume)).lesions
    assert one.ground_glass == pytest.approx(10 / 60)
    assert one.consolidation == pytest.approx(25 / 60)
    assert one.mean_hu == pytest.approx(volume.array[BOX].mean())


def test_a_scan_in_grey_levels_has_no_density() -> None:
    grey = Volume(np.zeros(GRID.display_shape, np.uint8), GRID, "grey")
    (one,) = overview(mask_of(BOX), Known(grey)).lesions
    assert (one.mean_hu, one.ground_glass, one.consolidation) == (None, None, None)


def test_confidence_is_the_mean_probability() -> None:
    probability = np.zeros(GRID.display_shape, np.uint8)
    probability[1:3, 4:8, 2:7] = 255
    (one,) = overview(mask_of(BOX), Known(scan(), probability=probability)).lesions
    assert one.confidence == pytest.approx(2 / 3)


def test_one_common_voxel_makes_a_match_and_what_the_mask_has_nothing_of_is_missed() -> None:
    truth = mask_of(np.s_[3, 7:10, 6:9], np.s_[0, 0:2, 10:15], np.s_[5, 18, 18], label=1)
    seen = overview(mask_of(BOX, DOT), Known(scan(), truth=truth))
    assert [(one.number, one.voxels, one.match) for one in seen.lesions] == [
        (1, 60, "matched"),
        (2, 1, "false"),
        (3, 10, "missed"),
        (4, 1, "missed"),
    ]
    assert seen.total_ml == pytest.approx(1.22)  # What is missed is not in the mask.


def test_sides_and_their_sums_need_the_lungs() -> None:
    without, seen = (overview(mask_of(BOX, DOT), Known(scan(), lungs=one)) for one in (None, lungs()))
    assert [one.side for one in without.lesions] == ["", ""]
    assert (without.right_ml, without.left_ml, without.lung_share) == (None, None, None)
    assert [one.side for one in seen.lesions] == ["right", "left"]
    assert (seen.right_ml, seen.left_ml) == (pytest.approx(1.2), pytest.approx(0.02))
    assert seen.lung_share == pytest.approx(61 / 1536)


def test_a_lesion_the_lungs_leave_out_counts_as_lung() -> None:
    own = lungs()
    own.array[BOX] = 0
    assert overview(mask_of(BOX), Known(scan(), lungs=own)).lung_ml == pytest.approx(1536 * 0.02)


def test_an_empty_mask_has_no_lesion_and_misses_the_truth() -> None:
    assert overview(Mask.empty(GRID), Known(scan())) == Overview()
    (one,) = overview(Mask.empty(GRID), Known(scan(), truth=mask_of(BOX))).lesions
    assert (one.number, one.match, one.voxels) == (1, "missed", 60)
