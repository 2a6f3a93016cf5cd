"""A network that marks blocks of slices: every row once, and the same whichever others are asked for."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from napari_lesionseg.inference.blocks import around
from napari_lesionseg.inference.runner import SliceRunner


class Echo:
    """Gives back the grey value of each slice of a block of eight, and more the farther it is from the middle."""

    name, device, stack, marked = "torch", "cpu", 8, 8

    def __init__(self, tilt: float = 0.0) -> None:
        self.tilt, self.calls = tilt, 0

    def at_work(self) -> nullcontext[None]:
        return nullcontext()

    def logits(self, stack: np.ndarray) -> np.ndarray:
        self.calls += 1
        return stack.astype(np.float32) + self.tilt * np.abs(np.arange(8) - 3.5, dtype=np.float32)[:, None, None]

    def retreat(self) -> bool:
        return False


SLICES = np.arange(21, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)


def test_the_middle_of_an_even_number_is_the_first_after_it() -> None:
    assert around(5, 20, 4).tolist() == [3, 4, 5, 6]
    assert around(0, 20, 4).tolist() == [0, 0, 0, 1]
    assert around(1, 3, 3).tolist() == [0, 1, 2]


def test_every_row_comes_from_where_it_lies_in_its_blocks() -> None:
    rows = np.stack(list(SliceRunner(Echo()).run(SLICES)))
    assert np.array_equal(rows, SLICES)


@pytest.mark.parametrize("wanted", [[7], [3, 4, 20], list(range(9, 15))])
def test_a_row_is_the_same_whichever_others_are_asked_for(wanted: list[int]) -> None:
    alone = np.stack(list(SliceRunner(Echo(0.7)).run(SLICES, wanted)))
    together = np.stack(list(SliceRunner(Echo(0.7)).run(SLICES)))
    assert np.array_equal(alone, together[wanted])


def test_of_two_blocks_the_one_in_whose_middle_a_row_lies_counts_more() -> None:
    tilted = np.stack(list(SliceRunner(Echo(1.0)).run(SLICES))) - SLICES
    plain_mean = (np.abs(np.arange(8) - 3.5)[:4] + np.abs(np.arange(8) - 3.5)[4:]).mean() / 2
    assert tilted[4:16].mean() < plain_mean


def test_each_block_is_run_once() -> None:
    echo = Echo()
    list(SliceRunner(echo).run(SLICES))
    assert echo.calls == 7  # Middles 0, 4, … 24.
