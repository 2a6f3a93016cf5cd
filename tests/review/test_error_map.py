"""The labels and colours of agreement and error."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_lesionseg.review.error_map import ERROR_COLOURS, ERROR_NAMES, FALSE_POSITIVE, HIT, MISSED, error_map

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def seen(colour: str, sight: str) -> np.ndarray:
    """CIE L*a*b* of an sRGB colour under a kind of sight."""
    srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_hit_false_positive_and_missed_have_their_labels() -> None:
    mask, truth = np.array([[0, 1, 1, 0]], np.uint8), np.array([[0, 1, 0, 1]], np.uint8)
    labels = error_map(mask, truth)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[0, HIT, FALSE_POSITIVE, MISSED]] == [[0, 1, 2, 3]]


def test_other_labels_and_types_count_as_lesion() -> None:
    mask, truth = np.array([[0, 2, 255, 0]], np.uint8), np.array([[0, 4, 0, 7]], np.int32)
    assert error_map(mask, truth).tolist() == [[0, 1, 2, 3]]


def test_a_scan_is_mapped_slice_by_slice_into_the_given_array() -> None:
    mask, truth = (np.random.default_rng(0).random((2, 4, 9, 7)) < 0.4).astype(np.uint8)
    out = np.full(mask.shape, 9, np.uint8)
    assert error_map(mask, truth, out) is out
    expected = np.select([(mask & truth) > 0, mask > 0, truth > 0], [1, 2, 3], 0)
    np.testing.assert_array_equal(out, expected)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        error_map(np.zeros((2, 3)), np.zeros((3, 3)))


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colours_stay_apart_for_every_kind_of_sight(sight: str) -> None:
    assert set(ERROR_COLOURS) == set(ERROR_NAMES) == {1, 2, 3}
    for one, other in itertools.combinations(ERROR_COLOURS.values(), 2):
        assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 30
