"""A GPU marks what the CPU marks; run with ``-m gpu -s`` to see the device and the milliseconds a slice."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from napari_lesionseg.inference.device import describe_device
from napari_lesionseg.inference.predict import Prediction, predict
from napari_lesionseg.models.card import LoadedModel, load_model
from napari_lesionseg.models.zoo import list_models
from napari_lesionseg.volumes import Volume
from napari_lesionseg.volumes.phantom import make_case

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]


def timed(scan: Volume, model: LoadedModel, device: str) -> tuple[Prediction, float]:
    """A prediction, and its wall milliseconds a slice, after a first run that warms the device up."""
    predict(scan, model, device=device)
    start = time.perf_counter()
    prediction = predict(scan, model, device=device)
    return prediction, 1000 * (time.perf_counter() - start) / len(scan.array)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    names = {info.name: info.folder for info in list_models()}
    folder = names.get("phantom-base") or names.get("covid-base")
    if folder is None:
        pytest.skip("no bundled model to compare the devices with")
    return load_model(folder)


def test_cpu_and_cuda_differ_on_at_most_a_thousandth_of_the_lesion_voxels(
    model: LoadedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = make_case(seed=3).scan
    times = {}
    masks = {}
    for device in ("cpu", "cuda"):
        prediction, times[device] = timed(scan, model, device)
        assert prediction.device == device
        masks[device] = prediction.mask().array
    lesion = np.count_nonzero(masks["cpu"])
    differing = np.count_nonzero(masks["cpu"] != masks["cuda"])
    with capsys.disabled():
        figures = ", ".join(f"{describe_device(device)}: {ms:.1f} ms/slice" for device, ms in times.items())
        print(f"\n{model.card.name}: {figures}; {differing} of {lesion} lesion voxels differ")
    assert lesion > 0
    assert differing <= 0.001 * lesion
