"""Real scans through the whole command: a mask on exactly the scan's own grid, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from napari_lesionseg.models.card import load_card
from napari_lesionseg.models.zoo import BUNDLED, DEFAULT_MODEL
from napari_lesionseg.volumes import Geometry, Volume, nifti

Predicted = Callable[[str], tuple[Path, dict[str, Any]]]
SCANS = {"LUNG1-002": "nsclc_ct/LUNG1-002/ct.nii.gz", "coronacases_009": "covid_ma20_8bit/coronacases_009/ct.nii.gz"}


@pytest.fixture(scope="module")
def model() -> str:
    if not (BUNDLED / DEFAULT_MODEL / "card.json").is_file():
        pytest.skip(f"the bundled model {DEFAULT_MODEL} is not there yet")
    return str(BUNDLED / DEFAULT_MODEL)


def lesionseg(*words: str | Path) -> dict[str, Any]:
    """The JSON that ``lesionseg`` prints in a process of its own."""
    code = "from napari_lesionseg.cli.main import run; run()"
    command = [sys.executable, "-c", code, *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert isinstance(figures, dict)
    return figures


@pytest.fixture(scope="module")
def predicted(shared_data: Path, model: str, tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    """The mask of a real scan, made once, and the figures that were printed with it."""
    folder = tmp_path_factory.mktemp("real")

    @cache
    def predict(name: str) -> tuple[Path, dict[str, Any]]:
        words = ["-o", folder / f"{name}.nii.gz", "--model", model, "--device", "cpu"]
        return folder / f"{name}.nii.gz", lesionseg("predict", shared_data / SCANS[name], *words)

    return predict


@pytest.mark.realdata
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SCANS)
def test_the_mask_of_a_real_scan_has_its_exact_grid(name: str, shared_data: Path, predicted: Predicted) -> None:
    path = shared_data / SCANS[name]
    mask_path, figures = predicted(name)
    scan, mask = nib.load(path), nib.load(mask_path)
    assert np.array_equal(mask.affine, scan.affine)
    assert mask.shape == scan.shape
    assert figures["slices"] == scan.shape[2] == 111

    first, second = sitk.ReadImage(str(path)), sitk.ReadImage(str(mask_path))
    assert second.GetSize() == first.GetSize()
    assert second.GetSpacing() == pytest.approx(first.GetSpacing(), abs=1e-5)
    assert second.GetOrigin() == pytest.approx(first.GetOrigin(), abs=1e-3)
    assert second.GetDirection() == pytest.approx(first.GetDirection(), abs=1e-6)
    voxels = sitk.GetArrayFromImage(second)
    assert set(np.unique(voxels)) <= {0, 1}
    assert np.count_nonzero(voxels) * np.prod(first.GetSpacing()) / 1000 == pytest.approx(
        figures["lesion_ml"], rel=1e-5
    )

    in_memory = np.prod(scan.shape) * 2 / 2**20
    assert figures["peak_rss_mb"] - in_memory < 1024


@pytest.mark.realdata
@pytest.mark.timeout(900)
def test_the_bundled_model_does_on_an_unseen_patient_what_its_card_says(
    shared_data: Path, model: str, predicted: Predicted
) -> None:
    case = shared_data / "covid_ma20_8bit" / "coronacases_009"
    mask, _ = predicted("coronacases_009")
    figures = lesionseg("evaluate", mask, case / "infection.nii.gz")
    said = load_card(Path(model)).metrics["validation"]["cases"]["coronacases_009"]
    assert figures["dice"] == pytest.approx(said["dice"], abs=0.01)
    assert figures["volume_pred_ml"] == pytest.approx(said["volume_pred_ml"], rel=0.02)
    assert figures["volume_truth_ml"] == pytest.approx(said["volume_truth_ml"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_scan_of_512_by_512_by_300_needs_less_than_a_gigabyte_beside_itself(model: str, tmp_path: Path) -> None:
    grid = Geometry.from_spacing((300, 512, 512), (1.0, 0.8, 0.8))
    hu = np.full(grid.display_shape, -1000, np.int16)
    hu[:, 100:420, 60:460] = 40
    hu[20:280, 150:370, 100:240] = hu[20:280, 150:370, 280:420] = -850
    hu[60:200, 250:330, 120:200] = -500  # Something a model may mark.
    nifti.write_scan(tmp_path / "scan.nii.gz", Volume(hu, grid))
    words = ["-o", tmp_path / "mask.nii.gz", "--probability", tmp_path / "p.nii.gz", "--device", "cpu"]
    figures = lesionseg("predict", tmp_path / "scan.nii.gz", *words, "--model", model)
    assert figures["lung_ml"] is not None
    assert figures["peak_rss_mb"] - hu.nbytes / 2**20 < 1024
