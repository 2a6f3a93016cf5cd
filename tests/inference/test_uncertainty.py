"""One number for how unsure a prediction is."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.inference.uncertainty import mean_uncertainty


def test_a_model_that_is_sure_of_each_voxel_has_none() -> None:
    probability = np.zeros((3, 8, 8), np.uint8)
    probability[1, 2:5, 2:5] = 255
    assert mean_uncertainty(probability) == 0.0
    assert mean_uncertainty(np.zeros((3, 8, 8), np.uint8)) == 0.0


def test_even_chances_are_one_bit_however_large_the_scan_around_them() -> None:
    probability = np.zeros((3, 8, 8), np.uint8)
    probability[1, 2, 3:5] = 127, 128
    assert mean_uncertainty(probability) == pytest.approx(1.0, abs=1e-4)


def test_voxels_that_nobody_suspects_do_not_count_and_all_others_count_alike() -> None:
    probability = np.full((2, 4, 4), 12, np.uint8)
    probability[0, 0, :3] = 255, 51, 13
    entropy = [-p * np.log2(p) - (1 - p) * np.log2(1 - p) for p in (51 / 255, 13 / 255)]
    assert mean_uncertainty(probability) == pytest.approx(sum(entropy) / 3)
