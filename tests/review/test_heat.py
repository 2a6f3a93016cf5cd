"""What the heat map shows of each probability."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.review.heat import HEATS, write_heat


@pytest.mark.parametrize(
    ("kind", "values"),
    [("probability", [0, 64, 128, 255]), ("unsure", [0, 128, 254, 0]), ("entropy", [0, 207, 255, 0])],
)
def test_each_measure_of_four_probabilities(kind: str, values: list[int]) -> None:
    probability = np.array([[0, 64, 128, 255]], np.uint8)
    out = np.ones((1, 4), np.uint8)
    write_heat(HEATS[kind], probability, out)
    assert out.tolist() == [values]


def test_a_scan_is_written_slice_by_slice_into_the_array_that_is_given() -> None:
    probability = np.random.default_rng(0).integers(0, 256, (3, 5, 7)).astype(np.uint8)
    out = np.zeros_like(probability)
    write_heat(HEATS["entropy"], probability, out)
    assert np.array_equal(out, HEATS["entropy"].of[probability])
