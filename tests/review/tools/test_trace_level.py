from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review.tools.trace_level import trace_level
from tests.review.tools.slabs import after, seen

EMPTY = np.zeros((5, 40, 40), np.uint8)
Z, Y, X = np.ogrid[:5, :40, :40]
FAR = np.hypot(Y - 20.0, X - 20.0 - 2 * (Z - 2))  # A cone that moves 2 voxels a slice.
HU = -400 - 25 * FAR
DISC = int(np.count_nonzero(FAR[2] <= 8))


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_the_line_of_the_clicked_grey_is_filled() -> None:
    changed = after(seen(EMPTY, 2, hu=HU), trace_level, (2, 20, 28))
    assert changed[2].sum() == pytest.approx(DISC, abs=12)
    assert counts(changed)[:2] + counts(changed)[3:] == [0, 0, 0, 0]


def test_in_a_slab_the_line_is_followed_as_the_lesion_moves() -> None:
    changed = after(seen(EMPTY, 2, 1, hu=HU), trace_level, (2, 20, 28))
    assert counts(changed)[0] == counts(changed)[4] == 0
    assert [ndimage.center_of_mass(changed[z])[1] for z in (1, 2, 3)] == pytest.approx([18, 20, 22], abs=0.1)
    assert counts(changed)[1:4] == pytest.approx([DISC] * 3, abs=12)


def test_the_line_is_not_followed_into_a_slice_where_it_is_elsewhere() -> None:
    hu = HU.copy()
    hu[3:] = np.roll(hu[3:], 15, axis=1)
    assert [count > 0 for count in counts(after(seen(EMPTY, 2, 2, hu=hu), trace_level, (2, 20, 28)))] == [1, 1, 1, 0, 0]


def test_the_line_runs_along_the_edge_of_the_lungs() -> None:
    lungs = np.ones_like(EMPTY)
    lungs[:, :, 20:] = 0
    changed = after(seen(EMPTY, 2, hu=HU, lungs=lungs), trace_level, (2, 20, 12))
    assert changed[2, :, 20:].sum() == 0
    assert changed[2].sum() == pytest.approx(np.count_nonzero(FAR[2][:, :20] <= 8), abs=12)


def test_labels_stay() -> None:
    mask = EMPTY.copy()
    mask[2, 20, 20] = 5
    changed = after(seen(mask, 2, hu=HU), trace_level, (2, 20, 28), label=2)
    assert (changed[2, 20, 20], np.count_nonzero(changed == 2)) == (5, pytest.approx(DISC - 1, abs=12))


def test_what_cannot_be_traced_is_told() -> None:
    flat = np.full(EMPTY.shape, -850)
    with pytest.raises(LesionsegError, match="No closed line of this grey runs here; click on the edge of a lesion"):
        trace_level(seen(EMPTY, 2, hu=flat), (2, 20, 20))
    slope = np.broadcast_to(np.arange(40) * 10 - 800, EMPTY.shape)
    with pytest.raises(LesionsegError, match="No closed line"):
        trace_level(seen(EMPTY, 2, hu=slope), (2, 20, 20))
    with pytest.raises(LesionsegError, match="The click is not on slice 2"):
        trace_level(seen(EMPTY, 2, hu=HU), (1, 20, 28))
    with pytest.raises(LesionsegError, match="All that the line encloses is lesion already in slice 2"):
        trace_level(seen(EMPTY + 1, 2, hu=HU), (2, 20, 28))
