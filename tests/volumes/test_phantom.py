"""The phantom: a chest CT with truth that can be counted on."""

from __future__ import annotations

from functools import cache

import cc3d
import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes.phantom import PhantomCase, Scanner, make_case
from napari_lesionseg.volumes.phantom.lesion_plan import empty_quantile, lesion_slices

SMALL = (24, 64, 64)


@cache
def patients() -> tuple[PhantomCase, ...]:
    return tuple(make_case(seed, SMALL) for seed in range(20))


def lesion_flags(case: PhantomCase) -> np.ndarray:
    return case.truth.array.any(axis=(1, 2))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_patient() -> None:
    first, again, other = make_case(7, SMALL), make_case(7, SMALL), make_case(8, SMALL)
    assert first.scan.array.tobytes() == again.scan.array.tobytes()
    assert first.truth.array.tobytes() == again.truth.array.tobytes()
    assert first.scanner == again.scanner
    assert (first.scan.array != other.scan.array).mean() > 0.5


def test_every_patient_has_60_to_85_percent_empty_slices() -> None:
    shares = [1 - lesion_flags(case).mean() for case in patients()]
    assert min(shares) >= 0.60
    assert max(shares) <= 0.85


def test_all_patients_together_have_one_lesion_slice_for_1_75_empty_ones() -> None:
    flags = np.concatenate([lesion_flags(case) for case in patients()])
    assert np.count_nonzero(~flags) / np.count_nonzero(flags) == pytest.approx(1.75, rel=0.12)


def test_the_number_of_lesion_slices_is_right_on_average_over_many_patients() -> None:
    drawn = np.array([lesion_slices(64, empty_quantile(seed)) for seed in range(4000)])
    assert 10 <= drawn.min() <= 12
    assert drawn.max() == 25
    assert (64 - drawn).sum() / drawn.sum() == pytest.approx(1.75, rel=0.02)


def test_a_healthy_chest_is_the_same_patient_without_lesions() -> None:
    ill, healthy = patients()[3], make_case(3, SMALL, lesions=False)
    assert not healthy.truth.array.any()
    np.testing.assert_array_equal(healthy.lungs.array, ill.lungs.array)
    changed = healthy.scan.array != ill.scan.array
    assert 0 < changed.mean() < 0.2


def test_truth_lies_inside_the_lungs() -> None:
    for case in patients():
        assert not (case.truth.array.astype(bool) & ~case.lungs.array.astype(bool)).any()


def test_lesions_are_brighter_than_the_lung_around_them() -> None:
    for case in patients():
        truth, lungs = case.truth.array.astype(bool), case.lungs.array.astype(bool)
        around = ndimage.binary_dilation(truth, iterations=4) & ~ndimage.binary_dilation(truth, iterations=2) & lungs
        assert np.median(case.scan.array[truth]) > np.median(case.scan.array[around]) + 100


def test_tissues_have_their_hounsfield_units() -> None:
    case = make_case(2, (40, 160, 160), lesions=False, scanner=Scanner(0.8, 7.0, 12.0))
    hu, lungs = case.scan.array, case.lungs.array.astype(bool)
    inner = ndimage.binary_erosion(lungs, iterations=2)
    assert -880 < np.median(hu[inner]) < -810
    assert hu[:, :8].mean() == pytest.approx(-1000, abs=5)
    body = hu[:, 60:100, 60:100][~ndimage.binary_dilation(lungs, iterations=3)[:, 60:100, 60:100]]
    assert 0 < np.median(body) < 330
    assert (hu > 500).any(axis=(1, 2)).all(), "every slice cuts the spine"
    trachea = hu[-6:, 70:90, 75:85].reshape(6, -1).min(axis=1)
    assert (trachea < -850).all()


def test_lungs_have_a_human_volume_in_two_parts() -> None:
    for seed in (0, 5, 11):
        case = patients()[seed]
        assert 1800 < case.lungs.volume_ml < 9000
        sizes = np.sort(cc3d.statistics(cc3d.connected_components(case.lungs.array))["voxel_counts"][1:])[::-1]
        assert sizes[:2].sum() > 0.97 * sizes.sum()
        assert sizes[1] > 0.4 * sizes[0]


def test_a_table_lies_behind_the_patient() -> None:
    case = make_case(4, SMALL, lesions=False, scanner=Scanner(0.9, 7.0, 5.0))
    behind = case.scan.array[:, :, 29:35].mean(axis=(0, 2))
    skin = int(np.flatnonzero(behind > -300).max())
    assert (behind[skin + 2 : skin + 16] > -960).any()
    assert case.scan.array[:, :6].max() < -900


def test_scanners_differ_in_noise_spacing_and_kernel() -> None:
    quiet = make_case(5, SMALL, lesions=False, scanner=Scanner(noise_hu=8.0, kernel="soft"))
    loud = make_case(5, SMALL, lesions=False, scanner=Scanner(noise_hu=60.0, kernel="sharp"))
    assert loud.scan.array[:, :6, :12].std() > 3 * quiet.scan.array[:, :6, :12].std()
    assert len({case.scanner.kernel for case in patients()}) == 2
    for case in patients():
        z, y, x = case.scan.geometry.spacing
        assert 0.6 <= x * SMALL[2] / 512 <= 0.9
        assert y == pytest.approx(x)
        assert 1 <= z <= 8


@pytest.mark.parametrize("shape", [(16, 64, 64), (20, 60, 90), (24, 130, 100)])
def test_any_shape_gives_int16_hounsfield_units_on_its_own_grid(shape: tuple[int, int, int]) -> None:
    case = make_case(1, shape)
    assert case.scan.array.shape == case.truth.array.shape == case.lungs.array.shape == shape
    assert case.scan.array.dtype == np.int16
    assert case.scan.intensity == "HU"
    assert case.scan.geometry.orientation == "LPS"
    assert case.truth.array.any()


def test_a_shape_too_small_for_a_chest_is_refused_in_one_sentence() -> None:
    with pytest.raises(LesionsegError, match="too small for a chest"):
        make_case(0, (4, 16, 16))
