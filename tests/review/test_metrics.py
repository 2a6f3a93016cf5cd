"""Overlap of masks whose voxels one can count."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.review.metrics import dice, iou, one_slice_score, slice_scores, worst_slices


def rows(*counts: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """One slice of ten voxels a row for each (hit, false positive, missed)."""
    mask, truth = np.zeros((2, len(counts), 1, 10), np.uint8)
    for z, (hit, false_positive, missed) in enumerate(counts):
        mask[z, 0, : hit + false_positive] = 1
        truth[z, 0, :hit] = truth[z, 0, hit + false_positive : hit + false_positive + missed] = 1
    return mask, truth


def test_dice_and_iou_of_two_shared_voxels_among_three_and_five() -> None:
    mask, truth = rows((2, 1, 3))
    assert dice(mask, truth) == 2 * 2 / (3 + 5)
    assert iou(mask, truth) == 2 / 6


def test_two_empty_masks_have_no_dice_and_one_empty_mask_has_zero() -> None:
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert dice(empty, empty) is None
    assert iou(empty, empty) is None
    assert dice(empty, full) == dice(full, empty) == iou(full, empty) == 0


def test_every_non_zero_label_is_lesion_whatever_its_bits() -> None:
    mask, truth = np.array([[1, 2, 4, 0]], np.uint8), np.array([[2, 1, 0, 128]], np.int16)
    score = one_slice_score(mask, truth)
    assert (score.hit, score.false_positive, score.missed) == (2, 1, 1)


def test_arrays_of_different_shape_are_refused_rather_than_broadcast() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        dice(np.ones((1, 4)), np.ones((4, 4)))
    with pytest.raises(ValueError, match="differ in shape"):
        slice_scores(np.ones((3, 4, 4)), np.ones((2, 4, 4)))


def test_each_slice_is_scored_and_both_empty_is_nan() -> None:
    scores = slice_scores(*rows((2, 1, 3), (0, 0, 0), (0, 4, 0), (5, 0, 0)))
    np.testing.assert_array_equal(scores.dice, [0.5, np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(scores.hit, [2, 0, 0, 5])
    np.testing.assert_array_equal(scores.false_positive, [1, 0, 4, 0])
    np.testing.assert_array_equal(scores.missed, [3, 0, 0, 0])
    assert scores.scan.dice == 2 * 7 / (2 * 7 + 5 + 3)
    assert scores.one(0).iou == 2 / 6


def test_dice_agrees_with_simpleitk_on_random_masks() -> None:
    rng = np.random.default_rng(3)
    for share in (0.02, 0.3, 0.9):
        mask, truth = (rng.random((2, 6, 20, 20)) < share).astype(np.uint8)
        reference = sitk.LabelOverlapMeasuresImageFilter()
        reference.Execute(sitk.GetImageFromArray(mask), sitk.GetImageFromArray(truth))
        assert slice_scores(mask, truth).scan.dice == pytest.approx(reference.GetDiceCoefficient(), abs=1e-12)
        assert iou(mask, truth) == pytest.approx(reference.GetJaccardCoefficient(), abs=1e-12)


def test_exchanging_an_edited_slice_equals_counting_all_again() -> None:
    mask, truth = rows((2, 1, 3), (4, 1, 0), (0, 0, 2))
    before = slice_scores(mask, truth)
    mask[2] = truth[2]
    after = before.with_slice(2, one_slice_score(mask[2], truth[2]))
    again = slice_scores(mask, truth)
    for name in ("hit", "false_positive", "missed"):
        np.testing.assert_array_equal(getattr(after, name), getattr(again, name))
    assert int(before.missed[2]) == 2


def test_the_worst_slice_has_the_lowest_dice_and_of_equals_most_wrong_voxels() -> None:
    assert worst_slices(slice_scores(*rows((0, 0, 0), (5, 0, 0), (4, 1, 0), (1, 1, 1)))) == [3, 2]
    assert worst_slices(slice_scores(*rows((1, 1, 1), (0, 2, 0), (0, 1, 4), (0, 0, 3)))) == [2, 3, 1, 0]


def test_there_is_no_worst_slice_where_nothing_is_wrong() -> None:
    assert worst_slices(slice_scores(*rows((0, 0, 0), (5, 0, 0)))) == []
    assert worst_slices(slice_scores(*rows())) == []


def test_the_overlap_of_each_slice_is_nan_where_both_are_empty() -> None:
    np.testing.assert_array_equal(slice_scores(*rows((2, 1, 1), (0, 0, 0), (0, 4, 0))).iou, [0.5, np.nan, 0.0])
