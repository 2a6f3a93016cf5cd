from __future__ import annotations

import numpy as np
import pytest

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.accept import accept_at
from tests.review.tools.slabs import after, seen

MASK = np.zeros((5, 6, 6), np.uint8)
MASK[2, 2, 2] = 3
PROBABILITY = np.zeros((5, 6, 6), np.uint8)
PROBABILITY[:, 2:4, 2:4] = 70  # 0.27
PROBABILITY[2, 4, 4] = 140
PROBABILITY[:, 0, 0] = 255


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_one_click_accepts_the_piece_in_the_slice_or_in_the_slab_and_no_other() -> None:
    assert counts(after(seen(MASK, 2, probability=PROBABILITY), accept_at, (2, 3, 3))) == [0, 0, 5, 0, 0]
    changed = after(seen(MASK, 2, 9, probability=PROBABILITY), accept_at, (0, 2, 2))
    assert counts(changed) == [4, 4, 5, 4, 4]
    assert (changed[2, 2, 2], changed[0, 0, 0]) == (3, 0)


def test_a_higher_limit_accepts_less() -> None:
    assert counts(after(seen(MASK, 2, 9, probability=PROBABILITY), accept_at, (2, 4, 4), 0.5)) == [0, 0, 2, 0, 0]


def test_what_cannot_be_accepted_is_told() -> None:
    given = seen(MASK, 2, probability=PROBABILITY)
    with pytest.raises(LesionsegError, match="The model says 0 % here, less than 25 %; click on another place"):
        accept_at(given, (2, 0, 3))
    with pytest.raises(LesionsegError, match="The model says 27 % here, less than 40 %"):
        accept_at(given, (2, 2, 3), 0.4)
    with pytest.raises(LesionsegError, match="The click is not on slice 2"):
        accept_at(given, (1, 2, 3))
    with pytest.raises(LesionsegError, match="There is no prediction to accept from"):
        accept_at(seen(MASK, 2), (2, 2, 2))
    with pytest.raises(LesionsegError, match="All the model says here is lesion already in slice 0"):
        accept_at(seen(MASK + 1, 0, probability=PROBABILITY), (0, 2, 2))
