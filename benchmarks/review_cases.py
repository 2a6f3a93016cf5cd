"""Cases to correct, with what a bundled model makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from napari_lesionseg.inference.predict import predict
from napari_lesionseg.models.card import load_model
from napari_lesionseg.models.zoo import list_models
from napari_lesionseg.volumes import Mask, Volume
from napari_lesionseg.volumes.phantom import make_case
from napari_lesionseg.volumes.phantom.scanner import Scanner
from napari_lesionseg.volumes.read import read_mask, read_scan

SMALL = (64, 160, 160), 4.0  # Shape, and the distance of the slices in mm.
FULL = (128, 512, 512), 2.5
SEED = 9001  # The bundled model was trained on others.


@dataclass(frozen=True, eq=False)
class Case:
    """A scan, its truth, and the probability, uint8 (z, y, x), that ``model`` gives it."""

    name: str
    scan: Volume
    truth: Mask
    probability: npt.NDArray[np.uint8]
    model: str
    threshold: float


def predicted(name: str, scan: Volume, truth: Mask, model: str) -> Case:
    """A case with the prediction of a bundled model."""
    torch.set_num_threads(1)  # Threads that wait for each other on a busy machine take many times as long.
    folder = next(info.folder for info in list_models() if info.name == model)
    made = predict(scan, load_model(folder), device="cpu")
    return Case(name, scan, truth, made.probability, model, made.threshold)


def phantoms(count: int, size: tuple[tuple[int, int, int], float] = SMALL) -> list[Case]:
    """Generated cases that the model has not seen."""
    made = [(seed, make_case(seed, size[0], scanner=Scanner(slice_mm=size[1]))) for seed in range(SEED, SEED + count)]
    return [predicted(f"phantom {seed}", case.scan, case.truth, "phantom-base") for seed, case in made]


def real_case(data: Path) -> tuple[Case | None, str]:
    """coronacases_010, which was kept from training; None and the reason where it is missing."""
    folder = data / "covid_ma20_8bit" / "coronacases_010"
    if not folder.is_dir():
        return None, f"the folder {folder.name} is not beside the repository"
    scan = read_scan(folder / "ct.nii.gz")
    truth = read_mask(folder / "infection.nii.gz", scan)
    return predicted("coronacases_010", scan, truth, "covid-base"), ""
