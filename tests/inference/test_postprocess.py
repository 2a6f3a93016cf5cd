"""The rule by which a uint8 probability becomes a mask."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.inference.postprocess import threshold_probability

ALL = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("threshold", "marked"),
    [(0.5, 128), (0.2, 205), (0.6, 103), (1.0, 1), (0.001, 255), (0.0, 255)],
)
def test_a_voxel_is_lesion_from_the_threshold_on_and_never_at_zero(threshold: float, marked: int) -> None:
    mask = threshold_probability(ALL, threshold)
    assert mask.dtype == np.uint8
    assert int(mask.sum()) == marked
    assert mask[0] == 0


def test_every_exact_level_is_its_own_threshold() -> None:
    for level in range(1, 256):
        assert int(threshold_probability(ALL, level / 255).sum()) == 256 - level


def test_the_given_array_is_written_into_and_returned() -> None:
    whole = np.full((2, 256), 7, np.uint8)
    result = threshold_probability(ALL, 0.5, out=whole[1])
    assert np.shares_memory(result, whole)
    assert set(whole[0]) == {7}
    assert list(whole[1, 126:130]) == [0, 0, 1, 1]
