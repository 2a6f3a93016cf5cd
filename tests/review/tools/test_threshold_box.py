from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.review import metrics
from napari_lesionseg.review.tools.given import Given
from napari_lesionseg.review.tools.threshold_box import threshold_in_box
from napari_lesionseg.volumes.phantom import make_case
from tests.review.tools.slabs import after, seen

EMPTY = np.zeros((5, 20, 20), np.uint8)
HU = np.full(EMPTY.shape, -850)
HU[1:4, 6:14, 6:14] = -450  # 8 × 8 of lesion,
HU[2, 9, 8] = -850  # with a hole,
HU[2, 4, 16] = -450  # a vessel beside it,
HU[:, :, 18:] = 40  # and the chest wall.
ROUND_IT = ((2, 2), (17, 17), -800, -100)


def counts(mask: np.ndarray) -> list[int]:
    return np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_lesion_parts_from_lung_without_its_vessels_and_holes_in_a_slice_and_in_a_slab() -> None:
    assert counts(after(seen(EMPTY, 2, hu=HU), threshold_in_box, *ROUND_IT)) == [0, 0, 64, 0, 0]
    assert counts(after(seen(EMPTY, 2, 1, hu=HU), threshold_in_box, *ROUND_IT)) == [0, 64, 64, 64, 0]


def test_the_box_may_be_dragged_from_any_corner_and_over_the_edge_and_holds_what_is_in_it() -> None:
    changed = after(seen(EMPTY, 2, hu=HU), threshold_in_box, (9.6, 30), (-5, -5), -800, -100)
    assert counts(changed) == [0, 0, 5 * 8, 0, 0]


def test_the_lungs_and_the_range_bound_it_and_labels_stay() -> None:
    mask, lungs = EMPTY.copy(), np.ones_like(EMPTY)
    mask[2, 7, 7], lungs[:, :, 10:] = 2, 0
    changed = after(seen(mask, 2, hu=HU, lungs=lungs), threshold_in_box, *ROUND_IT)
    assert (np.count_nonzero(changed), changed[2, 7, 7]) == (32, 2)
    with pytest.raises(LesionsegError, match="Nothing in the box lies between -400 and -100 HU; widen the range"):
        threshold_in_box(seen(EMPTY, 2, hu=HU), (2, 2), (17, 17), -400, -100)


def test_what_cannot_be_parted_is_told() -> None:
    noise = np.random.default_rng(0).normal(-850, 30, EMPTY.shape)
    with pytest.raises(LesionsegError, match="The box does not part into lesion and lung"):
        threshold_in_box(seen(EMPTY, 2, hu=noise), *ROUND_IT)
    with pytest.raises(LesionsegError, match="The box is empty; drag it over a lesion"):
        threshold_in_box(seen(EMPTY, 2, hu=HU), (30, 30), (40, 40), -800, -100)
    with pytest.raises(LesionsegError, match="All that is dense in the box is lesion already in slice 2"):
        threshold_in_box(seen(EMPTY + 1, 2, hu=HU), *ROUND_IT)


def test_on_the_phantom_a_box_round_a_lesion_gives_the_lesion() -> None:
    case = make_case(4, (8, 128, 128))
    truth = case.truth.array
    z = int(np.argmax(np.count_nonzero(truth, axis=(1, 2))))
    given = Given(case.scan, np.zeros_like(truth), z, range(z, z + 1), case.lungs)
    lesions, _ = ndimage.label(truth[z], np.ones((3, 3)))
    scores = []
    for number, (y, x) in enumerate(ndimage.find_objects(lesions), 1):
        corners = (y.start - 3, x.start - 3), (y.stop + 2, x.stop + 2)
        if np.count_nonzero(lesions == number) >= 50:
            scores.append(metrics.dice(threshold_in_box(given, *corners, -800, 100)[z], lesions == number))
    assert len(scores) == 4
    assert min(scores) > 0.85
