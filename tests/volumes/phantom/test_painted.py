"""Painted lesions: HU as in the literature, vessels that stay or vanish, nothing changed outside the lungs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_lesionseg.errors import LesionsegError
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import cut_shapes, make_case, paint_lesions
from napari_lesionseg.volumes.phantom.lesion_places import Lungs
from napari_lesionseg.volumes.phantom.lesion_shapes import LesionShape, grow_shape
from napari_lesionseg.volumes.phantom.lesion_textures import Texture
from napari_lesionseg.volumes.phantom.local_noise import LocalNoise
from napari_lesionseg.volumes.phantom.painting import Painting
from napari_lesionseg.volumes.read import read_mask, read_scan

SPACING = (3.0, 1.5, 1.5)
NOISE_HU = 12.0


def block(voxels: int = 9, mm: tuple[float, float, float] = (4.0, 3.0, 3.0)) -> LesionShape:
    """A block of tissue, 27 × 27 × 36 mm."""
    return LesionShape(np.ones((voxels, voxels, voxels), bool), mm)


@cache
def plain_lungs() -> tuple[Volume, Mask, np.ndarray]:
    """Soft tissue at 40 HU with one large lung at −870 HU in it, crossed by vessels 6 mm wide at 40 HU; and those."""
    shape = (36, 90, 90)
    z, y, x = np.ogrid[:36, :90, :90]
    lung = (np.abs(z - 18) <= 15) & (np.abs(y - 45) <= 38) & (np.abs(x - 45) <= 38)
    vessels = ((y % 12 < 4) & (x % 12 < 4)) & (np.abs(y - 45) <= 34) & (np.abs(x - 45) <= 34) & lung
    hu = np.where(lung & ~vessels, -870.0, 40.0) + NOISE_HU * np.random.default_rng(0).standard_normal(shape)
    geometry = Geometry.from_spacing(shape, SPACING)
    return Volume(np.rint(hu).astype(np.int16), geometry), Mask(lung.astype(np.uint8), geometry), vessels


def painted(texture: Texture, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """HU, truth and vessels of the plain lung with blocks of one texture in it."""
    scan, lungs, vessels = plain_lungs()
    made, truth = paint_lesions(scan, lungs, [block()], np.random.default_rng(seed), textures=[texture], most=4)
    assert truth.array.any()
    return made.array.astype(float), truth.array.astype(bool), vessels


def between_vessels(truth: np.ndarray, vessels: np.ndarray) -> np.ndarray:
    """Lesion well below its soft border and two pixels from any vessel."""
    return ndimage.binary_erosion(truth, iterations=2) & ~ndimage.binary_dilation(vessels, iterations=2)


@pytest.mark.parametrize("seed", range(3))
def test_ground_glass_has_minus_700_to_minus_300_hu(seed: int) -> None:
    hu, truth, vessels = painted("ground glass", seed)
    assert -700 < hu[between_vessels(truth, vessels)].mean() < -300


@pytest.mark.parametrize("seed", range(3))
def test_consolidation_has_minus_100_to_60_hu_in_its_middle(seed: int) -> None:
    hu, truth, vessels = painted("consolidation", seed)
    # Half of it or more is solid: the rest is its border of ground glass.
    assert -100 < np.percentile(hu[between_vessels(truth, vessels)], 60) < 60


def test_other_textures_lie_between_ground_glass_and_consolidation() -> None:
    for texture in ("mixed", "crazy paving", "reticular"):
        hu, truth, vessels = painted(texture)
        assert -720 < hu[between_vessels(truth, vessels)].mean() < -100, texture


def test_vessels_stay_visible_through_ground_glass_and_vanish_in_consolidation() -> None:
    seen = {}
    for texture in ("ground glass", "consolidation"):
        hu, truth, vessels = painted(texture)
        inner = ndimage.binary_erosion(truth, iterations=4)
        inside, beside = inner & ndimage.binary_erosion(vessels, iterations=1), inner & between_vessels(truth, vessels)
        seen[texture] = np.median(hu[inside]) - np.median(hu[beside])
    assert seen["ground glass"] > 300
    assert seen["consolidation"] < 130


def test_the_lumen_of_an_airway_stays_air() -> None:
    scan, lungs, _ = plain_lungs()
    hu = scan.array.copy()
    y, x = np.ogrid[:90, :90]
    airway = np.broadcast_to((y % 16 < 3) & (x % 16 < 3), hu.shape) & (hu < -800)
    hu[airway] = -995
    made, truth = paint_lesions(
        Volume(hu, scan.geometry), lungs, [block()], np.random.default_rng(3), textures=["consolidation"], most=4
    )
    middle = airway & ndimage.binary_erosion(airway, np.ones((1, 3, 3))) & (truth.array > 0)
    assert middle.any()
    assert np.median(made.array[middle]) < -900


def test_nothing_changes_away_from_the_lungs() -> None:
    case = make_case(4, (24, 96, 96), lesions=False)
    made, truth = paint_lesions(case.scan, case.lungs, (), np.random.default_rng(2))
    near = np.stack([ndimage.distance_transform_edt(~lung) for lung in case.lungs.array.astype(bool)])
    far = near * case.scan.geometry.spacing[1] > 3 + 4 * case.scan.geometry.spacing[1]
    np.testing.assert_array_equal(made.array[far], case.scan.array[far])
    assert not truth.array[far].any()
    assert (made.array != case.scan.array).any()


def test_the_mask_is_where_the_painting_is() -> None:
    hu, truth, vessels = painted("ground glass")
    before = plain_lungs()[0].array
    brighter = ndimage.uniform_filter(hu - before, (1, 3, 3)) > 100
    away = ~ndimage.binary_dilation(truth, iterations=5)
    assert brighter[between_vessels(truth, vessels)].mean() > 0.99
    assert not brighter[away].any()


def test_the_noise_in_a_lesion_is_the_noise_of_the_scan() -> None:
    hu, truth, vessels = painted("consolidation")
    inner = ndimage.binary_erosion(truth, iterations=3)
    right = (hu[:, :, 1:] - hu[:, :, :-1])[inner[:, :, 1:] & inner[:, :, :-1]]
    assert NOISE_HU * 0.7 < 1.4826 * np.median(np.abs(right)) / np.sqrt(2) < NOISE_HU * 2


def test_the_same_seed_gives_the_same_scan_and_another_another() -> None:
    case = make_case(1, (16, 64, 64), lesions=False)
    before = case.scan.array.copy()
    first, again, other = (paint_lesions(case.scan, case.lungs, (), np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first[0].array.tobytes() == again[0].array.tobytes()
    assert first[1].array.tobytes() == again[1].array.tobytes()
    assert first[0].array.tobytes() != other[0].array.tobytes()
    np.testing.assert_array_equal(case.scan.array, before)


def test_a_lesion_has_its_volume_whatever_the_spacing_of_its_mask() -> None:
    for voxels, mm in ((9, (4.0, 3.0, 3.0)), (18, (2.0, 1.5, 1.5))):
        scan, lungs, _ = plain_lungs()
        rng = np.random.default_rng(1)
        empty = np.where(lungs.array > 0, -870, 40)
        painting = Painting(rng, Lungs(rng, empty, lungs.array > 0, 1.5), SPACING, ["ground glass"])
        painting.add(block(voxels, mm), 20.0)
        assert np.count_nonzero(painting.weight >= 0.5) * scan.geometry.voxel_ml == pytest.approx(20, rel=0.3)


def test_each_lesion_of_a_mask_is_cut_out_but_the_smallest() -> None:
    labels = np.zeros((10, 60, 60), np.uint8)
    labels[1:4, 5:25, 5:25] = 1
    labels[6:9, 30:40, 30:50] = 1
    labels[6, 5, 5] = 1
    mask = Mask(labels, Geometry.from_spacing(labels.shape, (5.0, 0.7, 0.7)))
    shapes = list(cut_shapes(mask))
    assert [shape.spacing for shape in shapes] == [(5.0, 1.4, 1.4)] * 2
    assert [shape.ml for shape in shapes] == pytest.approx([3 * 400 * 5 * 0.49 / 1000, 3 * 200 * 5 * 0.49 / 1000])


def test_a_grown_shape_has_about_its_volume() -> None:
    rng = np.random.default_rng(0)
    for ml in (0.2, 2.0, 30.0):
        assert np.mean([grow_shape(rng, ml).ml for _ in range(5)]) == pytest.approx(ml, rel=0.3)


def test_noise_is_measured_and_made_alike() -> None:
    rng = np.random.default_rng(0)
    for noise in (LocalNoise(20.0, 0.0), LocalNoise(30.0, 0.6)):
        scan = 45 + np.stack([noise.make(rng, (200, 200)) for _ in range(3)])
        found = LocalNoise.measure(scan)
        assert found.hu == pytest.approx(noise.hu, rel=0.15)
        assert found.correlation == pytest.approx(noise.correlation, abs=0.1)


def test_lesions_are_mostly_peripheral_and_posterior() -> None:
    case = make_case(4, (16, 64, 64), lesions=False)
    lungs = case.lungs.array.astype(bool)
    row = np.broadcast_to(np.arange(64)[None, :, None], lungs.shape)
    rows = [
        row[truth.array > 0].mean()
        for truth in (paint_lesions(case.scan, case.lungs, (), np.random.default_rng(seed))[1] for seed in range(6))
        if truth.array.any()
    ]
    assert np.mean(rows) > row[lungs].mean() + 2


def test_a_scan_without_lungs_is_refused_in_one_sentence() -> None:
    scan, lungs, _ = plain_lungs()
    with pytest.raises(LesionsegError, match=r"^The lung mask holds 0 ml, too little to paint lesions into; [^.]*\.$"):
        paint_lesions(scan, Mask.empty(scan.geometry), (), np.random.default_rng(0))
    grey = Volume(np.zeros(scan.array.shape, np.uint8), scan.geometry, "grey")
    with pytest.raises(LesionsegError, match="not in Hounsfield units"):
        paint_lesions(grey, lungs, (), np.random.default_rng(0))
    elsewhere = Mask(lungs.array, Geometry.from_spacing(lungs.array.shape, (3.0, 1.0, 1.0)))
    with pytest.raises(LesionsegError, match="another grid"):
        paint_lesions(scan, elsewhere, (), np.random.default_rng(0))


@pytest.mark.realdata
def test_real_lungs_are_painted_with_real_outlines_at_the_density_of_the_literature(shared_data: Path) -> None:
    scan = read_scan(shared_data / "lung_imlab4" / "id003_ct.nii.gz")
    lungs = read_mask(shared_data / "lung_imlab4" / "id003_lung.nii.gz", like=scan.geometry)
    masks = sorted((shared_data / "masks_only" / "mosmed50").glob("*.nii.gz"))[:3]
    shapes = [shape for file in masks for shape in cut_shapes(read_mask(file))]
    made = [paint_lesions(scan, lungs, shapes, np.random.default_rng(seed)) for seed in range(4)]
    means = [painted.array[truth.array > 0].mean() for painted, truth in made if truth.array.any()]
    assert len(means) >= 3
    assert -462 - 2 * 99 < np.mean(means) < -430 + 2 * 80
