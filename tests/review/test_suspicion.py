"""Places worth a second look, on grids whose suspicious voxels are counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lesionseg.review.evidence import Evidence, LastModel
from napari_lesionseg.review.regions import Regions, block_sums
from napari_lesionseg.review.suspicion import suspicious_places, unsure_places
from napari_lesionseg.volumes import Geometry, Mask, Volume

SHAPE = (6, 20, 20)
GRID = Geometry.from_spacing(SHAPE, (16.0, 2.5, 2.5))  # 0.1 ml a voxel; each is a block of its own.


@pytest.fixture
def nothing() -> Evidence:
    """A lung-like scan without a lesion, which the model is sure of, and lungs that fill columns 0 to 14."""
    lungs = Mask.empty(GRID)
    lungs.array[:, :, :15] = 1
    scan = Volume(np.full(SHAPE, -700, np.int16), GRID)
    return Evidence(scan, np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), lungs)


def test_a_sure_model_and_an_empty_mask_leave_nothing_to_look_at(nothing: Evidence) -> None:
    assert suspicious_places(nothing) == []


def test_what_the_model_is_unsure_of_is_ranked_by_volume_times_uncertainty(nothing: Evidence) -> None:
    probability = nothing.probability
    assert probability is not None
    probability[1, 2:4, 2:4] = 128  # 4 voxels of which it knows nothing.
    probability[4, 10, 2:8] = 64  # 6 voxels of which it knows half.
    probability[3, 15, 15] = 200  # 78 %: sure enough.
    first, second = suspicious_places(nothing)
    assert (first.slice, second.slice) == (1, 4)
    assert (first.ml, second.ml) == (pytest.approx(0.4), pytest.approx(0.6))
    assert (first.score, second.score) == (pytest.approx(0.4, abs=0.01), pytest.approx(0.3, abs=0.01))
    assert first.reason == "The model is unsure of 0.40 ml here." and probability[second.voxel] == 64


def test_a_place_is_in_the_slice_that_has_most_of_it(nothing: Evidence) -> None:
    probability = nothing.probability
    assert probability is not None
    probability[1:4, 5, 5] = 128
    probability[2, 5, 4:9] = 128
    (place,) = suspicious_places(nothing)
    assert place.voxel == (2, 5, 6) and place.ml == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("hu", "said"),
    [(-980, "0.30 ml of it is air (below −950 HU)"), (500, "0.30 ml of it is as dense as bone (above 300 HU)")],
)
def test_a_lesion_of_air_or_bone_is_odd_where_it_is_that(nothing: Evidence, hu: int, said: str) -> None:
    nothing.mask[2:4, 5:8, 5:8] = 1
    nothing.scan.array[3, 5, 5:8] = hu
    (place,) = suspicious_places(nothing)
    assert place.reason == f"Lesion of 1.80 ml: {said}."
    assert place.voxel == (3, 5, 6) and place.score == pytest.approx(0.6)


def test_the_borders_of_what_is_plausible_are_plausible(nothing: Evidence) -> None:
    nothing.mask[2:4, 5:8, 5:8] = 1
    nothing.scan.array[2], nothing.scan.array[3] = -950, 300
    assert suspicious_places(nothing) == []


def test_grey_levels_are_no_density(nothing: Evidence) -> None:
    nothing.mask[2:4, 5:8, 5:8] = 1
    nothing.scan.array[:] = 2000
    assert suspicious_places(replace(nothing, scan=Volume(nothing.scan.array, GRID, "grey"))) == []


def test_a_lesion_outside_the_lungs_is_odd_if_they_are_known(nothing: Evidence) -> None:
    nothing.mask[2:4, 5, 13:18] = 1
    (place,) = suspicious_places(nothing)
    assert place.reason == "Lesion of 1.00 ml: 0.60 ml of it lies outside the lungs."
    assert place.voxel[2] == 16
    assert suspicious_places(replace(nothing, lungs=None)) == []


def test_a_lesion_on_one_slice_only_is_odd_and_all_that_is_odd_is_said_once(nothing: Evidence) -> None:
    nothing.mask[2, 5, 5:8] = 1
    nothing.mask[4, 9, 18] = 1
    first, second = suspicious_places(nothing)
    assert first.reason == "Lesion of 0.30 ml: it is on one slice only."
    assert second.reason == "Lesion of 0.10 ml: 0.10 ml of it lies outside the lungs, it is on one slice only."
    assert second.voxel == (4, 9, 18)


def test_where_the_mask_is_not_what_the_last_model_marked_unless_a_person_corrected_it(nothing: Evidence) -> None:
    before = np.zeros(SHAPE, np.uint8)
    before[1:3, 5, 5] = 255
    before[4, 5, 5:8] = 128
    nothing.mask[1:3, 5, 5:7] = 1
    evidence = replace(nothing, last=LastModel(before, 0.5, "old"))
    less, more = suspicious_places(evidence)
    assert less.reason == "The last model (old) marked 0.30 ml here that the mask has not." and less.slice == 4
    assert more.reason == "The mask has 0.20 ml here that the last model (old) did not mark."
    assert [place.kind for place in suspicious_places(replace(evidence, corrected=frozenset({4})))] == ["more"]


def test_no_more_than_fifty_places_the_most_suspicious_of_all(nothing: Evidence) -> None:
    probability = nothing.probability
    assert probability is not None
    probability[::2, ::2, ::2] = 90
    probability[1, 1, 1] = 90  # It joins eight of them in one slice, and eight in the next: the largest region.
    places = suspicious_places(nothing)
    assert len(places) == 50 and places[0].ml > places[1].ml
    assert [place.score for place in places] == sorted((place.score for place in places), reverse=True)


def test_what_was_found_in_the_probability_before_is_not_looked_for_again(nothing: Evidence) -> None:
    probability = nothing.probability
    assert probability is not None
    probability[1, 2:4, 2:4] = 128
    found = unsure_places(probability, GRID)
    probability[:] = 0
    assert suspicious_places(nothing, found) == found
    assert suspicious_places(nothing) == []


def test_nothing_that_is_given_is_written_to(nothing: Evidence) -> None:
    nothing.mask[2, 5, 5:8] = 1
    for array in (nothing.mask, nothing.scan.array, nothing.probability):
        assert array is not None
        array.flags.writeable = False
    assert len(suspicious_places(nothing)) == 1


# ---- regions


def test_blocks_are_summed_also_at_the_border() -> None:
    marks = np.random.default_rng(0).random((11, 14)) < 0.4
    sums = block_sums(marks, (4, 3))
    assert sums.shape == (3, 5)
    for row in range(3):
        for column in range(5):
            assert sums[row, column] == marks[4 * row : 4 * row + 4, 3 * column : 3 * column + 3].sum()


def test_marks_of_neighbouring_blocks_are_one_region_and_thin_ones_none() -> None:
    grid = Geometry.from_spacing((3, 16, 16), (1.0, 0.625, 0.625))  # Blocks of 4 × 4 voxels.
    marks = np.zeros((3, 16, 16), np.bool_)
    marks[1, 0:4, 0:8] = True  # Two full blocks, and in the next slice one beside them.
    marks[2, 4:8, 8:12] = True
    marks[0, 15, :] = True  # A rim of a quarter of each block.
    regions = Regions(lambda z: marks[z], grid, share=0.5)
    assert regions.count == 1
    np.testing.assert_array_equal(regions.table()[1], [0, 32, 16])
    assert Regions(lambda z: marks[z], grid).count == 2
