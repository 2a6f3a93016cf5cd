"""Every figure of overlap and surface against a slow, obvious reference, and against tools that define it alike."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lesionseg.review.evaluate import evaluate
from napari_lesionseg.volumes import Geometry, Mask
from tests.review.slow_surfaces import slow_hd95, slow_nsd, slow_overlap

SHAPE = (3, 4, 5)
EMPTY, FULL = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8)
CORNER, MIDDLE = EMPTY.copy(), EMPTY.copy()
CORNER[-1, -1, -1] = MIDDLE[1, 2, 2] = 1

shapes = st.tuples(*(st.integers(1, side) for side in (4, 6, 6)))
masks = shapes.flatmap(lambda shape: st.tuples(*(arrays(np.uint8, shape, elements=st.integers(0, 1)),) * 2))
sides = st.sampled_from((0.5, 0.7, 1.0, 2.5, 5.0)) | st.floats(0.3, 8.0)
spacings = st.tuples(sides, sides, sides)


def figures(ours: np.ndarray, theirs: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, float | None]:
    grid = Geometry.from_spacing(ours.shape, spacing)
    return evaluate(Mask(ours, grid), Mask(theirs, grid))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(masks, spacings)
@example((EMPTY, EMPTY), (1.0, 1.0, 1.0))
@example((EMPTY, MIDDLE), (5.0, 0.7, 0.7))
@example((FULL, EMPTY), (5.0, 0.7, 0.7))
@example((CORNER, MIDDLE), (2.5, 0.7, 0.9))
@example((FULL, CORNER), (0.4, 3.0, 0.9))
def test_all_figures_equal_those_of_the_slow_reference(
    pair: tuple[np.ndarray, np.ndarray], spacing: tuple[float, float, float]
) -> None:
    found = figures(*pair, spacing)
    stored = Geometry.from_spacing(pair[0].shape, spacing).spacing  # As it comes back from the affine.
    assert (found["dice"], found["iou"]) == slow_overlap(*pair)
    for key, expected in (
        ("hd95_mm", slow_hd95(*pair, stored)),
        ("nsd_2mm", slow_nsd(*pair, stored, 2.0)),
        ("nsd_5mm", slow_nsd(*pair, stored, 5.0)),
    ):
        assert found[key] == (None if expected is None else pytest.approx(expected, abs=1e-6)), key


def blobs(seed: int, shape: tuple[int, int, int] = (9, 24, 26)) -> tuple[np.ndarray, np.ndarray]:
    """Two masks that overlap in part, and touch the border with odd seeds."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=shape), (1, 2.5, 2.5))
    other = noise + 0.6 * ndimage.gaussian_filter(rng.normal(size=shape), (1, 2.5, 2.5))
    pair = [(one > one.std()).astype(np.uint8) for one in (noise, other)]
    if seed % 2 == 0:
        for one in pair:
            one[[0, -1]] = one[:, [0, -1]] = one[:, :, [0, -1]] = 0
    return pair[0], pair[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.9)])
def test_monai_finds_the_same(seed: int, spacing: tuple[float, float, float]) -> None:
    # SurfaceDiceMetric counts surface voxels, as we do, unless it is asked for use_subvoxels.
    metrics = pytest.importorskip("monai.metrics", reason="MONAI is not installed")
    import torch

    ours, theirs = blobs(seed)
    tensors = [torch.from_numpy(one)[None, None] for one in (ours, theirs)]
    found = figures(ours, theirs, spacing)
    assert found["dice"] == pytest.approx(metrics.compute_dice(*tensors).item(), abs=1e-6)
    assert found["iou"] == pytest.approx(metrics.compute_iou(*tensors).item(), abs=1e-6)
    hd95 = metrics.compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=spacing)
    assert found["hd95_mm"] == pytest.approx(hd95.item(), abs=1e-5)  # MONAI computes it in single precision.
    for key, tolerance in (("nsd_2mm", 2.00001), ("nsd_5mm", 5.00001)):
        nsd = metrics.compute_surface_dice(*tensors, [tolerance], include_background=True, spacing=spacing)
        assert found[key] == pytest.approx(nsd.item(), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_simpleitk_finds_the_same_overlap_and_volumes(seed: int) -> None:
    ours, theirs = blobs(seed)
    found = figures(ours, theirs, (5.0, 0.7, 0.9))
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*map(sitk.GetImageFromArray, (ours, theirs)))
    assert found["dice"] == pytest.approx(overlap.GetDiceCoefficient(), abs=1e-12)
    assert found["iou"] == pytest.approx(overlap.GetJaccardCoefficient(), abs=1e-12)
    # SimpleITK's volume similarity is the difference over the mean, ours over the truth.
    similarity = (found["volume_pred_ml"] - found["volume_truth_ml"]) / (
        (found["volume_pred_ml"] + found["volume_truth_ml"]) / 2
    )
    assert abs(similarity) == pytest.approx(abs(overlap.GetVolumeSimilarity()), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.9)])
def test_the_distance_map_of_simpleitk_gives_the_same_surfaces(seed: int, spacing: tuple[float, float, float]) -> None:
    # Its own HausdorffDistance filter measures from all voxels of a mask, not from its surface: another figure.
    pair = blobs(seed)

    def edge(array: np.ndarray) -> sitk.Image:
        image = sitk.GetImageFromArray(np.pad(array, 1))
        image.SetSpacing(spacing[::-1])
        return image - sitk.BinaryErode(image, (1, 1, 1), sitk.sitkCross)

    def way(start: sitk.Image, end: sitk.Image) -> np.ndarray:
        far = sitk.SignedMaurerDistanceMap(end, squaredDistance=False, useImageSpacing=True)
        return np.maximum(sitk.GetArrayFromImage(far), 0)[sitk.GetArrayFromImage(start) != 0]

    edges = [edge(one) for one in pair]
    forth, back = way(*edges), way(*edges[::-1])
    found = figures(*pair, spacing)
    assert found["hd95_mm"] == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)), abs=1e-5)
    near = (np.count_nonzero(forth <= 2.00001) + np.count_nonzero(back <= 2.00001)) / (len(forth) + len(back))
    assert found["nsd_2mm"] == pytest.approx(near, abs=1e-9)


def test_all_figures_together_cost_less_than_four_transforms_of_the_whole_volume() -> None:
    """A ratio within one run, no clock against a limit: a transform for each mask, and as much again."""
    import time

    from scipy import ndimage

    pair = [np.repeat(np.repeat(one, 4, 1), 4, 2) for one in blobs(2, (24, 40, 40))]
    best = {"all": np.inf, "one": np.inf}
    for _ in range(3):
        began = time.perf_counter()
        figures(*pair, (1.0, 0.7, 0.7))
        between = time.perf_counter()
        ndimage.distance_transform_edt(pair[0] == 0, sampling=(1.0, 0.7, 0.7))
        best["all"] = min(best["all"], between - began)
        best["one"] = min(best["one"], time.perf_counter() - between)
    assert best["all"] < 4 * best["one"]
