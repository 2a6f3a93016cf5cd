"""What is believed of a prediction: sure lesions that members agree on, slices that none of them suspects."""

from __future__ import annotations

import numpy as np
import pytest
from lesionseg_training.pseudo.bands import IGNORE, Bands
from lesionseg_training.pseudo.believe import Believed, Rules, believe, stability

BANDS = Bands(25, 180, 0.9, 0.02)
RULES = Rules(top=0.8, smallest_ml=0.02, slices=2, agreement=0.3)
VOXEL_ML = 0.001
LESION = (slice(2, 5), slice(4, 10), slice(4, 10))  # 108 voxels, 0.108 ml, on slices 2 to 4.


def scan(level: int = 230, place: tuple[slice, ...] = LESION, background: int = 5) -> np.ndarray:
    probability = np.full((8, 20, 20), background, np.uint8)
    probability[place] = level
    return probability


def judged(*members: np.ndarray, lungs: np.ndarray | None = None) -> Believed:
    return believe(members, BANDS, RULES, VOXEL_ML, lungs)


def test_a_sure_lesion_is_believed_and_slices_without_suspicion_are_empty() -> None:
    found = judged(scan(), scan(220))
    assert (found.labels[LESION] == 1).all()
    assert found.positive.tolist() == [z in (2, 3, 4) for z in range(8)]
    assert found.negative.tolist() == [z not in (2, 3, 4) for z in range(8)]
    assert (found.lesions, found.dropped, found.stability) == (1, 0, 1.0)


@pytest.mark.parametrize(
    "members",
    [
        [scan(190)],  # It is nowhere sure: top is 204.
        [scan(230, (slice(2, 3), *LESION[1:]))],  # On one slice alone.
        [scan(230, (slice(2, 4), slice(4, 7), slice(4, 7)))],  # 18 voxels, 0.018 ml.
        [scan(255), scan(250, (slice(4, 7), slice(9, 15), slice(9, 15)))],  # Members mark other places.
    ],
    ids=["unsure", "one slice", "small", "disputed"],
)
def test_a_lesion_that_breaks_a_rule_is_ignored_and_its_slices_are_left_to_a_person(members: list[np.ndarray]) -> None:
    found = judged(*members)
    assert found.lesions == 0
    assert not (found.labels == 1).any()
    marked = np.any([member.max(axis=(1, 2)) > 100 for member in members], axis=0)
    assert found.doubtful.tolist() == marked.tolist()
    assert (found.labels[found.doubtful] == IGNORE).all()


def test_a_slice_that_a_single_member_suspects_is_not_empty() -> None:
    suspicious = scan()
    suspicious[6, 0, 0] = 60
    found = judged(scan(), suspicious)
    assert found.doubtful[6] and not found.negative[6]


def test_around_a_believed_lesion_what_is_between_the_bands_is_ignored() -> None:
    probability = scan()
    probability[3, 12, 12] = 100
    found = judged(probability)
    assert found.labels[3, 12, 12] == IGNORE
    assert found.labels[3, 0, 0] == 0


def test_slices_without_lung_are_believed_of_nothing() -> None:
    lungs = np.ones((8, 20, 20), np.uint8)
    lungs[:2] = 0
    found = judged(scan(), lungs=lungs)
    assert (found.labels[:2] == IGNORE).all()
    assert not (found.positive | found.negative | found.doubtful)[:2].any()


def test_members_that_all_mark_nothing_are_not_stable_but_undefined() -> None:
    nothing = np.zeros((4, 5, 5), bool)
    something = nothing.copy()
    something[1, 1, 1] = True
    assert stability([nothing, nothing]) is None
    assert stability([nothing, something]) == 0.0
    assert stability([something, something]) == 1.0
