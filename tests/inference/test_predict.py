"""A scan in, a probability on the scan's own grid out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_lesionseg.errors import Cancelled, LesionsegError
from napari_lesionseg.inference.predict import Prediction, predict
from napari_lesionseg.models.card import LoadedModel, ModelCard
from napari_lesionseg.models.config import DualEncoderConfig, Preprocessing
from napari_lesionseg.models.dual_encoder import DualEncoderUNet
from napari_lesionseg.volumes import Geometry, Mask, Volume
from napari_lesionseg.volumes.phantom import PhantomCase


def model(**preprocessing: object) -> LoadedModel:
    """An untrained network: what it marks has no sense, but always the same."""
    torch.manual_seed(0)
    network = DualEncoderUNet(DualEncoderConfig(widths=(4, 8))).eval()
    settings = Preprocessing(**({"size": 32} | preprocessing))
    return LoadedModel(network, ModelCard(name="small", preprocessing=settings, threshold=0.45))


@pytest.fixture(scope="module")
def prediction(phantom_case: PhantomCase) -> Prediction:
    return predict(phantom_case.scan, model(), device="cpu")


def test_every_voxel_has_a_probability_on_the_scans_own_grid(phantom_case: PhantomCase, prediction: Prediction) -> None:
    assert prediction.probability.shape == phantom_case.scan.array.shape
    assert prediction.probability.dtype == np.uint8
    assert prediction.geometry is phantom_case.scan.geometry
    assert len(np.unique(prediction.probability)) > 20
    assert (prediction.model, prediction.device, prediction.threshold) == ("small", "cpu", 0.45)
    assert sorted(prediction.seconds) == ["infer", "preprocess"]
    assert min(prediction.seconds.values()) > 0


def test_the_lungs_are_told_with_it(phantom_case: PhantomCase, prediction: Prediction) -> None:
    assert prediction.lungs is not None
    assert np.count_nonzero(prediction.lungs.array & phantom_case.lungs.array) > 0
    grey = Volume(np.zeros((4, 32, 32), np.uint8), Geometry.from_spacing((4, 32, 32), (1.0, 1, 1)), "grey")
    assert predict(grey, model(), device="cpu").lungs is None


def test_the_same_scan_gives_the_same_bytes(phantom_case: PhantomCase, prediction: Prediction) -> None:
    again = predict(phantom_case.scan, model(), device="cpu")
    assert again.probability.tobytes() == prediction.probability.tobytes()


def test_the_scan_is_left_as_it_was(phantom_case: PhantomCase) -> None:
    before = phantom_case.scan.array.tobytes()
    predict(phantom_case.scan, model(grey_levels="clahe", crop="lungs"), device="cpu")
    assert phantom_case.scan.array.tobytes() == before


@pytest.mark.hazard("H12")
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_the_same_scan_stored_otherwise_gets_the_same_prediction(
    phantom_case: PhantomCase, prediction: Prediction, signs: tuple[int, ...]
) -> None:
    dz, dy, dx = phantom_case.scan.geometry.spacing
    affine = np.zeros((4, 4))  # Stored z, x, y instead of x, y, z, and mirrored.
    affine[[2, 0, 1, 3], [0, 1, 2, 3]] = dz * signs[0], dx * signs[1], dy * signs[2], 1
    z, y, x = phantom_case.scan.array.shape
    other = Volume(phantom_case.scan.array, Geometry((z, x, y), affine))
    assert np.array_equal(predict(other, model(), device="cpu").probability, prediction.probability)


def test_progress_counts_the_slices_one_by_one(phantom_case: PhantomCase) -> None:
    calls: list[tuple[int, int]] = []
    predict(phantom_case.scan, model(), device="cpu", batch_size=5, progress=lambda *call: calls.append(call))
    assert calls == [(done, 16) for done in range(1, 17)]


@pytest.mark.hazard("H26")
@pytest.mark.parametrize("after", [0, 4, 8])
def test_a_cancelled_prediction_gives_nothing(phantom_case: PhantomCase, after: int) -> None:
    done = [0]

    def progress(slices: int, _: int) -> None:
        done[0] = slices

    with pytest.raises(Cancelled):
        predict(
            phantom_case.scan,
            model(),
            device="cpu",
            batch_size=4,
            progress=progress,
            cancelled=lambda: done[0] >= after,
        )
    assert done[0] == after


def test_a_higher_threshold_never_marks_more(prediction: Prediction) -> None:
    thresholds = [0.004, 0.1, 0.3, 0.45, 0.5, 0.6, 0.9, 1.0]
    masks = [prediction.mask(threshold).array for threshold in thresholds]
    assert all(not np.any(high & ~low) for low, high in zip(masks, masks[1:], strict=False))
    counts = [np.count_nonzero(mask) for mask in masks]
    assert counts[0] > counts[3] > counts[-1]


def test_the_cards_threshold_is_the_one_that_counts_by_default(prediction: Prediction) -> None:
    mask = prediction.mask()
    assert isinstance(mask, Mask)
    assert mask.geometry is prediction.geometry
    assert np.array_equal(mask.array, prediction.probability >= 115)  # 0.45 · 255 = 114.75
    assert not np.array_equal(mask.array, prediction.mask(0.5).array)


def test_outside_the_box_around_the_lungs_nothing_is_marked(phantom_case: PhantomCase) -> None:
    chest = phantom_case.scan.array
    array = np.concatenate([np.full_like(chest[:3], -1000), chest])  # Three slices of air below.
    scan = Volume(array, Geometry.from_spacing(array.shape, phantom_case.scan.geometry.spacing))
    calls: list[tuple[int, int]] = []
    cropped = predict(
        scan,
        model(crop="lungs", margin_mm=0),
        device="cpu",
        progress=lambda *call: calls.append(call),
    )
    assert cropped.lungs is not None
    rows = [np.flatnonzero(cropped.lungs.array.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(row[0], row[-1] + 1) for row in rows)
    assert box[0].start >= 3
    outside = np.ones(cropped.probability.shape, bool)
    outside[box] = False
    assert not cropped.probability[outside].any()
    assert (cropped.probability[box] > 0).mean() > 0.99
    depth = box[0].stop - box[0].start
    assert calls == [(done, depth) for done in range(1, depth + 1)]


def test_an_unknown_device_is_refused(phantom_case: PhantomCase) -> None:
    with pytest.raises(LesionsegError, match="no device abacus"):
        predict(phantom_case.scan, model(), device="abacus")


@pytest.mark.hazard("H24")
def test_a_lack_of_memory_half_way_changes_nothing(phantom_case: PhantomCase, prediction: Prediction) -> None:
    small = model()
    encode, calls = small.network.encode, []

    def fail_twice(padded: torch.Tensor) -> object:
        calls.append(len(padded))
        if len(calls) in (2, 3):
            raise torch.OutOfMemoryError("injected")
        return encode(padded)

    small.network.encode = fail_twice  # type: ignore[method-assign]
    got = predict(phantom_case.scan, small, device="cpu", batch_size=4)
    assert calls[:4] == [4, 4, 2, 1]
    assert np.abs(got.probability.astype(int) - prediction.probability).max() <= 1


@pytest.mark.parametrize("preprocessing", [{}, {"crop": "lungs", "grey_levels": "clahe"}])
@pytest.mark.parametrize("slices", [range(0, 3), range(6, 11), range(15, 16)])
def test_a_few_slices_get_the_probability_they_have_in_the_whole_scan(
    phantom_case: PhantomCase, slices: range, preprocessing: dict[str, object]
) -> None:
    whole = predict(phantom_case.scan, model(**preprocessing), device="cpu").probability
    steps: list[tuple[int, int]] = []
    part = predict(
        phantom_case.scan,
        model(**preprocessing),
        device="cpu",
        slices=slices,
        progress=lambda done, total: steps.append((done, total)),
    ).probability
    assert np.array_equal(part[slices.start : slices.stop], whole[slices.start : slices.stop])
    outside = np.delete(part, list(slices), axis=0)
    assert not outside.any()
    assert steps[-1][0] == steps[-1][1] <= len(slices)


def test_slices_outside_the_lungs_cost_nothing(phantom_case: PhantomCase) -> None:
    steps: list[int] = []
    lungs = predict(phantom_case.scan, model(), device="cpu").lungs
    assert lungs is not None
    high = int(np.flatnonzero(lungs.array.any(axis=(1, 2)))[-1])
    shape = (phantom_case.scan.array.shape[0] + 60, *phantom_case.scan.array.shape[1:])
    longer = np.full(shape, -1000, phantom_case.scan.array.dtype)
    longer[: high + 1] = phantom_case.scan.array[: high + 1]
    scan = Volume(longer, Geometry.from_spacing(shape, phantom_case.scan.geometry.spacing))
    predict(
        scan,
        model(crop="lungs"),
        device="cpu",
        slices=range(shape[0] - 3, shape[0]),
        progress=lambda done, _: steps.append(done),
    )
    assert steps == []


def test_an_ensemble_gives_the_mean_of_its_members_and_how_far_they_are_apart(
    phantom_case: PhantomCase, prediction: Prediction
) -> None:
    first = model()
    torch.manual_seed(1)
    second = DualEncoderUNet(DualEncoderConfig(widths=(4, 8))).eval()
    both = predict(phantom_case.scan, replace(first, others=(second,)), device="cpu")
    alone = [prediction.probability, predict(phantom_case.scan, replace(first, network=second)).probability]
    assert prediction.disagreement is None
    assert both.disagreement is not None and both.disagreement.dtype == np.uint8
    assert np.array_equal(both.probability, np.rint(np.mean(alone, axis=0)))
    assert np.array_equal(both.disagreement, np.ptp(alone, axis=0))
    assert both.disagreement.max() > 5
