"""The figures of ``lesionseg evaluate`` on masks whose lesions one can count."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.evaluate import evaluate, lesions_covered, write_slices_csv
from napari_lesionseg.volumes import Geometry, Mask
from napari_lesionseg.volumes.nifti import read_mask

SHAPE = (10, 20, 20)
GRID = Geometry.from_spacing(SHAPE, (5.0, 2.0, 2.0))  # 0.02 ml a voxel: a lesion has at least 5.
OVERLAP = ["dice", "iou", "nsd_2mm", "hd95_mm"]
VOLUMES = ["volume_pred_ml", "volume_truth_ml"]
LESIONS = ["lesion_precision", "lesion_recall", "lesion_f1"]
SLICES = ["n", "lesion", "empty", "fp_rate_empty", "fn_rate_lesion", "mean_dice"]
AVERAGES = [
    "mean_dice_all",
    "mean_dice_marked",
    "mean_iou",
    "mean_iou_all",
    "mean_iou_marked",
    "marked",
    "fn_rate_50px",
]
FURTHER = ["nsd_5mm", "volume_error_ml", "volume_error_percent", "false_positive_ml"]


def mask(*boxes: tuple[slice, slice, slice], grid: Geometry = GRID) -> Mask:
    made = Mask.empty(grid)
    for box in boxes:
        made.array[box] = 1
    return made


def box(z: int, y: int, x: int, depth: int = 2, side: int = 4) -> tuple[slice, slice, slice]:
    return slice(z, z + depth), slice(y, y + side), slice(x, x + side)


def agreed(slices: dict[str, float | None]) -> dict[str, float | None]:
    return {key: slices[key] for key in SLICES}


def test_the_keys_are_the_agreed_ones_then_further_ones_and_go_into_json() -> None:
    figures = evaluate(mask(box(0, 0, 0)), mask(box(0, 0, 1)))
    assert list(figures) == [*OVERLAP, *VOLUMES, *LESIONS, "slices", *FURTHER]
    assert list(figures["slices"]) == [*SLICES, *AVERAGES]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_equal_masks_are_perfect() -> None:
    figures = evaluate(mask(box(1, 2, 3)), mask(box(1, 2, 3)))
    for key in ("dice", "iou", "nsd_2mm", "lesion_precision", "lesion_recall", "lesion_f1"):
        assert figures[key] == 1
    assert figures["hd95_mm"] == 0
    assert figures["volume_pred_ml"] == figures["volume_truth_ml"] == pytest.approx(2 * 4 * 4 * 0.02)
    assert agreed(figures["slices"]) == {
        "n": 10, "lesion": 2, "empty": 8, "fp_rate_empty": 0, "fn_rate_lesion": 0, "mean_dice": 1,
    }  # fmt: skip


def test_a_shift_by_two_voxels_of_2_mm_is_4_mm_away() -> None:
    figures = evaluate(mask(box(1, 2, 3)), mask(box(1, 2, 5)))
    assert figures["dice"] == 0.5
    assert figures["iou"] == pytest.approx(1 / 3)
    assert figures["hd95_mm"] == 4
    assert figures["nsd_2mm"] == 0.75  # Of four columns two are shared, one is 2 mm and one 4 mm away.


def test_two_empty_masks_leave_everything_undefined_but_the_volumes() -> None:
    figures = evaluate(mask(), mask())
    assert {key for key, value in figures.items() if value is None} == {
        *OVERLAP, *LESIONS, "nsd_5mm", "volume_error_percent",
    }  # fmt: skip
    assert agreed(figures["slices"]) == {
        "n": 10, "lesion": 0, "empty": 10, "fp_rate_empty": 0, "fn_rate_lesion": None, "mean_dice": None,
    }  # fmt: skip


def test_a_missed_scan_scores_zero_and_not_undefined() -> None:
    figures = evaluate(mask(), mask(box(0, 0, 0)))
    assert (figures["dice"], figures["nsd_2mm"], figures["hd95_mm"]) == (0, 0, None)
    assert (figures["lesion_precision"], figures["lesion_recall"], figures["lesion_f1"]) == (None, 0, 0)
    assert figures["slices"]["fn_rate_lesion"] == 1


def test_an_invented_lesion_scores_zero_and_not_undefined() -> None:
    figures = evaluate(mask(box(0, 0, 0, depth=4)), mask())
    assert (figures["lesion_precision"], figures["lesion_recall"], figures["lesion_f1"]) == (0, None, 0)
    assert figures["slices"]["fp_rate_empty"] == 0.4


def test_one_shared_voxel_finds_a_lesion() -> None:
    truth = mask(box(0, 0, 0), box(5, 0, 0), box(5, 10, 10))
    predicted = mask(box(1, 3, 3), box(8, 10, 10))
    figures = evaluate(predicted, truth)
    assert figures["lesion_recall"] == pytest.approx(1 / 3)
    assert figures["lesion_precision"] == 0.5
    assert figures["lesion_f1"] == pytest.approx(0.4)


def test_lesions_are_connected_over_corners_and_have_a_tenth_of_a_millilitre() -> None:
    over_a_corner = mask(box(0, 0, 0, depth=1, side=2), (slice(1, 2), slice(2, 3), slice(2, 3)))  # 4 + 1 voxels.
    four_voxels = mask(box(0, 0, 0, depth=1, side=2))
    assert evaluate(mask(), over_a_corner)["lesion_recall"] == 0
    assert evaluate(mask(), four_voxels)["lesion_recall"] is None


def test_a_crumb_is_no_lesion_but_can_find_one() -> None:
    crumb = mask((slice(0, 1), slice(0, 1), slice(0, 1)))
    figures = evaluate(crumb, mask(box(0, 0, 0)))
    assert (figures["lesion_precision"], figures["lesion_recall"]) == (None, 1)


def test_slices_are_counted_by_what_the_truth_holds() -> None:
    truth, predicted = mask(box(0, 0, 0, depth=4)), mask(box(2, 0, 0, depth=3))
    assert agreed(evaluate(predicted, truth)["slices"]) == {
        "n": 10,
        "lesion": 4,
        "empty": 6,
        "fp_rate_empty": pytest.approx(1 / 6),  # Slice 4.
        "fn_rate_lesion": 0.5,  # Slices 0 and 1.
        "mean_dice": 0.5,  # 0, 0, 1, 1; slice 4 has no true lesion.
    }


def test_dice_of_slices_is_averaged_in_three_ways_that_differ() -> None:
    truth, predicted = mask(box(0, 0, 0, depth=4)), mask(box(2, 0, 2, depth=3))
    slices = evaluate(predicted, truth)["slices"]
    assert slices["mean_dice"] == pytest.approx((0 + 0 + 0.5 + 0.5) / 4)
    assert slices["marked"] == 5  # Four with lesion and one with invented lesion, which is 0 …
    assert slices["mean_dice_marked"] == pytest.approx((0 + 0 + 0.5 + 0.5 + 0) / 5)
    assert slices["mean_dice_all"] == pytest.approx((0 + 0 + 0.5 + 0.5 + 0 + 5 * 1) / 10)  # … and five empty in both.
    assert slices["mean_iou"] == pytest.approx(2 / 3 / 4)
    assert slices["mean_iou_marked"] == pytest.approx(2 / 3 / 5)
    assert slices["mean_iou_all"] == pytest.approx((2 / 3 + 5) / 10)


def test_an_average_over_all_slices_asks_only_those_with_lung() -> None:
    truth, predicted, lungs = mask(box(0, 0, 0)), mask(box(0, 0, 0, depth=3)), mask(box(1, 0, 0, depth=5))
    slices = evaluate(predicted, truth, lungs)["slices"]  # 0 and 1 are right, 2 is invented, 3 to 5 are empty.
    assert (slices["mean_dice_all"], slices["mean_dice_marked"]) == (pytest.approx(5 / 6), pytest.approx(2 / 3))


def test_the_volume_error_has_a_sign_and_needs_a_true_lesion_for_its_percent() -> None:
    smaller = evaluate(mask(box(0, 0, 0, depth=1)), mask(box(0, 0, 0, depth=4)))
    assert smaller["volume_error_ml"] == pytest.approx(-3 * 16 * 0.02)
    assert smaller["volume_error_percent"] == pytest.approx(-75)
    assert smaller["false_positive_ml"] == 0
    invented = evaluate(mask(box(0, 0, 0, depth=1)), mask())
    assert (invented["volume_error_ml"], invented["volume_error_percent"]) == (pytest.approx(0.32), None)
    assert invented["false_positive_ml"] == pytest.approx(0.32)


def test_false_positive_volume_is_what_lies_beside_the_lesion() -> None:
    assert evaluate(mask(box(0, 0, 1)), mask(box(0, 0, 0)))["false_positive_ml"] == pytest.approx(2 * 4 * 0.02)


def test_each_true_lesion_is_told_with_its_size_and_how_much_of_it_was_found() -> None:
    truth = mask(box(0, 0, 0), box(5, 10, 10, depth=1), box(9, 0, 0, depth=1, side=2))  # The last is a crumb.
    covered = lesions_covered(mask(box(1, 0, 0), box(5, 0, 0)), truth)
    assert covered == [(pytest.approx(0.64), 0.5), (pytest.approx(0.32), 0.0)]
    assert lesions_covered(mask(box(0, 0, 0)), mask()) == []


def test_with_lungs_a_slice_without_lung_is_not_counted_as_empty() -> None:
    truth, predicted, lungs = mask(box(0, 0, 0)), mask(box(0, 0, 0, depth=3)), mask(box(1, 0, 0, depth=5))
    with_lungs, without = evaluate(predicted, truth, lungs), evaluate(predicted, truth)
    slices = with_lungs.pop("slices")
    assert (slices["n"], slices["lesion"], slices["empty"]) == (6, 2, 4)  # Slice 0 has lesion, 2 to 5 have lung.
    assert slices["fp_rate_empty"] == 0.25
    assert without.pop("slices")["fp_rate_empty"] == 0.125
    assert with_lungs == without


@pytest.mark.parametrize("wrong", ["predicted", "lungs"])
def test_another_grid_is_refused_with_both_names(wrong: str) -> None:
    other = Mask(np.zeros(SHAPE, np.uint8), Geometry.from_spacing(SHAPE, (5.0, 2.0, 3.0)), Path("p.nii"))
    truth = Mask(mask().array, GRID, Path("t.nii"))
    masks = {"predicted": mask(), "lungs": None} | {wrong: other}
    with pytest.raises(LesionsegError, match=r"p\.nii .* and t\.nii .* different grids"):
        evaluate(masks["predicted"], truth, masks["lungs"])


def test_the_figures_do_not_depend_on_the_stored_order() -> None:
    rng = np.random.default_rng(1)
    shown = [(ndimage.gaussian_filter(rng.normal(size=SHAPE), 1.5) > 0.1).astype(np.uint8) for _ in range(2)]
    turned = Geometry((20, 10, 20), np.array([[0, 0, 2.0, 0], [-2.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 0, 1]]))
    assert turned.display_shape == SHAPE
    assert evaluate(*(Mask(one, turned) for one in shown)) == evaluate(*(Mask(one, GRID) for one in shown))


def test_the_csv_has_a_row_a_slice_and_leaves_the_undefined_empty(tmp_path: Path) -> None:
    path = tmp_path / "slices.csv"
    write_slices_csv(path, mask(box(0, 0, 0, depth=1)), mask(box(0, 0, 2, depth=2)))
    rows = list(csv.DictReader(path.open(newline="")))
    assert [row["slice"] for row in rows] == [str(z) for z in range(10)]
    assert (rows[0]["dice"], rows[0]["hit_voxels"]) == ("0.500000", "8")
    assert (rows[1]["dice"], rows[1]["missed_voxels"]) == ("0.000000", "16")
    assert (rows[2]["dice"], rows[2]["iou"]) == ("", "")


def test_a_csv_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LesionsegError, match="Could not write"):
        write_slices_csv(tmp_path / "file" / "slices.csv", mask(), mask())


def around_lesion(image: sitk.Image) -> sitk.Image:
    """Cut out the lesion and two voxels around it, so that the slow reference takes a moment only."""
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(image)
    start, size = shape.GetBoundingBox(1)[:3], shape.GetBoundingBox(1)[3:]
    return sitk.RegionOfInterest(image, [n + 4 for n in size], [i - 2 for i in start])


@pytest.mark.realdata
def test_a_real_lesion_mask_agrees_with_simpleitk(shared_data: Path) -> None:
    path = shared_data / "nsclc_ct" / "LUNG1-002" / "lesion.nii.gz"
    truth = read_mask(path)
    shrunk = Mask(ndimage.binary_erosion(truth.array).astype(np.uint8), truth.geometry)
    figures = evaluate(shrunk, truth)

    image = around_lesion(sitk.Cast(sitk.ReadImage(str(path)) != 0, sitk.sitkUInt8))
    cross = sitk.BinaryErode(image, (1, 1, 1), sitk.sitkCross)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(cross, image)
    assert figures["dice"] == pytest.approx(overlap.GetDiceCoefficient(), abs=1e-9)

    def to_surface(start: sitk.Image, end: sitk.Image) -> np.ndarray:
        far = sitk.SignedMaurerDistanceMap(edge(end), squaredDistance=False, useImageSpacing=True)
        return np.maximum(sitk.GetArrayFromImage(far), 0)[sitk.GetArrayFromImage(edge(start)) != 0]

    def edge(mask: sitk.Image) -> sitk.Image:
        return mask - sitk.BinaryErode(mask, (1, 1, 1), sitk.sitkCross)

    forth, back = to_surface(cross, image), to_surface(image, cross)
    assert figures["hd95_mm"] == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)), abs=1e-4)
    near = ((forth <= 2).sum() + (back <= 2).sum()) / (len(forth) + len(back))
    assert figures["nsd_2mm"] == pytest.approx(near, abs=1e-9)


def test_a_missed_slice_counts_as_large_from_more_than_50_pixels_on() -> None:
    truth = mask((slice(0, 1), slice(0, 5), slice(0, 10)), (slice(3, 4), slice(0, 5), slice(0, 11)))  # 50 and 55.
    figures = evaluate(mask(box(8, 0, 0)), truth)
    assert figures["slices"]["fn_rate_50px"] == 1
    assert evaluate(mask((slice(3, 4), slice(0, 1), slice(0, 1))), truth)["slices"]["fn_rate_50px"] == 0
